"""The exit codes of a command, as `manometer --help` and docs/commands.md give them."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
FAILED: Final = 1
"""Refused or failed, with a message on standard error."""
USAGE: Final = 2
INTERRUPTED: Final = 130
