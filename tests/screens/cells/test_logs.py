"""Filter lines, decisions and messages in cells and words: every case without a terminal."""

from __future__ import annotations

from array import array
from dataclasses import replace

import pytest

from core.errors import ManometerError
from core.filters import value_of, with_field
from core.instants import DAY, Instant, parse_instant
from core.model.fates import FATE_WORDS, Fate
from core.model.outbox import CLOSED, OPEN, ActEffect
from screens.cells import decisions, message, outbox
from screens.cells.deed import MANY
from screens.cells.line import as_cell
from screens.cells.safe_text import display_width as width
from screens.cells.states import TRIGGER, fate_cell, message_cell
from screens.ports.decisions import Listed
from screens.ports.messages import MessageAsked
from screens.ports.terms import LogFilter
from tests.screens.cells.plain import plain_text
from tests.screens.furnished import DECISION, NOW, FakeDecisions, FakeMessages, FakeOutbox
from tests.screens.furnished import MESSAGE as HELD
from tests.screens.stage import Bare

ZONE = Bare.place.zone
READER = decisions.reader(NOW, ZONE)


def at(text: str) -> Instant:
    return parse_instant(text)


def words(lines: object) -> str:
    return "\n".join(plain_text(line) for line in lines)  # type: ignore[attr-defined]


# ---- the filter line ----


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", LogFilter()),
        ("basket", LogFilter(only=(("word", "basket"),))),
        (
            "trigger:basket !reason:EXPIRED",
            LogFilter(only=(("trigger", "basket"),), without=(("reason", "EXPIRED"),)),
        ),
        ("outcome:decided held", LogFilter(only=(("outcome", "send"), ("word", "hold")))),
        ("trigger:", LogFilter()),
        ("!", LogFilter()),
        ("customer:C1 channel:email", LogFilter(customer="C1", only=(("channel", "email"),))),
        ('trigger:"a b"', LogFilter(only=(("trigger", "a b"),))),
        ('trigger:"a b', LogFilter(only=(("trigger", "a b"),))),
        (
            "since:today until:2026-02-01",
            LogFilter(since=at("2026-01-31T00:00:00+01:00"), until=at("2026-02-01T00:00:00+01:00")),
        ),
        ("since:yesterday", LogFilter(since=at("2026-01-30T00:00:00+01:00"))),
        ("since:3d", LogFilter(since=NOW - 3 * DAY)),
        ("since:2026-01-30T09:00", LogFilter(since=at("2026-01-30T09:00:00+01:00"))),
        ("SINCE:2026-01-30T09:00:00Z", LogFilter(since=at("2026-01-30T09:00:00Z"))),
    ],
)
def test_a_filter_line_is_read_as_terms(text: str, terms: LogFilter) -> None:
    assert READER.terms(text) == terms


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("triger:basket", "There is no field 'triger'. Did you mean 'trigger'?"),
        ("since:soon", "since:soon is no time. Write since:2025-11-03"),
        ("since:2026-02-30", "is no time"),
        ("!customer:C1", "cannot be turned round"),
    ],
)
def test_a_filter_line_that_makes_no_sense_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(ManometerError) as refused:
        READER.terms(text)
    assert said in str(refused.value)


def test_a_term_is_put_into_the_line_replaced_and_taken_out() -> None:
    assert with_field("trigger:x", "outcome", "send") == "trigger:x outcome:send"
    assert with_field("outcome:send trigger:x !outcome:hold", "outcome", "defer") == "trigger:x outcome:defer"
    assert with_field("outcome:send a", "outcome", None) == "a"
    assert with_field('trigger:"a b" outcome:send', "outcome", "hold") == 'trigger:"a b" outcome:hold'
    assert value_of("a Outcome:hold", "outcome") == "hold"
    assert value_of("a", "outcome") is None


# ---- states ----


def test_every_state_has_a_symbol_a_word_and_fits_its_column() -> None:
    for name, cell in TRIGGER.items():
        assert cell.text.split(" ", 1)[1] == name
        assert width(cell.text) <= 12
    for fate in Fate:
        cell = fate_cell(fate)
        assert cell.text.split(" ", 1)[1] == FATE_WORDS[fate]
        assert width(cell.text) <= 20
    for message_state in (*OPEN, *CLOSED):
        assert width(message_cell(message_state, None).text) <= 20
    assert message_cell("of a later release", None).text == "? uncertain"


# ---- decisions ----


def test_a_decision_has_a_cell_for_each_column() -> None:
    cells = decisions.cells(DECISION, NOW, ZONE)
    assert len(cells) == len(decisions.COLUMNS)
    assert [as_cell(cell).text for cell in cells[:4]] == ["09:00", "→ later", "pressure", "basket"]


def test_a_decision_is_told_with_what_filled_the_window() -> None:
    shown = words(decisions.detail(FakeDecisions().view(1, lambda: False), ZONE))
    for part in (
        "3 of 3",
        "Fri 30 Jan 2026 10:00 CET",
        "free again",
        "What stood against it",
        "Message 9",
        ", late",
    ):
        assert part in shown


def test_outcomes_are_turned_through_and_come_back_to_all() -> None:
    seen: list[str | None] = [None]
    while (after := decisions.next_outcome(seen[-1])) is not None:
        seen.append(after)
    assert seen == [None, "send", "defer", "suppress", "hold"]
    assert decisions.next_outcome("nonsense") == "send"


@pytest.mark.parametrize(
    ("listed", "text", "said"),
    [
        (Listed(array("q", [1, 2]), 2), "", "2 decisions"),
        (Listed(array("q", [1, 2]), 2, True), "", "the newest 2 decisions"),
        (Listed(array("q", [1]), 2), "outcome:send", "/ outcome:send — 1"),
        (Listed(array("q", [1]), 2, True), "outcome:send", "/ outcome:send — 1 of the newest 1,000,000"),
    ],
)
def test_the_list_says_how_much_of_the_log_it_is(listed: Listed, text: str, said: str) -> None:
    assert decisions.chip(listed, text) == said


# ---- the outbox ----


def test_a_message_has_a_cell_for_each_column_and_says_why() -> None:
    cells = outbox.cells(HELD, NOW, ZONE)
    assert len(cells) == len(outbox.COLUMNS)
    assert as_cell(cells[7]).text == "approval"
    late = outbox.cells(replace(HELD, expires_at=NOW - 1), NOW, ZONE)
    assert as_cell(late[8]).style == "bad"


def test_an_act_that_cannot_be_done_to_a_message_says_why_and_what_it_needs() -> None:
    assert outbox.refusal("approve", HELD, 0) is None
    assert outbox.refusal("retry", HELD, 0) == "message 1 is held; it must be failed or uncertain"
    assert outbox.refusal("retry", HELD, 3) is None
    assert outbox.refusal("approve", None, 0) == "there is no message under the cursor"


def effect(number: int, **changed: object) -> ActEffect:
    made = replace(FakeOutbox().effect("approve", [1], lambda: False), ids=range(number), customers=number)
    return replace(made, **changed)  # type: ignore[arg-type]


def test_what_is_approved_late_goes_when_its_channel_opens_and_what_is_early_when_it_was_planned_for() -> (
    None
):
    late = " ".join(outbox.act_deed(effect(2), "keller", ZONE).lines)
    assert "They go out as soon as their channel is open" in late
    assert "count already" not in late
    early = " ".join(outbox.act_deed(effect(2, first_planned=NOW + 86_400_000), "keller", ZONE).lines)
    assert "They go out from " in early
    assert "Their contacts count already." in early


def test_an_act_on_many_asks_for_their_number_and_rejecting_for_a_reason() -> None:
    assert outbox.act_deed(effect(MANY - 1), "keller", ZONE).typed is None
    many = outbox.act_deed(effect(MANY), "keller", ZONE)
    assert (many.typed, many.verb) == ("20", "Approve 20")
    reject = outbox.act_deed(effect(2_000, action="reject"), "keller", ZONE)
    assert reject.typed == "2000"
    assert reject.fields[0].needed
    assert any("cannot be undone" in line for line in reject.lines)


def test_what_an_act_leaves_out_is_said_with_its_reason() -> None:
    lines = outbox.act_deed(effect(2, refused={"sent": 1204}, too_late=3), "keller", ZONE).lines
    assert lines[-1] == "Left out, since nothing can be done to them: 1,204 sent, 3 expired."
    nothing = outbox.nothing_words(effect(0, refused={"sent": 1, "due": 2}, too_late=1))
    assert (
        nothing
        == "Nothing to approve: 2 messages are due, 1 message is sent, 1 message expired. It must be held."
    )


def test_what_waits_is_said_in_numbers_where_there_is_no_filter() -> None:
    assert (
        outbox.chip(9, "", {Fate.WAITS_FOR_APPROVAL: 20, Fate.FAILED: 1, Fate.DUE: 0}, LogFilter())
        == "9 messages: 20 wait for approval · 1 failed"
    )
    assert outbox.chip(0, "", {}, LogFilter()) == "nothing waits, nothing failed"
    assert (
        outbox.chip(9, "state:sent", {}, LogFilter(only=(("state", "sent"),)))
        == "/ state:sent — 9 of the newest 100,000"
    )


def test_a_message_is_told_and_a_fault_of_its_template_is_said() -> None:
    assert "waits for an approval" in words(outbox.detail(HELD, ZONE))
    found = FakeMessages().shown(MessageAsked(number=1), lambda: False)
    made = words(message.lines(found, ZONE))
    assert made.index("shown as sent") < made.index("as text") < made.index("email.txt")
    assert made.index("email.txt") < made.index("waits for an approval")
    broken = replace(found, texts=(), subject="", fault="no name", form="now")
    assert "cannot be made: no name" in words(message.lines(broken, ZONE))
    gone = replace(broken, form="gone", fault="Its text is gone.")
    assert "cannot be made" not in words(message.lines(gone, ZONE))
