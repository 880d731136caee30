"""Bounces as each provider spells them: what proves a dead address, and what only counts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sources.bounce_types import BounceReading, kind_of_status, read_bounce


@pytest.mark.parametrize(
    ("properties", "kind"),
    [
        ({}, "hard"), ({"bounce_type": None}, "hard"), ({"bounce_type": ""}, "hard"),
        ({"type": "bounce"}, "hard"),
        ({"bounce_type": "soft"}, "soft"), ({"bounce_type": "soft_bounce"}, "soft"),  # mautic/mautic#9190
        ({"bounce_type": "SoftBounce"}, "soft"), ({"bounce_type": "Soft Bounce"}, "soft"),
        ({"bounce_type": "soft-bounce"}, "soft"), ({"bounce_type": "mailbox_full"}, "soft"),
        ({"bounce_type": "Undetermined"}, "soft"), ({"bounce_type": "blocked"}, "soft"),
        ({"bounce_type": "hard"}, "hard"), ({"bounceType": "HardBounce"}, "hard"),
        ({"severity": "temporary"}, "soft"), ({"type": "transient"}, "soft"),
        ({"Bounce Type": "Soft"}, "soft"),
        ({"Type": "HardBounce", "TypeCode": 1}, "hard"), ({"Type": "SoftBounce", "TypeCode": 4096}, "soft"),
        ({"Type": "Transient"}, "soft"), ({"Type": "DnsError"}, "soft"), ({"TypeCode": 512}, "complaint"),
        ({"Type": "SpamNotification"}, "complaint"), ({"Type": "AutoResponder"}, "other"),
        ({"bounceType": "Permanent", "bounceSubType": "General"}, "hard"),
        ({"bounceType": "Permanent", "bounceSubType": "NoEmail"}, "hard"),
        # mozilla/fx-private-relay#3404
        ({"bounce_type": "Permanent", "bounce_subtype": "OnAccountSuppressionList"}, "hard"),
        ({"bounceType": "Transient", "bounceSubType": "General"}, "soft"),  # yourdigitalrights.org#334
        ({"bounceType": "Transient", "bounceSubType": "MailboxFull"}, "soft"),  # baptisteArno/typebot.io#2377
        ({"bounceType": "Undetermined", "bounceSubType": "Undetermined"}, "soft"),
        ({"bounceType": "Undetermined", "status": "5.1.1"}, "hard"), ({"bounce_type": "unknown"}, "soft"),
        # AI-Shipping-Labs/website#827: mislabelled, and counted
        ({"bounceType": "Transient", "bounceSubType": "General", "status": "5.3.0"}, "soft"),
        # sendgrid/docs#3675
        ({"type": "blocked", "status": "5.7.1", "category": ["RecordingConfirmed"],
          "reason": "554 5.7.1 Service unavailable; Client host [167.89.55.66] blocked"}, "soft"),
        ({"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 user unknown"}, "hard"),
        ({"type": "bounce", "status": "5.4.1", "reason": "550 5.4.1 Recipient address rejected"}, "soft"),
        ({"event": "bounce", "type": "bounce", "bounce_classification": "Invalid Address"}, "hard"),
        ({"event": "dropped", "reason": "Bounced Address"}, "hard"),  # anymail/django-anymail#473
        # anymail/django-anymail#130
        ({"event": "failed", "severity": "temporary", "reason": "generic"}, "soft"),
        ({"event": "failed", "severity": "permanent", "reason": "suppress-bounce"}, "hard"),
        ({"event": "failed", "severity": "permanent", "reason": "suppress-complaint"}, "complaint"),
        ({"event": "hard_bounce"}, "hard"),
        ({"event": "soft_bounce", "bounce_description": "mailbox_full"}, "soft"),
        ({"event": "hard_bounce", "bounce_description": "bad_mailbox"}, "hard"),
        ({"event": "invalid_email"}, "hard"),
        ({"event": "soft_bounce", "bounce_description": "general"}, "soft"),
        ({"bounce_class": "10"}, "hard"), ({"bounce_class": 30}, "hard"), ({"bounce_class": 22}, "soft"),
        ({"bounce_class": "1"}, "soft"), ({"bounce_class": "90"}, "other"),
        ({"hard_bounce": True, "error_related_to": "recipient", "error": "user unknown"}, "hard"),
        ({"hard_bounce": False, "error": "quota exceeded"}, "soft"), ({"hard_bounce": False}, "soft"),
        ({"code": 550}, "soft"), ({"reason": "550 no such user"}, "soft"), ({"status": "4.2.2"}, "soft"),
        ({"diagnosticCode": "smtp; 550-5.1.10 RESOLVER.ADR.RecipientNotFound"}, "hard"),
        ({"status": "5.1.8"}, "soft"),
    ],
)  # fmt: skip
def test_a_bounce_is_what_its_provider_says(properties: dict[str, Any], kind: str) -> None:
    assert read_bounce(properties) == BounceReading(kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("properties", "kind", "unknown"),
    [
        ({"bounce_type": "Wobbly"}, "soft", "Wobbly"),
        ({"bounce_type": "Wobbly", "status": "5.1.1"}, "hard", "Wobbly"),
        ({"bounce_class": 77}, "soft", "77"), ({"bounce_type": True}, "soft", "True"),
    ],
)  # fmt: skip
def test_an_unknown_type_is_soft_and_reported(properties: dict[str, Any], kind: str, unknown: str) -> None:
    assert read_bounce(properties) == BounceReading(kind, unknown)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (("5.1.1",), "hard"), (("5.1.10",), "hard"), (("5.1.7",), "soft"), (("5.2.1",), "soft"),
        (("550",), "soft"),
        ((421,), "soft"), (("smtp;550 5.1.1 <a@b.ch>: Recipient rejected",), "hard"),
        (("554 5.7.1",), "soft"),
        (("550", "5.1.1"), "hard"), (("bounced",), None), ((), None), ((None, 7001), None),
        (("connected to 10.5.1.1",), None), (("5.1.1.1",), None),
    ],
)  # fmt: skip
def test_only_a_status_about_the_recipients_address_is_hard(
    texts: tuple[object, ...], kind: str | None
) -> None:
    assert kind_of_status(*texts) == kind


@given(st.dictionaries(
    st.sampled_from(["bounce_type", "type", "status", "bounce_class", "TypeCode", "hard_bounce", "reason"]),
    st.one_of(st.text(max_size=100), st.integers(), st.floats(), st.booleans(), st.none(), st.just([])),
))  # fmt: skip
def test_anything_is_read(properties: dict[str, Any]) -> None:
    assert read_bounce(properties).kind in ("hard", "soft", "complaint", "other")
