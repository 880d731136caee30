"""A line to write in that sends nothing to the terminal while nobody writes."""

from __future__ import annotations

from textual.reactive import reactive
from textual.widgets import Input


class StillInput(Input):
    """Textual's input with a cursor that does not blink: each blink would be bytes on the line, for as long
    as a filter stands open.
    """

    cursor_blink = reactive(False, init=False)
