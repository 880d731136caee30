"""What is wrong with the files of a workspace, said to the person who writes them: all of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.workspace.layout import SETTINGS
from core.errors import ManometerError
from core.suggestions import nearest

_MOST_LISTED = 12


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to put right: file (relative to the workspace), line from 1 where there is one, what is
    wrong, what to do.
    """

    file: str
    line: int | None
    message: str
    remedy: str
    excerpt: str = ""  # the text of a condition with a caret under the fault

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        end = "" if self.message.endswith((".", "?")) else "."
        sentence = f"{place}: {self.message}{end} {self.remedy}".rstrip()
        return "\n".join([sentence, *(f"    {line}" for line in self.excerpt.splitlines())])


class WorkspaceError(ManometerError):
    """The files of a workspace cannot be used; `faults` has every fault that was found."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class Faults:
    """Gathers faults and warnings over all files."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Notes a fault: the workspace cannot be used."""
        self.faults.append(fault)

    def warn(self, warning: Fault) -> None:
        """Notes a warning: the workspace can be used, but somebody should look."""
        self.warnings.append(warning)

    def raise_if_any(self) -> None:
        """WorkspaceError with every fault, file by file, in order of lines."""
        if self.faults:
            raise WorkspaceError(in_order(self.faults))


def in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Each fault once, by file and line; the main files first."""
    first = {SETTINGS: 0, "pressure.toml": 1, "segments.toml": 2}
    return tuple(
        sorted(
            dict.fromkeys(faults), key=lambda fault: (first.get(fault.file, 3), fault.file, fault.line or 0)
        )
    )


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A remedy: the nearest known name, else `otherwise`, else the known names."""
    names = sorted(known)
    found = nearest(name, names)
    if found is not None:
        return f"Did you mean `{found}`?"
    if otherwise:
        return otherwise
    listed = ", ".join(names[:_MOST_LISTED]) + (" ..." if len(names) > _MOST_LISTED else "")
    return f"Known: {listed}." if names else ""
