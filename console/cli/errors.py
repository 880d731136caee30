"""The error of a command line; alone, so that `main` knows it without importing what commands need."""

from __future__ import annotations

from core.errors import ManometerError


class UsageError(ManometerError):
    """The command line asks for something that does not exist; exit code 2."""
