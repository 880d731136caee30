"""The preview as cells."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from core.forecast.diff import Diff
from core.forecast.preview import ChannelDemand, Fullness, PressedCustomer, PreviewCell, Totals
from core.instants import DAY, parse_instant
from screens.cells import figures, heat_map
from screens.cells import forecast as forecast_rows
from screens.cells import pressure as rows
from screens.cells.bars import Bar, bar_lines
from screens.cells.gauge import MOST_BARS
from screens.cells.line import as_cell
from screens.cells.moments import share
from screens.ports.pressure import Forecast, LimitLine, Since, Supposed

ZURICH = ZoneInfo("Europe/Zurich")
FIRST = parse_instant("2025-03-28T12:00:00+01:00")  # the clock goes forward on the 30th
LIMIT = LimitLine("three-a-week", 3, "contacts", "7d", True)


def totals() -> Totals:
    found = Totals(customers=10, decisions=9)
    found.cells.update(
        {
            PreviewCell("2025-03-28", "basket", "email", "send", None): 4,
            PreviewCell("2025-03-28", "basket", "sms", "send", None): 2,
            PreviewCell("2025-03-28", "birthday", "email", "defer", "PRESSURE"): 2,
            PreviewCell("2025-03-30", "birthday", None, "suppress", "HOLDOUT"): 1,
        }
    )
    found.reached.update({("2025-03-28", "email"): 4, ("2025-03-28", "sms"): 2, ("2025-03-28", None): 4})
    found.fullness.update(
        {("three-a-week", 1): 3, ("three-a-week", 3): 2, ("three-a-week", 4): 1, ("points", 1500): 2}
    )
    found.held_by.update({("gap", "birthday"): 2, ("three-a-week", "basket"): 1})
    found.pressed = [PressedCustomer(2, 2500, "anna", 7, Fullness("points", 1500, 2000))]
    return found


FORECAST = Forecast(
    1,
    FIRST,
    FIRST + 3 * DAY,
    3,
    1,
    totals(),
    ("email", "sms"),
    {"email": 3},
    (LIMIT, LimitLine("points", 2000, "points", "30d", False)),
)


def test_the_grid_is_day_by_channel_with_all_channels_below() -> None:
    table = heat_map.table(FORECAST, "sent", None, ZURICH)
    assert table.grid.rows == ("email", "sms", "no channel", "all")
    assert table.grid.heads == (("Fri", "28"), ("Sat", "29"), ("Sun", "30"), ("Mon", "31"))
    assert [row[0] for row in table.grid.values] == [4, 2, 0, 6]


def test_held_back_is_everything_that_did_not_go_out() -> None:
    table = heat_map.table(FORECAST, "held", None, ZURICH)
    assert table.grid.values == ((2, 0, 0, 0), (0, 0, 0, 0), (0, 0, 1, 0), (2, 0, 1, 0))


def test_contacts_per_customer_are_hundredths_of_those_reached() -> None:
    table = heat_map.table(FORECAST, "contacts", ("birthday",), ZURICH)
    assert [row[0] for row in table.grid.values] == [100, 100, 0, 150]


def test_a_filter_narrows_the_grid_and_the_bars() -> None:
    assert rows.matching(["basket", "birthday"], "b !day") == ("basket",)
    assert rows.matching(["basket"], "  ") is None
    assert heat_map.table(FORECAST, "held", ("basket",), ZURICH).grid.most == 0
    assert [bar.label for bar in rows.held_back(FORECAST, ("basket",)) if isinstance(bar, Bar)] == [
        "three-a-week"
    ]


def test_a_cell_stands_for_its_local_day_even_where_the_clock_changes() -> None:
    table = heat_map.table(FORECAST, "held", None, ZURICH)
    behind = heat_map.behind_cell(table, 2, 2, "held", None, ZURICH)
    assert (behind.since, behind.until) == (
        parse_instant("2025-03-30T00:00:00+01:00"),
        parse_instant("2025-03-31T00:00:00+02:00"),
    )
    assert (behind.channels, behind.outcomes) == ((None,), forecast_rows.HELD)
    assert heat_map.behind_cell(table, 3, 0, "sent", ("basket",), ZURICH).channels is None
    assert heat_map.cell_words(table, 0, 0) == "Fri 28 Mar, email: 4 decided, 2 later"


def test_a_last_day_of_one_instant_is_left_out_unless_something_falls_on_it() -> None:
    begins = parse_instant("2025-03-27T00:00:00+01:00")
    forecast = replace(FORECAST, first=begins, last=begins + 2 * DAY, totals=Totals())
    assert len(heat_map.days_of(forecast, ZURICH)) == 2
    assert (
        len(
            heat_map.days_of(replace(forecast, totals=FORECAST.totals, first=FIRST - DAY, last=FIRST), ZURICH)
        )
        == 2
    )


def test_the_histogram_marks_the_limit_and_what_is_over_it() -> None:
    bars = rows.limit_bars(FORECAST, LIMIT)
    assert [(bar.label, bar.number, bar.note) for bar in bars] == [
        ("0", 4, ""), ("1", 3, ""), ("2", 0, ""), ("3", 2, "◀ limit"), ("4", 1, "! over"),
    ]  # fmt: skip
    assert rows.limit_sentence(FORECAST, LIMIT, 40) == "3 of 10 customers (30 %) reach it"
    assert rows.limit_sentence(FORECAST, LIMIT, 30) == "3 of 10 (30 %) reach it"
    assert rows.limit_title(FORECAST, LIMIT) == "three-a-week: 3 contacts in 7 days"


def test_points_are_rounded_up_and_nobody_counts_whom_the_rule_may_not_hold_for() -> None:
    bars = rows.limit_bars(FORECAST, FORECAST.limits[1])
    assert [(bar.label, bar.number) for bar in bars] == [("1", 0), ("2", 2)]


def test_a_high_limit_stands_alone_behind_steps() -> None:
    forecast = replace(FORECAST, totals=Totals(customers=5))
    forecast.totals.fullness["many", 99] = 1
    forecast.totals.fullness["many", 120] = 1
    bars = rows.limit_bars(forecast, replace(LIMIT, rule="many", limit=100))
    assert sum(bar.number for bar in bars) == 5
    assert [(bar.label, bar.number) for bar in bars][-2:] == [("100", 0), ("101–120", 1)]
    assert len(bars) <= MOST_BARS


def test_bars_lead_to_the_decisions_they_count() -> None:
    bars = [item for item in rows.held_back(FORECAST, None) if isinstance(item, Bar)]
    assert [(bar.label, bar.number) for bar in bars] == [
        ("gap", 2),
        ("three-a-week", 1),
        ("→ pressure", 2),
        ("✗ holdout", 1),
    ]
    rule, reason = (rows.behind_bar(bars[place].stands_for, None) for place in (0, 2))
    assert rule is not None and rule.rule == "gap"  # noqa: PT018 - narrows the type
    assert reason is not None and (reason.outcomes, reason.reasons) == (("defer",), ("PRESSURE",))  # noqa: PT018
    assert rows.behind_bar(rows.Customer(1, "c"), None) is None


def test_the_most_pressed_say_points_and_the_rule_in_its_unit() -> None:
    (bar,) = rows.pressed(FORECAST)
    assert isinstance(bar, Bar)
    assert (bar.label, bar.number, bar.note) == ("anna", 2, "1.5/2 points, 2.5 points")
    narrow = "".join(as_cell(part).text for part in bar_lines([bar], 24)[0])
    assert narrow.split() == ["anna", "2", "1.5/2", "points"], "where there is little room the rule stays"


def test_sentences() -> None:
    assert (
        forecast_rows.span_words(FORECAST, ZURICH)
        == "3 days from Fri 28 Mar 12:00: 9 decisions for 10 customers (no new events)"
    )
    assert (
        forecast_rows.capacity_words(FORECAST)
        == "! over capacity: email on Fri 28 Mar: 4 of 3 a day. The rest waits."
    )
    assert forecast_rows.capacity_words(replace(FORECAST, capacities={})) == ""
    assert (
        forecast_rows.since_words(Since(1, 0, 2, True))
        == "! old: 1 new event, 2 operator acts, another playbook since. `p` looks anew."
    )
    assert forecast_rows.since_words(Since(0, 0, 0, False)) == ""


@pytest.mark.parametrize(("days", "more"), [(3, 7), (7, 14), (28, 3)])
def test_the_length_goes_round(days: int, more: int) -> None:
    assert rows.next_days(days) == more


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [(0, 5, "0 %"), (1, 1000, "< 1 %"), (999, 1000, "> 99 %"), (5, 5, "100 %"), (1, 0, "0 %")],
)
def test_small_shares_are_not_nothing(part: int, whole: int, words: str) -> None:
    assert share(part, whole) == words


def test_under_changed_rules_titles_cells_and_bars_say_both_sides() -> None:
    diff = Diff(before=totals(), after=totals())
    diff.after.cells[PreviewCell("2025-03-28", "basket", "email", "send", None)] = 1
    forecast = replace(FORECAST, totals=diff.after, diff=diff, limits_before=(replace(LIMIT, limit=4),))
    assert rows.limit_title(forecast, LIMIT) == "three-a-week: 4→3 contacts in 7 days"
    table = heat_map.table(forecast, "change", None, ZURICH)
    assert [row[0] for row in table.grid.values] == [-3, 0, 0, -3]
    assert heat_map.cell_words(table, 0, 0) == "Fri 28 Mar, email: 4→1 decided, 2 later"
    assert {bar.before for bar in rows.held_back(forecast, None) if isinstance(bar, Bar)} == {1, 2}


def test_a_day_over_capacity_and_what_is_imagined_have_their_sign() -> None:
    forecast = replace(
        FORECAST, asked=(ChannelDemand("2025-03-28", "email", 4, 3), ChannelDemand("2025-03-28", "sms", 2, 3))
    )
    forecast = replace(forecast, totals=totals(), supposed=Supposed(future="replay"))
    forecast.totals.imagined[PreviewCell("2025-03-28", "basket", "sms", "send", None)] = 1
    table = heat_map.table(forecast, "sent", None, ZURICH)
    assert table.grid.signs == {(0, 0): "!", (1, 0): "~", (3, 0): "~"}, (
        "the sum over all channels is in part imagined too"
    )
    assert heat_map.measures_of(forecast)[-1] == "imagined"
    assert forecast_rows.imagined_words(forecast) == "~ imagined: 1 of 9 decisions; the rest is known"


def test_the_tables_name_winners_losers_days_and_losses() -> None:
    found = totals()
    found.beats.update({("birthday", "basket"): 3, ("basket", "basket"): 1})
    found.moves["2025-03-28", "2025-03-29"] = 2
    found.cells[PreviewCell("2025-03-29", "basket", "email", "suppress", "EXPIRED")] = 4
    forecast = replace(FORECAST, totals=found, asked=(ChannelDemand("2025-03-28", "email", 4, 3),))
    contest = figures.contest(forecast)
    assert figures.contest_words(contest, 0, 0) == "birthday has the room of basket in 3 decisions"
    assert (
        figures.contest_words(contest, 1, 0)
        == "basket reminds the same people too often: held back by itself in 1 decision"
    )
    bars = [bar for bar in figures.put_off(forecast) if isinstance(bar, Bar)]
    assert [(bar.label, bar.number) for bar in bars] == [
        ("Fri 28 Mar → Sat 29 Mar", 2),
        ("basket, expired", 4),
    ]
    behind = figures.behind_lost(bars[1].stands_for)
    assert behind is not None and (behind.triggers, behind.reasons) == (("basket",), ("EXPIRED",))  # noqa: PT018 - narrows the type
    (full,) = [bar for bar in figures.capacities(forecast) if isinstance(bar, Bar)]
    assert (full.number, full.note) == (4, "of 3 (133 %) ! over: the rest waits")
