"""How the console looks: its themes, the names of its styles, and the last border that no control of a
terminal passes.

Colours are exact ones of the 256 that a terminal over SSH has, so that greys stay grey there. A state is a
symbol and a word first and a colour second: with 16 colours error and warning are the same, and without
colour there is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme
from textual.widget import Widget

from screens.cells.line import StyleName
from screens.cells.safe_text import display_width

MUTED: Final = 0.6
"""How far what is dim stands out from the background."""

DARK: Final = Theme(
    name="manometer-dark",
    primary="#5fafff",
    secondary="#87afd7",
    accent="#ffaf5f",
    warning="#ffd75f",
    error="#ff5f5f",
    success="#87d787",
    foreground="#d0d0d0",
    background="#121212",
    surface="#1c1c1c",
    panel="#262626",
    boost="#303030",
    dark=True,
)
LIGHT: Final = Theme(
    name="manometer-light",
    primary="#005faf",
    secondary="#005f87",
    accent="#af5f00",
    warning="#875f00",
    error="#af0000",
    success="#005f00",
    foreground="#1c1c1c",
    background="#eeeeee",
    surface="#e4e4e4",
    panel="#dadada",
    boost="#d0d0d0",
    dark=False,
)


_MADE: Final[dict[str, Mapping[StyleName, Style]]] = {}


def styles_of(app: App[object]) -> Mapping[StyleName, Style]:
    """The styles by name under the app's theme, each to be laid over a widget's own.

    They are made once a theme: as rules of a style sheet they would be sought for every widget that draws
    lines, which took a third of the time to the first picture.
    """
    theme = app.current_theme
    made = _MADE.get(theme.name)
    if made is None:
        made = _MADE[theme.name] = _made(app.theme_variables, theme.ansi)
    return made


def _made(colors: Mapping[str, str], is_ansi: bool) -> Mapping[StyleName, Style]:
    return {
        "": Style.null(),
        "head": Style(bold=True, color=_color(colors["secondary"]), bgcolor=_color(colors["panel"])),
        "cursor": Style(reverse=True),
        "dim": Style(dim=True)
        if is_ansi
        else Style(color=_between(colors["background"], colors["foreground"])),
        "ok": Style(color=_color(colors["success"])),
        "warn": Style(color=_color(colors["warning"])),
        "bad": Style(bold=True, color=_color(colors["error"])),
        "accent": Style(color=_color(colors["accent"])),
        "strong": Style(bold=True),
    }


def _between(background: str, foreground: str) -> RichColor:
    return Color.parse(background).blend(Color.parse(foreground), MUTED).rich_color


def _color(text: str) -> RichColor:
    return Color.parse(text).rich_color


_CONTROL: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Scrub(LineFilter):
    """Removes what a terminal could take for a command from every line that is drawn, whichever widget it
    came from.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without controls; those that are commands of the console itself stay."""
        return [
            segment
            if segment.control or not _CONTROL.search(segment.text)
            else Segment(_CONTROL.sub("", segment.text), segment.style)
            for segment in segments
        ]


_STANDS_FOR: Final = {
    **dict.fromkeys("●█", "#"), "▓": "+", **dict.fromkeys("○◌", "o"), **dict.fromkeys("─━—–╌", "-"),
    **dict.fromkeys("│┃‖▌▐", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"), **dict.fromkeys("░▒▁▂▃▄▅▆▇", ":"), "■": "#", "✗": "x", "✓": "v",
    "→": ">", "↑": "^", "↓": "v",
    "…": "~", "·": ".", "•": "*", "⏎": "<",
}  # fmt: skip


class Fewer(LineFilter):
    """Puts letters that every terminal has in the place of those that this one's encoding lacks, each as wide
    as before.
    """

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments in the letters of the encoding."""
        return [
            segment
            if segment.control or segment.text.isascii()
            else Segment("".join(map(self._known, segment.text)), segment.style)
            for segment in segments
        ]

    def _known(self, letter: str) -> str:
        try:
            letter.encode(self._encoding)
        except UnicodeEncodeError:
            return _STANDS_FOR.get(letter, "?" * display_width(letter))
        return letter


def is_dark(widget: Widget) -> bool:
    """Whether the theme in use is dark."""
    return widget.app.current_theme.dark
