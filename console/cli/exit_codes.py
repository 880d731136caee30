"""The exit codes of a command, as `manometer --help`, `--spec` and docs/commands.md give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DONE: Final = 0
FAILED: Final = 1
"""Refused or failed, with a message on standard error."""
USAGE: Final = 2
LATER: Final = 75
"""As `EX_TEMPFAIL` of sysexits.h: the same may succeed later."""
INTERRUPTED: Final = 130

USUAL_CODES: Final[Mapping[int, str]] = {
    DONE: "done",
    FAILED: "refused or failed, with a message on standard error",
    USAGE: "wrong usage",
    LATER: "not now: the database is locked, the disk full, a server not reached, or another scheduler "
    "leads; try again later",
    INTERRUPTED: "interrupted",
}
"""What each says. A command whose codes say more has `EXIT_CODES` of its own."""
