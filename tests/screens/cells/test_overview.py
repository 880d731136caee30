"""The first screen as lines."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from core.health import Health, HealthFinding
from core.instants import DAY, HOUR, MINUTE, SECOND, parse_instant
from screens.cells import overview as rows
from screens.cells.line import Cell, Line
from screens.ports.overview import (
    BaseGauge,
    Books,
    ChannelToday,
    DayAhead,
    Engine,
    NextSteps,
    OverviewPage,
    Undecided,
    Written,
)
from screens.ports.pauses import PauseView

ZURICH = ZoneInfo("Europe/Zurich")
NOW = parse_instant("2025-03-30T12:00:00+02:00")
WELL = Health("healthy", True, ())
ENGINE = Engine(1, "server:812:99", NOW - HOUR, NOW - 20 * SECOND, NOW - 5 * SECOND, 0, 0, 0, None)
EMAIL = ChannelToday("email", 1204, 30, 0, 20_000, 12)
PAGE = OverviewPage(NOW, ENGINE, (EMAIL,), {}, WELL, (), ())


def text(line: Line) -> str:
    return "".join(part.text if isinstance(part, Cell) else part for part in line)


ENGINES = {
    "a scheduler leads": (
        ENGINE,
        "● running server pid 812 since 11:00 · tick 20 seconds ago · dispatch 5 seconds ago",
    ),
    "nobody leads, but somebody ticks": (
        replace(ENGINE, leader=None),
        "● ticked by command, no scheduler leads · tick 20 seconds ago",
    ),
    "nobody ticks": (
        replace(ENGINE, leader=None, last_tick=NOW - 3 * DAY),
        "○ No scheduler runs: `manometer run` starts one; last tick 3 days",
    ),
    "nobody ever ticked": (
        replace(ENGINE, leader=None, last_tick=None),
        "○ No scheduler runs: `manometer run` starts one",
    ),
    "nothing is in force": (replace(ENGINE, version=0), "○ nothing is in force  `manometer apply`"),
}


@pytest.mark.parametrize(("engine", "said"), ENGINES.values(), ids=list(ENGINES))
def test_the_engine_is_said_in_words(engine: Engine, said: str) -> None:
    assert said in text(
        rows.engine_line(
            engine, engine.last_tick is not None and engine.last_tick > NOW - HOUR, NOW, False, ZURICH
        )
    )


def test_a_clock_of_its_own_stands_still() -> None:
    said = text(rows.engine_line(ENGINE, True, NOW, True, ZURICH))
    assert said == " Engine   ■ clock stands at 30 Mar 2025 12:00; `manometer tick --at` moves it"
    assert len(said) <= 80


def test_an_emergency_stop_says_who_why_and_how_it_ends() -> None:
    stopped = PauseView(NOW - HOUR, None, "keller", "wrong price")
    said = text(rows.sending_line(replace(ENGINE, stopped=stopped), NOW, ZURICH))
    assert (
        said == " Sending  ■ STOPPED all but transactional, `!` ends it; since 11:00 by keller: wrong price"
    )


def test_books_that_do_not_balance_cannot_be_overlooked() -> None:
    line = rows.books_line(replace(ENGINE, events_waiting=3), Books(NOW, False, 5, 4, 3), 120)
    said = (
        "✗ DO NOT ADD UP 3 events to decide on; 3 messages, 4 decisions, 5 events; "
        "see `manometer status --json`"
    )
    assert text(line) == f" Counts   {said}"
    assert "being read" in text(rows.books_line(ENGINE, None, 80))


def test_the_books_leave_out_a_sum_before_they_cut_one() -> None:
    line = text(rows.books_line(replace(ENGINE, due=279), Books(NOW, True, 20_919, 5_340, 2_758), 80))
    assert line == " Counts   ● add up 279 customers to decide on; 2,758 messages, 5,340 decisions"


def test_to_come_counts_what_waits_and_what_is_not_decided_yet() -> None:
    ahead = DayAhead(NOW - HOUR, 3, {"email": (NOW - MINUTE, NOW - 20 * SECOND, NOW + MINUTE)}, {})
    assert rows.to_come(EMAIL, ahead, ENGINE.decided_until) == 31
    head, email = (text(line) for line in rows.today_lines(PAGE, ahead, 80))
    assert head.split() == [
        "channel",
        "sent",
        "to",
        "come",
        "approval",
        "held",
        "capacity",
        "█",
        "sent",
        "░",
        "to",
        "come",
    ]
    assert email.split()[:6] == ["email", "1,204", "31", "12", "0", "20,000"]
    assert "…" in text(rows.today_lines(PAGE, None, 80)[1])


def test_more_than_a_day_takes_is_said_in_the_table_and_among_what_needs_somebody() -> None:
    page = replace(PAGE, today=(replace(EMAIL, to_approve=0, capacity=1000),))
    assert text(rows.today_lines(page, None, 80)[1]).endswith("! over capacity")
    assert [(each.words, each.mode) for each in rows.attention(page, None, None, ZURICH)] == [
        ("email: 1,234 today, more than 1,000 a day", "pressure")
    ]


FINDINGS = (
    HealthFinding("overdue", "1 customer overdue", "nobody has ticked in time"),
    HealthFinding("disk", "disk", "full", NOW - HOUR),
    HealthFinding("halted", "email halted", "no such host", NOW - HOUR),
    HealthFinding("failed", "2 messages failed within a day"),
    HealthFinding("uncertain", "1 message uncertain", "nobody knows if it went"),
    HealthFinding("stopped", "all sending is stopped"),
)


def test_what_needs_somebody_comes_worst_first_with_the_key_that_leads_there() -> None:
    page = replace(
        PAGE,
        engine=replace(ENGINE, to_plan_anew=2),
        health=Health("down", False, FINDINGS),
        paused={"basket": PauseView(NOW - DAY, NOW + HOUR, "keller", None)},
    )
    assert [(each.sign, each.words, each.key) for each in rows.attention(page, None, None, ZURICH)] == [
        ("!", "1 customer overdue: nobody has ticked in time", ""),
        ("!", "disk since 11:00: full", ""),
        ("■", "email halted since 11:00: no such host", "s"),
        ("✗", "2 messages failed within a day", "5"),
        ("?", "1 message uncertain: nobody knows if it went", "5"),
        ("‖", "12 messages wait for approval", "5"),
        ("‖", "basket paused since 29 Mar 11:00 by keller, until 13:00", "3"),
        ("»", "2 customers to plan anew under the changed files", ""),
    ]


def test_an_emergency_stop_is_the_first_that_needs_somebody_with_what_it_holds() -> None:
    stop = PauseView(NOW - HOUR, None, "keller", "wrong prices")
    page = replace(PAGE, engine=replace(ENGINE, stopped=stop), today=(replace(EMAIL, waiting=0, held=87),))
    assert [(each.words, each.key) for each in rows.attention(page, None, None, ZURICH)] == [
        ("all sending stopped: 87 messages held", "!"),
        ("12 messages wait for approval", "5"),
    ]


def test_sums_go_on_with_what_is_written_after_they_were_added_up() -> None:
    books = Books(NOW, True, 100, 50, 20, Written(100, 50, 20))
    assert rows.carried_on(books, Written(140, 50, 21)) == Books(NOW, True, 140, 50, 21, Written(140, 50, 21))
    assert rows.carried_on(None, Written()) is None


def test_the_gauge_is_said_as_fully_as_there_is_room() -> None:
    gauge = BaseGauge(NOW, "three-a-week", 3, "7d", 2000, {3: 212})
    assert rows.gauge_sentence(gauge, 80) == "212 of 2,000 customers (11 %) are at the limit of 3 in 7 days"
    assert rows.gauge_sentence(gauge, 40) == "212 of 2,000 (11 %) at the limit"


def test_the_title_of_the_gauge_keeps_the_window_where_there_is_little_room() -> None:
    gauge = BaseGauge(NOW, "three-a-week", 3, "7d", 2000, {3: 212})
    assert rows.gauge_title(gauge, 80) == "Pressure: three-a-week, 3 contacts in 7 days"
    assert rows.gauge_title(gauge, 39) == "three-a-week: 3 contacts in 7 days"
    assert rows.gauge_title(gauge, 30) == "three-a-week: 3 in 7 days"


def test_what_comes_next_is_what_would_be_sent_where_that_is_known() -> None:
    page = replace(PAGE, soon=(NextSteps("basket", NOW - HOUR, 1, 4),))
    ahead = DayAhead(NOW, 2, {}, {"birthday": (NOW + HOUR, 1), "basket": (NOW + MINUTE, 3)})
    title, lines = rows.soon(page, ahead, ZURICH, 9, 40)
    assert (title, [text(line) for line in lines]) == (
        "Next within a day",
        [" 12:01 basket   3 messages", " 13:00 birthday 1 message"],
    )
    assert [text(line) for line in rows.soon(page, None, ZURICH, 9, 40)[1]] == [
        " 12:00 basket step 1, 4 journeys"
    ]


def test_what_comes_next_keeps_its_numbers_where_there_is_little_room() -> None:
    ahead = DayAhead(
        NOW, 2, {}, {"registration-anniversary": (NOW + 20 * HOUR, 15), "basket": (NOW + MINUTE, 3)}
    )
    title, lines = rows.soon(PAGE, ahead, ZURICH, 9, 39)
    assert title == "Next within a day: messages"
    assert [text(line) for line in lines] == [
        "     12:01 basket                   3",
        " Mon 08:00 registration-anniversary 15",
    ]


@pytest.mark.parametrize(
    ("length", "words"),
    [(0, "just now"), (SECOND, "1 second ago"), (90 * MINUTE, "1 hour ago"), (9 * DAY, "9 days ago")],
)
def test_how_long_ago(length: int, words: str) -> None:
    assert rows.ago(length) == words


def test_what_waits_for_a_decision_is_named_with_the_way_to_it() -> None:
    undecided = Undecided(1, {"USD": 2, "EUR": 1})
    page = replace(PAGE, today=())
    assert [(each.words, each.mode, each.key) for each in rows.attention(page, None, undecided, ZURICH)] == [
        ("who is who: 1 conflict", "people", "2 J"),
        ("not converted: 3 in EUR, USD", "unconverted", "⏎"),
    ]
    assert rows.attention(page, None, Undecided(0, {}), ZURICH) == []
    told = [text(line) for line in rows.unconverted_lines(undecided)]
    assert told[:2] == ["EUR  1 amount", "USD  2 amounts"]
    assert "`manometer apply`" in told[-1]
