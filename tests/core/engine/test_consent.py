"""May this purpose use this channel for this customer: the ledger's latest word, by channel, purpose and
address.
"""

from __future__ import annotations

import pytest

from core.engine.consent import consent_objection, latest_word, suppression_objection
from core.model.customer import Consent, Suppression
from core.model.reasons import Reason
from core.playbook.playbook import ConsentPolicy, Purpose
from tests.core.builders import MARKETING, at, channel

NOW = at("Fri 12:00")


def word(
    state: str,
    when: str = "Mon 10:00",
    *,
    of: str = "email",
    purpose: str = "*",
    known: str | None = None,
    to: str | None = None,
) -> Consent:
    return Consent(of, purpose, state, at(when), at(known or when), to)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("medium", "ledger", "strict", "recorded", "assumed"),
    [
        ("email", [], "NO_CONSENT", "NO_CONSENT", None),
        ("sms", [], "NO_CONSENT", "NO_CONSENT", None),
        ("webpush", [], "NO_CONSENT", "NO_CONSENT", None),
        ("print", [], None, "NO_CONSENT", None),
        ("email", [word("granted")], None, None, None),
        ("email", [word("granted", purpose="marketing")], None, None, None),
        ("email", [word("granted", purpose="service")], "NO_CONSENT", "NO_CONSENT", None),
        ("email", [word("granted", of="sms")], "NO_CONSENT", "NO_CONSENT", None),
        ("email", [word("granted", to="anna@example.org")], None, None, None),
        ("email", [word("granted", to="old@example.org")], "NO_CONSENT", "NO_CONSENT", None),
        (
            "email",
            [word("granted"), word("withdrawn", "Tue 10:00")],
            "NO_CONSENT",
            "NO_CONSENT",
            "NO_CONSENT",
        ),
        (
            "email",
            [word("withdrawn", "Tue 10:00"), word("granted")],
            "NO_CONSENT",
            "NO_CONSENT",
            "NO_CONSENT",
        ),
        ("email", [word("withdrawn"), word("granted", "Tue 10:00")], None, None, None),
        (
            "email",
            [word("granted"), word("withdrawn", purpose="service", when="Tue 10:00")],
            None,
            None,
            None,
        ),
        ("email", [word("granted"), word("withdrawn", "Tue 10:00", known="Sat 10:00")], None, None, None),
        ("email", [word("objected")], "OBJECTED", "OBJECTED", "OBJECTED"),
        ("print", [word("objected", of="print")], "OBJECTED", "OBJECTED", "OBJECTED"),
        ("print", [word("withdrawn", of="print")], "OBJECTED", "OBJECTED", "OBJECTED"),
        ("print", [word("granted", of="print")], None, None, None),
    ],
)
def test_the_latest_word_that_speaks_of_the_use_counts(
    medium: str, ledger: list[Consent], strict: str | None, recorded: str | None, assumed: str | None
) -> None:
    policies: tuple[ConsentPolicy, ...] = ("strict", "recorded", "assumed")
    found = [
        consent_objection(ledger, channel(medium), MARKETING, "anna@example.org", policy, NOW)
        for policy in policies
    ]
    assert [None if each is None else each.reason.value for each in found] == [strict, recorded, assumed]


def test_a_purpose_that_needs_no_consent_is_not_stopped_by_an_objection() -> None:
    service = Purpose("service", obeys=False, counts=True, consent=False)
    assert (
        consent_objection([word("objected")], channel("email"), service, "anna@example.org", "strict", NOW)
        is None
    )


def test_of_two_words_of_one_instant_the_one_recorded_later_counts() -> None:
    found = latest_word([word("granted"), word("withdrawn")], ("email",), None, None, NOW)
    assert found is not None
    assert found.state == "withdrawn"


@pytest.mark.parametrize(
    ("medium", "address", "known", "objects"),
    [
        ("email", "anna@example.org", "Mon 10:00", True),
        ("email", "anna@example.org", "Sat 10:00", False),
        ("email", "other@example.org", "Mon 10:00", False),
        ("sms", "anna@example.org", "Mon 10:00", False),
    ],
)
def test_a_dead_address_is_left_alone_from_when_it_is_known(
    medium: str, address: str, known: str, objects: bool
) -> None:
    objection = suppression_objection(
        [Suppression("email", "anna@example.org", "bounced", at(known))], medium, address, NOW
    )
    assert (objection is not None) is objects
    assert objection is None or objection.reason is Reason.ADDRESS_SUPPRESSED
