"""How the console looks in a terminal that knows fewer letters."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color

from screens.cells.safe_text import display_width
from screens.widgets.theme import Fewer


def test_letters_that_the_terminal_lacks_are_replaced_width_for_width() -> None:
    line = [Segment("│ ● müde … 王 ✗ ╭─╮")]
    [shown] = Fewer("iso8859-1").apply(line, Color(0, 0, 0))
    assert shown.text == "| # müde ~ ?? x +-+"
    assert display_width(shown.text) == display_width(line[0].text)
