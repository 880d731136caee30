"""A journey as text boxes: what stands in them, and that they fit."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from core.instants import DAY
from core.kinds.transactional import Transactional
from core.model.fates import Fate
from core.model.journey_map import JourneyMap, JourneyStep
from core.model.triggers import Goal, Step, Trigger
from screens.cells.journey_map import map_lines, sparkline
from screens.cells.line import as_cell
from screens.cells.safe_text import display_width
from screens.ports.journeys import JourneyView
from tests.screens.stage import HOSTILE

LATER, SENT, GOAL_REACHED, NEVER = Fate.LATER, Fate.SENT, Fate.GOAL_REACHED, Fate.NEVER
FIRST = date(2026, 1, 1)
STRAIGHT = Trigger(
    "basket", "Basket left behind", "marketing", Transactional(events=frozenset({"Checkout Started"})),
    (Step(("email", "webpush"), "reminder"), Step(("print",), "card", after=2 * DAY)),
    goal=Goal(frozenset({"Order Completed"}), 14 * DAY), split=(("a", 0.5), ("b", 0.5)),
)  # fmt: skip
STEPS = {
    1: JourneyStep(
        Counter({LATER: 10, Fate.WAITS_FOR_APPROVAL: 4, Fate.DUE: 1, SENT: 60, GOAL_REACHED: 15, NEVER: 10})
    ),
    2: JourneyStep(Counter({LATER: 1, SENT: 50, GOAL_REACHED: 2, NEVER: 3})),
}


def found(days: int = 31, steps: dict[int, JourneyStep] = STEPS) -> JourneyMap:
    counts = [(FIRST + timedelta(days=day), 100 if day == 3 else 0) for day in range(days)]
    return JourneyMap(0, 0, counts, steps, {"a": 48, "b": 52}, 11, 12, 17)


def drawn(view: JourneyView, width: int = 80) -> list[str]:
    return ["".join(as_cell(part).text for part in line) for line in map_lines(view, width)]


def test_each_step_says_who_came_and_what_became_of_them() -> None:
    lines = "\n".join(drawn(JourneyView(STRAIGHT, found(), "when Checkout Started comes")))
    for words in (
        "100 entries in 30 days, 12 under way, 17 reached the goal",
        "01 Jan to 31 Jan, a bar a day, the highest 100",
        "enters when Checkout Started comes",
        "holdout 11 (10 %) get nothing",
        "variant a: 48 (48 %, planned 50 %)",
        "1  reminder  over email, webpush",
        "100 came, 100 % of all who entered",
        "4 wait for approval, 1 due, 60 sent, 10 later, 15 goal reached, 10 never",
        "after 2d  19 dropped out (25 %)",
        "56 came, 56 % of all who entered",
        "50 sent, 1 later, 2 goal reached, 3 never",
    ):
        assert words in lines


def test_who_waits_or_reached_the_goal_has_not_dropped_out() -> None:
    steps = {1: JourneyStep(Counter({LATER: 60, GOAL_REACHED: 40}))}
    assert "dropped out" not in "\n".join(drawn(JourneyView(STRAIGHT, found(steps=steps))))


def test_a_journey_that_branches_accuses_nobody_of_dropping_out() -> None:
    branching = Trigger(
        "b", "B", "marketing", STRAIGHT.when,
        (Step(("email",), "x", variants=frozenset({"a"})), Step(("email",), "y")),
    )  # fmt: skip
    lines = "\n".join(drawn(JourneyView(branching, found(steps={1: JourneyStep(Counter({SENT: 3}))}))))
    assert "dropped out" not in lines
    assert "nobody yet" in lines


@pytest.mark.parametrize("width", [60, 80, 160])
@pytest.mark.parametrize("days", [31, 91, 366])
def test_boxes_are_straight_and_fit_whatever_the_names_are(width: int, days: int) -> None:
    evil = " ".join(HOSTILE)
    trigger = Trigger("e", evil, "marketing", STRAIGHT.when, (Step((evil,), evil),))
    lines = map_lines(JourneyView(trigger, found(days), evil), width)
    for line in lines:
        cells = [as_cell(part) for part in line]
        text = "".join(cell.text for cell in cells)
        if text.startswith((" ┌", " │", " └")):
            assert display_width(text) == min(76, width - 2) + 1
            assert text[-1] in "┐│┘"
        assert display_width(text) <= width
        assert "\x1b" not in text


@pytest.mark.parametrize(
    ("numbers", "bars"), [([], ""), ([0, 0], "··"), ([1, 0, 1000], "▁·█"), ([1, 2, 3, 4], "▂▄▆█")]
)
def test_the_lowest_bar_is_not_nothing_and_the_highest_is_whole(numbers: list[int], bars: str) -> None:
    assert sparkline(numbers) == bars
