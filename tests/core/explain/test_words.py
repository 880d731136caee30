"""What people read: instants in local time, and reasons in short."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from core.explain.words import behind, in_full, in_short, in_words, localized, when
from core.instants import parse_instant

ZURICH = ZoneInfo("Europe/Zurich")
MORNING = parse_instant("2025-10-20T05:00:00Z")


def test_an_instant_is_said_in_local_time_with_the_short_name_of_the_zone_where_it_stands_alone() -> None:
    assert when(MORNING, ZURICH) == "Mon 20 Oct 2025 07:00"
    assert in_full(MORNING, ZURICH) == "Mon 20 Oct 2025 07:00 CEST"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("paused since 2025-10-20T05:00:00Z", "paused since Mon 20 Oct 2025 07:00"),
        ("2025-01-01T00:00:00Z, 2025-07-01T00:00:00Z", "Wed 01 Jan 2025 01:00, Tue 01 Jul 2025 02:00"),
        ("order 2025-10-20T05:00Z", "order 2025-10-20T05:00Z"),
        ("nothing", "nothing"),
    ],
)
def test_instants_within_a_text_are_said_in_local_time(text: str, said: str) -> None:
    assert localized(text, ZURICH) == said


@pytest.mark.parametrize(
    ("later", "said"), [(59_000, ""), (3 * 3_600_000, "; it went out Mon 20 Oct 2025 10:00")]
)
def test_a_message_that_left_long_after_its_decision_says_when(later: int, said: str) -> None:
    at = parse_instant("2025-10-20T05:00:00Z")
    row = {
        "step": 1,
        "channel": "email",
        "outcome": "send",
        "at": at,
        "message_state": "sent",
        "message_sent_at": at + later,
    }
    assert in_words(row, ZURICH) == f"Sent (step 1 over email, Mon 20 Oct 2025 07:00 CEST){said}."


def test_a_message_that_is_set_aside_waits_for_no_approval() -> None:
    at = parse_instant("2025-10-20T05:00:00Z")
    row = {
        "step": 1,
        "channel": "email",
        "outcome": "send",
        "at": at,
        "message_state": "held",
        "message_reason": "SET_ASIDE",
    }
    assert in_words(row, ZURICH).endswith("; the message is set aside, since working on it failed.")


def test_a_day_that_the_calendar_has_not_is_left_as_it_stands() -> None:
    assert localized("since 2025-02-30T05:00:00Z", ZURICH) == "since 2025-02-30T05:00:00Z"


def test_the_detail_of_an_objection_is_said_in_local_time() -> None:
    row = {
        "outcome": "suppress", "step": 1, "channel": "email", "at": MORNING, "reason": "GOAL_REACHED",
        "rules": [], "until": None,
        "objections": [["GOAL_REACHED", "Order Completed on 2025-10-19T22:30:00Z", None]],
    }  # fmt: skip
    assert in_words(row, ZURICH) == (
        "Not sent (step 1 over email, Mon 20 Oct 2025 07:00 CEST): the goal was reached before (Order "
        "Completed on Mon 20 Oct 2025 00:30)."
    )


@pytest.mark.parametrize(
    ("reason", "objections", "said"),
    [
        ("GOAL_REACHED", [["GOAL_REACHED", "", None]], "goal reached"),
        ("EXPIRED", [["PRESSURE", "held back beyond its expiry", MORNING]], "expired, waiting for pressure"),
        (
            "EXPIRED",
            [["QUIET_HOURS", "held back beyond its expiry", MORNING]],
            "expired, waiting for quiet hours",
        ),
        ("EXPIRED", [["EXPIRED", "expired", None]], "expired"),
        ("EXPIRED", [], "expired"),
        (None, [], ""),
    ],
)
def test_a_reason_in_short_names_what_stood_behind_an_expiry(
    reason: str | None, objections: list[list[object]], said: str
) -> None:
    assert in_short(reason, behind(reason, objections)) == said


def test_of_a_rule_with_limit_and_gap_the_words_name_the_one_that_is_broken() -> None:
    news = {"at": "2025-10-19T19:00:00Z", "trigger": "news", "channel": "email"}
    gap = {"rule": "r", "count": 1, "limit": None, "counted": [news]}
    limit = {"rule": "r", "count": 3, "limit": 3, "counted": [news]}
    row = {
        "outcome": "defer", "step": 1, "channel": "email", "at": MORNING, "reason": "PRESSURE",
        "rules": [gap, limit], "until": MORNING + 3_600_001, "objections": [],
    }  # fmt: skip
    assert in_words(row, ZURICH) == (
        "Deferred (step 1 over email, Mon 20 Oct 2025 07:00 CEST): too close to another contact by rule r "
        "(news Sun 19 Oct 2025 21:00 email); the customer has had 3 of 3 by rule r "
        "(news Sun 19 Oct 2025 21:00 email). Free again Mon 20 Oct 2025 08:00:01."
    )


def test_what_expired_waiting_for_a_stronger_one_names_it() -> None:
    row = {
        "outcome": "suppress", "step": 1, "channel": "email", "at": MORNING, "reason": "EXPIRED",
        "rules": [], "until": None,
        "objections": [
            ["QUIET_HOURS", "held back beyond its expiry", None],
            ["LOWER_PRIORITY", "gave way to birthday on 2025-10-20T05:00:00Z", None],
        ],
    }  # fmt: skip
    assert "(gave way to birthday on Mon 20 Oct 2025 07:00)" in in_words(row, ZURICH)
