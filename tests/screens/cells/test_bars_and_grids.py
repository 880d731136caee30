"""Heat map, bars and gauge: numbers that can be read without any colour."""

from __future__ import annotations

import pytest

from screens.cells.bars import Bar, Heading, Item, bar, bar_lines
from screens.cells.gauge import at_limit, gauge_bars, window_words
from screens.cells.grid import Grid, bounds, compact, legend, shade
from screens.cells.line import Cell, Line


def text(line: Line) -> str:
    return "".join(part.text if isinstance(part, Cell) else part for part in line)


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0"), (9_999, "9999"), (10_000, "10.0k"), (99_949, "99.9k"), (99_950, "100k"), (999_499, "999k"),
     (999_500, "1.0M"),
     (123_456_789, "123M"), (10**15, "many")],
)  # fmt: skip
def test_a_count_fits_five_columns(number: int, said: str) -> None:
    assert compact(number) == said
    assert len(compact(number)) <= 5


@pytest.mark.parametrize(
    ("most", "limits"),
    [
        (0, ()),
        (1, (1,)),
        (5, (1, 2, 3, 4, 5)),
        (6, (2, 4, 6)),
        (38, (10, 20, 30, 40)),
        (100, (20, 40, 60, 80, 100)),
        (101, (50, 100, 150)),
    ],
)
def test_shades_end_at_round_numbers_and_the_last_holds_the_most(most: int, limits: tuple[int, ...]) -> None:
    assert bounds(most) == limits


def test_a_number_has_the_shade_of_the_step_it_lies_in() -> None:
    assert [shade(number, (10, 20, 30)) for number in (None, 0, 1, 10, 11, 30)] == [0, 0, 1, 1, 2, 3]


def test_the_legend_says_the_scale_in_numbers() -> None:
    grid = Grid(("email",), (("Sat", "1"),), ((38,),), "messages sent")
    assert legend(grid) == [("1–10", 1), ("11–20", 2), ("21–30", 3), ("31–40", 4)]
    hundredths = Grid(("email",), (("Sat", "1"),), ((103,),), "contacts per customer reached", 100, 100)
    assert legend(hundredths) == [("1.00", 1), ("1.01", 2), ("1.02", 3), ("1.03", 4)]


def test_a_bar_is_as_long_as_its_share_and_never_invisible() -> None:
    assert bar(10, 10, 4) == "████"
    assert bar(5, 10, 4) == "██"
    assert bar(1, 1_000_000, 4) == "▏"
    assert bar(0, 10, 4) == bar(3, 0, 4) == ""


def test_bars_say_their_number_and_note_in_any_width() -> None:
    items: list[Item] = [Heading(" by rule"), Bar("three-a-week", 1204), Bar("gap", 9, "◀ limit")]
    for width in (20, 40, 120):
        lines = [text(line) for line in bar_lines(items, width)]
        assert lines[0] == " by rule"
        assert "1,204" in lines[1]
        assert "    9" in lines[2]
    assert lines[2].endswith("◀ limit")


def test_the_gauge_puts_everybody_somewhere_and_marks_the_limit() -> None:
    bars = gauge_bars({1: 249, 2: 61, 3: 3, 5: 2}, 2000, 3)
    assert [(each.label, each.number, each.note) for each in bars] == [
        ("0", 1685, ""), ("1", 249, ""), ("2", 61, ""), ("3", 3, "◀ limit"), ("4–5", 2, "! over"),
    ]  # fmt: skip
    assert at_limit({1: 249, 3: 3, 5: 2}, 3) == 5


def test_a_long_scale_goes_in_steps_with_the_limit_alone() -> None:
    bars = gauge_bars({50: 7, 99: 1}, 100, 100)
    assert sum(each.number for each in bars) == 100
    assert bars[-1].label == "100"
    assert len(bars) <= 13


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ("7d", "7 days"),
        ("1d", "1 day"),
        ("16h", "16 hours"),
        ("calendar month", "a calendar month"),
        ("2 days", "2 days"),
    ],
)
def test_windows_are_said_as_people_say_them(window: str, words: str) -> None:
    assert window_words(window) == words
