"""Help in the width of the terminal: paragraphs, lists of words with what they mean, and examples."""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Any, Final

Example = tuple[str, str]
"""A command line without `manometer`, and what it does."""

_TERM: Final = re.compile(r"(\s*\S+)(\s{2,})(\S.*)")
_LEAST: Final = 24
EXAMPLES: Final = "examples:"
_GAP: Final = 2


def width() -> int:
    """Columns that help may take."""
    return max(_LEAST, shutil.get_terminal_size().columns - 2)


class HelpFormatter(argparse.HelpFormatter):
    """Breaks a description at words, but leaves its paragraphs, and its lists under their words."""

    def _format_usage(self, *given: Any) -> str:
        room = self._width
        lines = super()._format_usage(*given).split("\n")
        return "\n".join(
            part
            for line in lines
            for part in (
                wrap(line.strip(), room, initial_indent="    ", subsequent_indent="    ")
                if len(line) > room
                else [line]
            )
        )

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(f"{indent}{line}".rstrip() for line in filled(text, width - len(indent)))


def filled(text: str, room: int) -> Iterator[str]:
    """The lines of a text that has paragraphs, and lists of a word and its meaning, in so many columns."""
    entry: list[str] = []
    is_example = False
    for line in (*text.strip("\n").splitlines(), ""):
        is_new = not line.strip() or is_example or _TERM.fullmatch(line) is not None
        if is_new and entry:
            yield from _entry(entry, room)
            entry = []
        if line.strip():
            entry.append(line)
        else:
            yield ""
        is_example = line == EXAMPLES or (is_example and bool(line.strip()))


def _entry(lines: Sequence[str], room: int) -> list[str]:
    listed = _TERM.fullmatch(lines[0])
    if listed is None:
        indent = " " * (len(lines[0]) - len(lines[0].lstrip()))
        words = " ".join(line.strip() for line in lines)
        return wrap(words, max(_LEAST, room), initial_indent=indent, subsequent_indent=indent)
    head = listed[1] + listed[2]
    words = " ".join([listed[3], *(line.strip() for line in lines[1:])])
    return wrap(words, max(_LEAST, room), initial_indent=head, subsequent_indent=" " * len(head))


def examples(named: Sequence[Example]) -> str:
    """What stands below the options: each line as it is typed, and under it what it does."""
    if not named:
        return ""
    lines = [part for line, meaning in named for part in (f"  manometer {line}", f"      {meaning}")]
    return "\n".join([EXAMPLES, *lines])


def beside(rows: Iterable[tuple[str, str]], room: int) -> Iterator[str]:
    """Words with what they mean beside them, broken at the room there is."""
    known = list(rows)
    names = max(len(name) for name, _ in known)
    indent = " " * (names + 2 * _GAP)
    for name, meaning in known:
        head = f"{'':{_GAP}}{name.ljust(names + _GAP)}"
        yield from wrap(meaning, max(_LEAST, room), initial_indent=head, subsequent_indent=indent)
