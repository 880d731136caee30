"""What every reading of a cell shares: the bare text, the errors, and the choice between two ways of writing
that only a whole column can settle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

from core.errors import ManometerError
from core.text_folding import bare as bare

Way = TypeVar("Way", bound=str)

LONGEST_SHOWN: Final = 40


class CellError(ValueError):
    """A cell that says no value of its sort; the text shows the cell and gives the reason."""


class ColumnError(ManometerError):
    """A column that does not show how it is written; the text names the lines and what to set."""


def shown(cell: object) -> str:
    """The beginning of a cell in quotes, for messages."""
    return repr(str(cell)[:LONGEST_SHOWN])


class ColumnChoice(Generic[Way]):
    """Which of two ways the cells of one column are written in, found by looking at every one of them."""

    __slots__ = ("_column", "_names", "_open", "_otherwise", "_proof", "_setting", "_ways_of")

    def __init__(
        self,
        column: str,
        ways_of: Callable[[str], tuple[Way, ...]],
        names: Mapping[Way, str],
        otherwise: Way,
        setting: str,
    ) -> None:
        """`ways_of` a cell: one way where the cell can be read in that way only, both where it would mean two
        different values, none where it shows nothing. `otherwise` holds where no cell shows anything.
        """
        self._column = column
        self._ways_of = ways_of
        self._names = names
        self._otherwise = otherwise
        self._setting = setting
        self._proof: dict[Way, tuple[int, str]] = {}
        self._open: tuple[int, str] | None = None

    def see(self, line: int, cell: str) -> None:
        """Looks at the cell of one line (its number in the file)."""
        ways = self._ways_of(cell)
        if len(ways) == 1:
            self._proof.setdefault(ways[0], (line, cell))
        elif ways and self._open is None:
            self._open = line, cell

    def decide(self) -> Way:
        """The way of the whole column; ColumnError names two lines where both occur, one where nothing
        decides.
        """
        if len(self._proof) > 1:
            raise ColumnError(f"column {self._column!r} is written in two ways: {self._contradiction()}.")
        if self._proof:
            return next(iter(self._proof))
        if self._open is not None:
            line, cell = self._open
            raise ColumnError(
                f"column {self._column!r}: nothing shows whether it has {' or '.join(self._names.values())}, "
                f"and line {line} ({shown(cell)}) would mean two different values. {self._setting}"
            )
        return self._otherwise

    def _contradiction(self) -> str:
        seen = sorted((line, cell, self._names[way]) for way, (line, cell) in self._proof.items())
        return " and ".join(f"line {line} ({shown(cell)}) has {name}" for line, cell, name in seen)
