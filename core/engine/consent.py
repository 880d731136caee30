"""Consent: may this purpose use this medium for this customer? The ledger's latest word counts, by channel,
purpose and address.

Law in short (Germany § 7 UWG, Austria § 174 TKG, Switzerland Art. 3 UWG): electronic mail in the wide sense,
e-mail, SMS, messenger and web push, needs a consent given before; a letter may be sent until the customer
objects. The rule of the customer's country holds, the strictest where the country is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.instants import Instant, format_instant
from core.model.customer import Consent, Suppression
from core.model.decisions import Objection
from core.model.reasons import Reason
from core.playbook.playbook import Channel, ConsentPolicy, Purpose

OPT_OUT_MEDIA: Final = frozenset({"print", "webhook"})


def consent_objection(
    consents: Sequence[Consent],
    channel: Channel,
    purpose: Purpose,
    address: str | None,
    policy: ConsentPolicy,
    at: Instant,
) -> Objection | None:
    """What the ledger has against this use at the instant; None where it may be used."""
    if not purpose.consent:
        return None
    word = latest_word(consents, (channel.name, channel.medium), purpose.name, address, at)
    if word is not None and word.state == "objected":
        return Objection(Reason.OBJECTED, f"objected to {word.channel} on {format_instant(word.occurred_at)}")
    if word is not None and word.state == "withdrawn":
        reason = Reason.OBJECTED if channel.medium in OPT_OUT_MEDIA else Reason.NO_CONSENT
        return Objection(reason, f"consent to {word.channel} withdrawn on {format_instant(word.occurred_at)}")
    if word is not None or policy == "assumed":
        return None
    if policy == "strict" and channel.medium in OPT_OUT_MEDIA:
        return None
    return Objection(Reason.NO_CONSENT, f"no consent recorded for {channel.name} and {purpose.name}")


def latest_word(
    consents: Sequence[Consent],
    channels: tuple[str, ...],
    purpose: str | None,
    address: str | None,
    at: Instant,
) -> Consent | None:
    """The last entry of the ledger, by when it occurred, of those known by the instant that speak of this
    use.
    """
    found: Consent | None = None
    for consent in consents:
        if (
            consent.arrived_at <= at
            and consent.channel in channels
            and (purpose is None or consent.purpose in ("*", purpose))
            and (consent.address is None or address is None or consent.address == address)
            and (found is None or consent.occurred_at >= found.occurred_at)
        ):
            found = consent
    return found


def suppression_objection(
    suppressions: Sequence[Suppression], medium: str, address: str, at: Instant
) -> Objection | None:
    """Whether the address is known to be dead or unwilling."""
    for suppression in suppressions:
        if suppression.medium == medium and suppression.address == address and suppression.arrived_at <= at:
            return Objection(
                Reason.ADDRESS_SUPPRESSED, f"{suppression.reason} on {format_instant(suppression.arrived_at)}"
            )
    return None
