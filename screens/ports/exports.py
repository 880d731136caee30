"""Writing what a screen lists into a file, and copying where a terminal cannot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol


class ExportsPort(Protocol):
    """Files that people take away. Each says the path it wrote."""

    def table(self, name: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> tuple[str, int]:
        """A CSV file in the workspace's folder `exports`, its name begun by `name`; the path and how many
        rows.

        It is there when it is complete: where `rows` ends in an error, nothing is left. ManometerError where
        it cannot be written.
        """
        ...
