"""What was found of a file changed in a copy, as lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from core.explain.words import counted
from screens.cells.deed import REASON, Deed, DialogField
from screens.cells.line import Cell, Line, StyleName
from screens.ports.editing import EditCheck, EditedFile

_HEADERS: Final = 2
"""Lines of a unified diff that name its two sides."""
_STYLES: Final[dict[str, StyleName]] = {"+": "ok", "-": "bad", "@": "accent"}


def facts(file: EditedFile | None, found: EditCheck | None, trouble: str | None) -> list[Line]:
    """Where it stands, in a line or two."""
    lines: list[Line] = [] if trouble is None else [[Cell(f" {trouble}", "bad")]]
    if found is None:
        return lines
    if found.obstacle is not None:
        lines.append([Cell(f" Not yet to be put in force: {found.obstacle}.", "warn")])
    else:
        lines.append([Cell(" No faults. A puts it in force, E edits again, D discards it.", "ok")])
    if file is not None and file.is_resumed:
        lines.append([Cell(" This is the copy that was kept from before.", "dim")])
    return lines


def found_lines(found: EditCheck, noted: Sequence[str]) -> list[Line]:
    """Everything that was found, the most pressing first; `noted` is what somebody else has changed and the
    operator has taken note of.
    """
    lines: list[Line] = []
    for title, texts, style in (
        ("Faults", found.faults, "bad"),
        ("It undoes what somebody else has changed", undone(found, noted), "warn"),
        ("Putting it in force changes", found.effects, ""),
        ("The coming week", found.forecast, ""),
    ):
        lines += _part(title, [[Cell(line, style)] for text in texts for line in text.split("\n")])  # type: ignore[arg-type]
    lines += _part("What somebody else has changed meanwhile", list(_diff(found.others)))
    return lines + _part("What becomes of the file", list(_diff(found.changed)))


def undone(found: EditCheck, noted: Sequence[str]) -> list[str]:
    """The lines of the copy's difference that turn back lines somebody else has changed."""
    turned = {"+": "-", "-": "+"}
    theirs = {turned[line[0]] + line[1:] for line in noted if line[:1] in turned}
    return [line for line in found.changed[_HEADERS:] if line in theirs]


def _part(title: str, lines: Sequence[Line]) -> list[Line]:
    return [[" ", Cell(title, "head")], *([" ", *line] for line in lines), []] if lines else []


def _diff(lines: Sequence[str]) -> Iterator[Line]:
    for line in lines:
        yield [
            Cell(line.replace("\t", "    "), _STYLES.get(line[:1], "dim" if line.startswith("\\") else ""))
        ]


def force_deed(file: EditedFile, found: EditCheck, noted: Sequence[str], author: str) -> Deed:
    """What putting it in force would do."""
    theirs = undone(found, noted)
    undoes = [f"It undoes {counted(len(theirs), 'line')} that somebody else has changed."] if theirs else []
    return Deed(
        f"Put {file.name} in force?",
        [*undoes, *found.effects, *found.forecast],
        "Put in force",
        fields=(DialogField(REASON, "Reason (may be empty)"),),
        author=author,
    )


def discard_deed(file: EditedFile) -> Deed:
    """What would be gone."""
    return Deed(
        f"Discard your copy of {file.name}?",
        ["What you wrote in it will be gone. The file stays as it is."],
        "Discard",
    )
