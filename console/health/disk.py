"""Room on the disk of the database: how much there is, and below what nothing new is taken on. Sizes are
bytes.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RESERVE: Final = 10**9
SHARE: Final = 50
"""Unless the workspace says a number: a gigabyte, or on a small disk a fiftieth of it."""


@dataclass(frozen=True, slots=True)
class Room:
    """What the disk has free, and what must stay so."""

    free: int
    keep_free: int

    @property
    def is_short(self) -> bool:
        """Whether intake and sending should wait."""
        return self.free < self.keep_free

    def in_words(self) -> str:
        """Both numbers, for people."""
        return f"{size(self.free)} free, {size(self.keep_free)} to be kept"


def room(folder: Path, keep_free: int | None) -> Room:
    """The room where the folder lies; OSError where it cannot be asked."""
    usage = shutil.disk_usage(folder)
    return Room(usage.free, min(RESERVE, usage.total // SHARE) if keep_free is None else keep_free)


def size(number: int) -> str:
    """`3.4 GB`, `512.0 MB`."""
    return f"{number / 10**9:.1f} GB" if number >= 10**9 else f"{number / 10**6:.1f} MB"
