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
    """The word that counts of those that are known by the instant and speak of this use.

    Words that were said come first, the last by when it occurred, at one instant the one that allows least;
    a yes out of a list does not count where there was an objection. The mere state of a list (`imported`)
    counts where nothing was said, and a yes only where nothing contrary was, of whatever address.
    """
    known = [
        consent
        for consent in consents
        if consent.arrived_at <= at
        and consent.channel in channels
        and (purpose is None or consent.purpose in ("*", purpose))
    ]
    if any(consent.basis is not None for consent in known):
        return _latest_with_lists(known, address)
    return max((consent for consent in known if _is_for(consent, address)), key=_by_time, default=None)


def _latest_with_lists(known: Sequence[Consent], address: str | None) -> Consent | None:
    standing = _without_revised(known)
    said = [consent for consent in standing if consent.basis != "imported"]
    if any(consent.state == "objected" for consent in said):
        said = [consent for consent in said if consent.basis is None or consent.state != "granted"]
    found = max((consent for consent in said if _is_for(consent, address)), key=_by_time, default=None)
    if found is not None:
        return found
    listed = [consent for consent in standing if consent.basis == "imported" and _is_for(consent, address)]
    contrary = [consent for consent in said if consent.state != "granted"]
    return max(contrary if listed and contrary else listed, key=_by_closeness, default=None)


def _is_for(consent: Consent, address: str | None) -> bool:
    return consent.address is None or address is None or consent.address == address


def _without_revised(known: Sequence[Consent]) -> Sequence[Consent]:
    """All but what another line of the same list outweighs: the newer one, of one instant the stricter."""
    last: dict[tuple[object, ...], Consent] = {}
    for consent in known:
        if consent.basis is not None:
            last[_list_of(consent)] = max(last.get(_list_of(consent), consent), consent, key=_by_time)
    return [consent for consent in known if consent.basis is None or last[_list_of(consent)] is consent]


def _list_of(consent: Consent) -> tuple[object, ...]:
    return consent.arrived_at, consent.channel, consent.purpose, consent.address, consent.source


_STRICTNESS: Final = ("granted", "withdrawn", "objected")


def _by_time(consent: Consent) -> tuple[Instant, int]:
    return consent.occurred_at, _STRICTNESS.index(consent.state)


def _by_closeness(consent: Consent) -> tuple[bool, bool, Instant]:
    return consent.purpose != "*", consent.state == "granted", consent.occurred_at


def suppression_objection(
    suppressions: Sequence[Suppression], medium: str, address: str, at: Instant
) -> Objection | None:
    """Whether the address is known to be dead or unwilling, in the words of what was known first."""
    holding = [
        (each.arrived_at, each.reason)
        for each in suppressions
        if each.medium == medium and each.address == address and each.holds(at)
    ]
    if not holding:
        return None
    since, reason = min(holding)
    return Objection(Reason.ADDRESS_SUPPRESSED, f"{reason} on {format_instant(since)}")
