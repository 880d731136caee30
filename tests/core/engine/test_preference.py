"""Which of a step's channels comes first for a customer: declared, or learnt from the links she followed."""

from __future__ import annotations

from typing import Any

import pytest

from core.instants import DAY
from core.model.customer import Consent
from core.model.events import Event
from core.model.triggers import ALWAYS
from core.playbook.preference import Preference
from tests.core.builders import MONDAY, at, event, on, play, playbook, step, trigger

LEARN = Preference(learn=True)


def clicked(channel: str, *days: int) -> list[Event]:
    """Links followed so many days before the Monday."""
    name = "Email Link Clicked" if channel == "email" else "Message Clicked"
    return [event(name, MONDAY - day * DAY, channel=channel, trigger="news") for day in days]


def taken(
    *channels: str,
    history: list[Event] = [],  # noqa: B006
    preference: Preference = LEARN,
    prefer: bool = True,
    **known: Any,
) -> tuple[str, str]:
    """The channel of a step, and the note of its row."""
    book = playbook(
        trigger("a", on("News"), step(*channels, prefer=prefer), reentry=ALWAYS),
        preference=preference,
        consent_policy=known.pop("policy", "assumed"),
    )
    (decision,) = play(book, event("News", "Mon 10:00"), history=tuple(history), **known).decisions
    return decision.channel or "", decision.note or ""


@pytest.mark.parametrize(
    ("traits", "channel"),
    [
        ({"preferredChannel": "sms"}, "sms"),
        ({"preferred_channel": " SMS "}, "sms"),
        ({"preferredChannel": "print"}, "email"),
        ({"preferredChannel": ""}, "email"),
        ({"preferredChannel": 7}, "email"),
        ({"kanal": "sms"}, "email"),
        ({}, "email"),
    ],
)
def test_the_declared_channel_comes_first_where_the_step_has_it(traits: dict[str, Any], channel: str) -> None:
    assert taken("email", "sms", traits=traits)[0] == channel


def test_the_row_says_how_the_preference_is_known() -> None:
    assert taken("email", "sms", traits={"preferredChannel": "sms"}) == (
        "sms",
        "preferred channel sms, declared",
    )
    assert taken("email", "sms", history=clicked("sms", 1, 2, 3, 4)) == (
        "sms",
        "preferred channel sms, learnt from 4 clicks",
    )


def test_another_trait_can_be_named() -> None:
    assert (
        taken(
            "email",
            "sms",
            traits={"kanal": "sms", "preferredChannel": "email"},
            preference=Preference("kanal"),
        )[0]
        == "sms"
    )


def test_a_preferred_channel_that_is_not_allowed_is_not_taken() -> None:
    assert taken("email", "sms", traits={"preferredChannel": "sms", "phone": None}) == (
        "email",
        "over email, because no address for sms is known",
    )


def test_a_step_that_does_not_ask_keeps_its_order() -> None:
    assert taken("email", "sms", traits={"preferredChannel": "sms"}, prefer=False) == ("email", "")


def test_what_she_declared_stands_before_what_was_learnt() -> None:
    assert (
        taken(
            "webpush", "email", "sms", history=clicked("sms", 1, 2, 3), traits={"preferredChannel": "email"}
        )[0]
        == "email"
    )


@pytest.mark.parametrize(
    ("history", "channel"),
    [
        (clicked("sms", 1, 2), "email"),
        (clicked("sms", 1, 2, 3), "sms"),
        (clicked("sms", 1, 2, 181), "email"),
        ([*clicked("sms", 4, 5, 6), *clicked("webpush", 1, 2, 3)], "webpush"),
        ([*clicked("sms", 1, 5, 6), *clicked("webpush", 2, 3, 4)], "sms"),
        ([*clicked("sms", 3, 4, 5, 6), *clicked("webpush", 1, 2, 7)], "sms"),
        ([event("Email Opened", MONDAY - day * DAY) for day in (1, 2, 3, 4)], "email"),
    ],
)
def test_the_channel_with_most_clicks_is_learnt_and_the_newer_of_two(
    history: list[Event], channel: str
) -> None:
    assert taken("email", "sms", "webpush", history=history)[0] == channel


def test_nothing_is_learnt_unless_the_workspace_says_so() -> None:
    assert taken("email", "sms", history=clicked("sms", 1, 2, 3), preference=Preference())[0] == "email"


@pytest.mark.parametrize(
    ("policy", "state", "channel"),
    [
        ("assumed", None, "sms"),
        ("assumed", "withdrawn", "email"),
        ("recorded", None, "email"),
        ("strict", None, "email"),
        ("strict", "granted", "sms"),
        ("strict", "objected", "email"),
    ],
)
def test_clicks_are_looked_at_only_where_tracking_is_allowed(
    policy: str, state: str | None, channel: str
) -> None:
    given = [
        Consent(each, "marketing", "granted", at("Mon 00:00") - DAY, at("Mon 00:00") - DAY)
        for each in ("email", "sms")
    ]
    tracking = [] if state is None else [Consent("sms", "tracking", state, MONDAY - DAY, MONDAY - DAY)]  # type: ignore[arg-type]
    assert (
        taken("email", "sms", history=clicked("sms", 1, 2, 3), policy=policy, consents=(*given, *tracking))[0]
        == channel
    )
