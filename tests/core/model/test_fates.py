"""The one vocabulary of what becomes of a message, and the table of the documentation that shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.model.fates import (
    FATE_WORDS,
    Fate,
    fate_in_words,
    fate_of,
    fate_of_decision,
    fate_of_message,
    state_code,
    why_never,
)
from core.model.outbox import STATES
from core.model.reasons import Reason

PAGE = Path(__file__).parents[3] / "docs" / "words.md"
CODES = [
    "waits_for_approval", "due", "on_its_way", "sent", "later", "never", "goal_reached", "held", "failed",
    "uncertain",
]  # fmt: skip


def table(heading: str) -> list[tuple[list[str], list[str], str]]:
    """The rows of a table of the page: outcomes or states, reasons, and the word."""
    part = PAGE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1:4] for line in part.splitlines() if line.startswith("| `")]
    return [
        (re.findall(r"`(\w+)`", names), re.findall(r"`(\w+)`", reasons), word.split(";")[0].strip())
        for names, reasons, word in rows
    ]


DECISIONS = [
    (outcome, reason, word)
    for outcomes, reasons, word in table("Of a decision")
    for outcome in outcomes
    for reason in (*reasons, *([] if reasons else [None]))
]
MESSAGES = [
    (state, reason, word)
    for states, reasons, word in table("Of a message in the outbox")
    for state in states
    for reason in (*reasons, *([] if reasons else [None]))
]


@pytest.mark.parametrize(("outcome", "reason", "word"), DECISIONS)
def test_a_decision_has_the_word_of_the_page(outcome: str, reason: str | None, word: str) -> None:
    assert FATE_WORDS[fate_of_decision(outcome, reason)] == word


@pytest.mark.parametrize(("state", "reason", "word"), MESSAGES)
def test_a_message_has_the_word_of_the_page(state: str, reason: str | None, word: str) -> None:
    assert FATE_WORDS[fate_of_message(state, reason)] == word


def test_the_page_knows_every_outcome_state_and_reason() -> None:
    assert {outcome for outcome, _, _ in DECISIONS} == {"send", "defer", "suppress", "hold"}
    assert {state for state, _, _ in MESSAGES} == set(STATES)
    assert {reason for _, reason, _ in [*DECISIONS, *MESSAGES] if reason} == {str(each) for each in Reason}


def test_the_page_lists_every_word_with_its_code() -> None:
    rows = [line.split("|")[1:3] for line in PAGE.read_text().split("\n## ")[0].splitlines() if "|" in line]
    listed = {word.strip(): code.strip(" `") or None for word, code in rows[2:]}
    assert listed == {word: None if fate is Fate.DECIDED else str(fate) for fate, word in FATE_WORDS.items()}


def test_the_codes_are_those_that_scripts_rely_on() -> None:
    assert {state_code(fate) for fate in Fate} == set(CODES)
    assert state_code(Fate.DECIDED) == "due"
    assert state_code(None) is None


@pytest.mark.parametrize("state", ["planned", "due"])
def test_what_would_go_out_is_held_by_a_pause_and_what_is_over_is_not(state: str) -> None:
    assert fate_of_message(state, None, is_paused=True) is Fate.HELD
    assert fate_of_message("sent", None, is_paused=True) is Fate.SENT
    assert fate_of_message("held", "APPROVAL", is_paused=True) is Fate.WAITS_FOR_APPROVAL


def test_the_message_says_more_than_its_decision() -> None:
    assert fate_of("send", None, "held", "APPROVAL") is Fate.WAITS_FOR_APPROVAL
    assert fate_of("hold", "APPROVAL", "cancelled", "REJECTED") is Fate.NEVER
    assert fate_of("send", None, "cancelled", "GOAL_REACHED") is Fate.GOAL_REACHED
    assert fate_of("defer", "PRESSURE") is Fate.LATER
    assert why_never("APPROVAL", "cancelled", "REJECTED") == "REJECTED"


def test_what_followed_is_said_of_what_was_sent_alone() -> None:
    assert fate_in_words(Fate.SENT, "bounced") == "sent, bounced"
    assert fate_in_words(Fate.SENT, "sent") == "sent"
    assert fate_in_words(Fate.NEVER, "expired") == "never"
