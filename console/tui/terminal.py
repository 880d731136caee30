"""What the terminal can do: whether there can be a console on it, with which letters and which theme."""

from __future__ import annotations

import os
import sys
from codecs import lookup
from io import TextIOWrapper

from screens.widgets.theme import DARK, Fewer


def why_unfit() -> str | None:
    """Why there can be no console here, and what to do; None where there can."""
    if not (sys.stdin.isatty() and sys.__stderr__ is not None and sys.__stderr__.isatty()):
        return (
            "the console needs a terminal on standard input and standard error. "
            "Without one use the commands: `manometer --help`."
        )
    if os.environ.get("TERM", "dumb") == "dumb":
        return (
            "this terminal (TERM=dumb) cannot draw the console. "
            "Use the commands, `manometer --help`, or another terminal."
        )
    return None


def encoding_filters() -> list[Fewer]:
    """What a terminal needs that was not said to speak UTF-8; the locale `C` says nothing, and terminals
    speak UTF-8 nowadays.
    """
    terminal = sys.__stderr__
    known = "utf-8" if terminal is None else lookup(terminal.encoding).name
    if known == "ascii" and isinstance(terminal, TextIOWrapper):
        terminal.reconfigure(encoding="utf-8")
        known = "utf-8"
    return [] if known == "utf-8" else [Fewer(known)]


def usual_theme(color_system: str | None) -> str:
    """The theme where none is preferred: sixteen colours are the terminal's own, unless colour is not wanted,
    then the row cursor needs ours.
    """
    few = color_system == "standard" and "NO_COLOR" not in os.environ
    return "ansi-dark" if few else DARK.name
