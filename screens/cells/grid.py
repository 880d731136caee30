"""A grid of numbers for a heat map: its texts, its shades and the scale that explains them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

SHADES: Final = 5

DARK_SHADES: Final = (
    ("#303030", "#d0d0d0"),
    ("#5f5f00", "#ffffff"),
    ("#875f00", "#ffffff"),
    ("#d78700", "#000000"),
    ("#ffd75f", "#000000"),
)
LIGHT_SHADES: Final = (
    ("#e4e4e4", "#1c1c1c"),
    ("#ffd7af", "#1c1c1c"),
    ("#ffaf5f", "#000000"),
    ("#d75f00", "#ffffff"),
    ("#870000", "#ffffff"),
)


@dataclass(frozen=True, slots=True)
class Grid:
    """Numbers by row and column, in units of 1/`scale`; None where there can be none. `heads` are two short
    texts a column.

    Numbers that are `signed` are differences; their shades tell how large they are. `signs` stand before the
    numbers of some cells.
    """

    rows: tuple[str, ...]
    heads: tuple[tuple[str, str], ...]
    values: tuple[tuple[int | None, ...], ...]
    words: str
    """What is counted, such as "messages sent"."""
    scale: int = 1
    least: int = 1
    """The lowest number above nothing that there can be."""
    signed: bool = False
    signs: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """By row and column, such as `!`."""
    legend: str = ""
    """What the signs mean."""

    def text(self, value: int | None) -> str:
        """A number in at most five columns, six with its sign; nothing is a dot."""
        if value is None:
            return ""
        if self.signed and value:
            return f"{'+' if value > 0 else '-'}{compact(abs(value))}"
        if self.scale > 1:
            return f"{value / self.scale:.2f}" if value else "·"
        return compact(value) if value else "·"

    @property
    def most(self) -> int:
        """The highest number."""
        return max((abs(value) for row in self.values for value in row if value is not None), default=0)

    @property
    def bounds(self) -> tuple[int, ...]:
        """The highest number of each shade."""
        return tuple(most + self.least - 1 for most in bounds(self.most - self.least + 1))


def compact(number: int) -> str:
    """A count in at most five columns: 9999, 12.3k, 123k, 1.2M."""
    if number < 10_000:
        return str(number)
    for size, unit in ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G")):
        if number < 99_950 * size // 1_000:
            return f"{number / size:.1f}{unit}"
        if number < 999_500 * size // 1_000:
            return f"{number / size:.0f}{unit}"
    return "many"


def bounds(most: int) -> tuple[int, ...]:
    """The highest number of each shade: steps of one round size, of which the last holds `most`; fewer where
    the numbers are few.
    """
    if most <= SHADES:
        return tuple(range(1, max(0, most) + 1))
    step = next(size for size in _round_sizes() if size * SHADES >= most)
    return tuple(step * number for number in range(1, -(-most // step) + 1))


def _round_sizes() -> Sequence[int]:
    return [factor * 10**power for power in range(15) for factor in (1, 2, 5)]


def shade(value: int | None, limits: Sequence[int]) -> int:
    """Which shade a number has, from 1; 0 for nothing."""
    if not value:
        return 0
    return next((number for number, most in enumerate(limits, 1) if value <= most), len(limits))


def legend(grid: Grid) -> list[tuple[str, int]]:
    """The scale in numbers: each shade's span with the shade."""
    parts, first = [], grid.least
    for number, most in enumerate(grid.bounds, 1):
        told = [grid.text(value).lstrip("+") for value in (first, most)]
        parts.append((told[1] if first == most else "–".join(told), number))
        first = most + 1
    return parts
