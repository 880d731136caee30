"""The columns of a table, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its width in columns of the terminal, and from which width of the table on it is shown.

    Of the width that is left over, columns take shares by `grow`, up to `most` where that says anything.
    """

    name: str
    title: str
    width: int
    right: bool = False
    least: int = 0
    grow: int = 0
    most: int = 0

    def grown(self, room: int, shares: int) -> int:
        """Its width with its share of the room."""
        wide = self.width + (room * self.grow // shares if shares else 0)
        return min(wide, self.most) if self.most else wide
