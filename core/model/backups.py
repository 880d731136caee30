"""When the scheduler makes a backup, and where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """`folder` is a path, relative to the workspace where it is no absolute one; `at` an hour and a minute
    of the local day; `keep` how many stay.
    """

    folder: str
    at: tuple[int, int] = (3, 0)
    keep: int = 14
