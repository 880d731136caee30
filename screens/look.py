"""How the console looks: its themes, the names of its styles, and the last border that no control of a terminal passes.

Colours are exact ones of the 256 that a terminal over SSH has, so that greys stay grey there. A state is a symbol and a word first and
a colour second: with 16 colours error and warning are the same, and without colour there is none.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme
from textual.widget import Widget

StyleName: TypeAlias = Literal["", "head", "cursor", "dim", "ok", "warn", "bad", "accent", "strong"]
STYLES: Final[tuple[StyleName, ...]] = ("head", "cursor", "dim", "ok", "warn", "bad", "accent", "strong")
"""What a cell or a word may be; each is a component class `look--NAME` of the widgets that draw lines."""

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

COMPONENTS: Final = {f"look--{name}" for name in STYLES}
CSS: Final = """
.look--head { text-style: bold; color: $secondary; background: $panel; }
.look--cursor { text-style: reverse; }
.look--dim { color: $text-muted; }
.look--ok { color: $success; }
.look--warn { color: $warning; }
.look--bad { color: $error; text-style: bold; }
.look--accent { color: $accent; }
.look--strong { text-style: bold; }
"""
"""Style sheet of the component classes, for the app; a widget that draws lines declares them with `COMPONENT_CLASSES = COMPONENTS`."""

_CONTROL: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Scrub(LineFilter):
    """Removes what a terminal could take for a command from every line that is drawn, whichever widget it came from."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without controls; those that are commands of the console itself stay."""
        return [
            segment if segment.control or not _CONTROL.search(segment.text) else Segment(_CONTROL.sub("", segment.text), segment.style)
            for segment in segments
        ]


def is_dark(widget: Widget) -> bool:
    """Whether the theme in use is dark."""
    return widget.app.current_theme.dark
