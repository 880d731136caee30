"""Triggers in cells and words: every case without a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.instants import DAY, parse_instant
from core.model.counts import JourneyCount, OutcomeCount
from core.model.triggers import OVER, Goal, Wait
from core.until import parse_until
from screens.cells import pausing, triggers
from screens.cells.line import Cell, Line, as_cell
from screens.cells.moments import moment, number
from screens.cells.safe_text import display_width as width
from screens.cells.wrapping import wrapped
from tests.screens.cells.plain import plain_text
from tests.screens.furnished import BASKET, DRAFT, EVIL, NOW, PAUSED, FakeTriggers
from tests.screens.stage import Bare

ZONE = Bare.place.zone


def words(lines: object) -> str:
    return "\n".join(plain_text(line) for line in lines)  # type: ignore[attr-defined]


# ---- moments ----


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (None, ""),
        ("2026-01-31T10:02:59+01:00", "10:02"),
        ("2026-01-31T00:00:00+01:00", "00:00"),
        ("2026-01-30T23:59:00+01:00", "30 Jan 23:59"),
        ("2026-07-01T08:00:00+02:00", "01 Jul 08:00"),
        ("2025-06-01T08:00:00+02:00", "01 Jun 2025"),
    ],
)
def test_a_moment_is_short_where_it_is_near(at: str | None, shown: str) -> None:
    assert moment(None if at is None else parse_instant(at), NOW, ZONE) == shown


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("18:00", "2026-01-31T18:00:00+01:00"),
        ("9:00", "2026-02-01T09:00:00+01:00"),
        ("10:00", "2026-02-01T10:00:00+01:00"),
        ("tomorrow", "2026-02-01T00:00:00+01:00"),
        ("Tomorrow 9:30", "2026-02-01T09:30:00+01:00"),
        ("2026-03-29 02:30", "2026-03-29T03:00:00+02:00"),
        ("2026-11-03", "2026-11-03T00:00:00+01:00"),
        ("3d", "2026-02-03T10:00:00+01:00"),
        ("2026-02-01T00:00:00Z", "2026-02-01T01:00:00+01:00"),
    ],
)
def test_the_end_of_a_pause_is_read_as_people_write_it(text: str, at: str) -> None:
    assert parse_until(text, NOW, ZONE) == parse_instant(at)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", "'soon' is no time. Write 18:00"),
        ("25:00", "there is no time 25:00"),
        ("2026-02-30", "is no day of the calendar"),
        ("2026-01-30", "is past. Name a later time."),
        ("x" * 300, "is no time"),
    ],
)
def test_an_end_that_cannot_be_is_refused_in_words(text: str, said: str) -> None:
    fault = pausing.until_fault(text, NOW, ZONE)
    assert fault is not None
    assert said in fault
    assert len(fault) < 200


def test_no_end_is_none() -> None:
    assert pausing.until_fault("  ", NOW, ZONE) is None


def test_nothing_is_a_dot() -> None:
    assert (number(0), number(1204)) == ("·", "1,204")


# ---- the list ----


def test_a_line_has_a_cell_for_each_column_with_symbol_and_word() -> None:
    cells = triggers.cells(BASKET, NOW, ZONE)
    assert len(cells) == len(triggers.COLUMNS)
    assert [as_cell(cell).text for cell in cells] == [
        "● active", "basket", "Basket left behind", "transactional", "1,204", "40,000", "310", "12", "·",
        "95", "09:00", "11:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", 3),
        ("paused", 1),
        ("!paused", 2),
        ("basket", 3),
        ("name-of-nothing", 0),
        ("!", 3),
        ("transactional !draft !paused", 1),
    ],
)
def test_the_filter_takes_words_and_leaves_out_those_turned_round(text: str, names: int) -> None:
    lines = (BASKET, replace(PAUSED, title="Basket"), replace(DRAFT, title="Basket"))
    assert sum(triggers.matches(line, text) for line in lines) == names


# ---- one ----


def test_a_journey_with_branches_waits_and_variants_is_told_in_lines() -> None:
    view = FakeTriggers().view("basket", lambda: False)
    assert view.trigger is not None
    first = replace(view.trigger.steps[0], name="first", only_if=None, then=OVER)
    card = replace(first, channels=("print",), name=None, then=None)
    wait = Wait(frozenset({"Product Reviewed"}), 3 * DAY, goes_to=3)
    steps = (
        replace(first, by_variant=(("offer", card),)),
        replace(card, otherwise=first, wait=wait),
        replace(first, variants=frozenset({"offer"})),
    )
    goal = Goal(frozenset({"Order Completed"}), 14 * DAY)
    branching = replace(view.trigger, steps=steps, split=(("plain", 0.5), ("offer", 0.5)), goal=goal)
    counts = [JourneyCount("offer", False, 40, 3, 10), JourneyCount(None, True, 5, 0, 1)]
    shown = words(triggers.journey(replace(view, trigger=branching, journeys=counts), "CHF"))
    assert "Goal Order Completed within 14d, which ends it" in shown
    assert "Split 50 % plain, 50 % offer" in shown
    assert "for offer: over print" in shown
    assert "waits up to 3d for Product Reviewed, else on to step 3 (first)" in shown
    assert "else: over email" in shown
    assert "then the journey ends" in shown
    assert "only for offer" in shown
    assert "offer 40 entered · 3 under way · 10 reached the goal (25 %)" in shown
    assert "Kept out 5 entered · 0 under way · 1 reached the goal (20 %)" in shown


def test_the_journey_tells_each_step_who_waits_for_it_and_what_became_of_the_month() -> None:
    shown = words(triggers.journey(FakeTriggers().view("basket", lambda: False), "CHF"))
    assert "1. at once over email, else webpush · template basket" in shown
    assert "1,200 customers waiting for it" in shown
    assert "2. 1d later over print · template card" in shown
    assert "900 entered · 290 sent · 0 reached the goal" in shown
    gone = replace(FakeTriggers().view("basket", lambda: False), trigger=None)
    assert "no longer in force" in words(triggers.journey(gone, "CHF"))


def test_the_head_says_what_holds_a_trigger_since_when_by_whom_and_why() -> None:
    view = replace(FakeTriggers().view("basket", lambda: False), line=PAUSED)
    assert "paused since 30 Jan 10:00 by olga: wrong price" in words(triggers.head(view, NOW, ZONE))
    stopped = replace(view, line=replace(PAUSED, state="stopped"))
    assert "all sending stopped since" in words(triggers.head(stopped, NOW, ZONE))
    assert "never runs" in words(triggers.head(replace(view, line=DRAFT), NOW, ZONE))


def test_outcomes_have_shares_and_bars_and_nothing_is_said_where_there_are_none() -> None:
    counts = FakeTriggers().view("basket", lambda: False).outcomes
    shown = words(line for _, line in triggers.outcomes(counts))
    assert triggers.outcomes_title(counts) == "405 decisions in 30 days"
    assert "77 %" in shown
    rare = triggers.outcomes((OutcomeCount("send", None, 999), OutcomeCount("hold", "APPROVAL", 1)))
    assert "< 1 %" in words(line for _, line in rare), "one is not none"
    assert "no consent" in shown
    assert triggers.outcomes(()) == []


def test_a_file_is_told_apart_into_tables_texts_and_comments_and_stays_the_same_text() -> None:
    text = '[when]\nkind = "a # b"  # why\nevent = \'x\'\nodd = "unclosed'
    lines = triggers.toml(text)
    assert words(lines) == text
    assert lines[0][0] == Cell("[when]", "accent")
    assert lines[1][1:] == [Cell('"a # b"', "ok"), "  ", Cell("# why", "dim")]


# ---- deeds ----


def test_pausing_is_asked_in_numbers_and_resuming_with_every_policy() -> None:
    service = FakeTriggers()
    deed = pausing.pause_deed(service.pause_effect("basket", lambda: False), "keller", ZONE)
    assert "1,204 customers in 1,300 journeys, 3 overdue" in deed.lines[0]
    assert deed.verb == "Pause basket"
    until = next(field for field in deed.fields if field.name == "until")
    assert until.check("soon") is not None
    assert until.check("3d") is None
    again = pausing.resume_deed(service.pause_effect("birthday", lambda: False), "keller", ZONE)
    assert [choice.name for choice in again.choices] == ["skip", "overdue", "shift"]
    assert "by olga: wrong price" in again.lines[0]


# ---- wrapping ----


@pytest.mark.parametrize("columns", [12, 20, 33, 60, 200])
def test_wrapped_text_fits_and_loses_no_letter(columns: int) -> None:
    line: Line = [Cell("customer     ", "dim"), f"{EVIL} and {'y' * 90} end"]
    lines = wrapped(line, columns)
    assert all(width(plain_text(each)) <= columns for each in lines)
    whole = "".join(plain_text(each) for each in lines)
    assert "".join(whole.split()) == "".join(plain_text(line).split())


def test_wrapped_text_hangs_below_its_text() -> None:
    lines = [plain_text(each) for each in wrapped(["one  ", "alpha beta gamma delta"], 16)]
    assert lines == ["one  alpha beta", "     gamma delta"]
