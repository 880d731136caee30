"""What letting messages that wait for an approval go, or ending them, does to the contact pressure of those
whom they are for.

They count already, at the instants for which they were planned. One that is handed over later than the grace
counts at its hand-over, and nobody asks the limits again then: so approving late can fill a window beyond its
limit, which is what is worked out here beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.engine.state import CustomerState
from core.instants import Instant
from core.limits.pressure import Contact, Ledger, PressureRule, gap_usage, usage
from core.model.dossier import Dossier
from core.playbook.playbook import Playbook


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A message that waits for an approval; `dispatch` as its contact names it."""

    dispatch: str
    channel: str
    planned_at: Instant
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class Filled:
    """How full the window of a rule is for a customer where it is fullest: contacts, or thousandths of a
    point, of its limit.
    """

    rule: str
    used: int
    limit: int

    @property
    def share(self) -> float:
        """Of the limit; a limit of 0 is full with anything."""
        return self.used / self.limit if self.limit else float(self.used > 0) * 2


def approved(
    messages: Sequence[HeldMessage], dossier: Dossier, playbook: Playbook, at: Instant
) -> Iterator[Filled]:
    """The windows that these messages of one customer fill when they are approved at the instant, each rule
    once.
    """
    state = CustomerState(dossier, playbook)
    state.now = at
    landings = {(each.dispatch, each.channel): _landing(each, state) for each in messages}
    contacts = [
        (_moved(contact, landings), (contact.dispatch, contact.channel) in landings)
        for contact in dossier.contacts
    ]
    ledger = Ledger([contact for contact, _ in contacts if contact is not None], as_of=at)
    ours = [contact for contact, is_ours in contacts if is_ours and contact is not None]
    for rule in state.rules():
        mine = [contact for contact in ours if rule.applies_to(contact)]
        if mine:
            yield from _filled(rule, ledger, mine, state)


def _goes_out(message: HeldMessage, state: CustomerState) -> Instant | None:
    """When a message goes out that is approved now; None where it expires before its channel opens again."""
    now, channel = state.now, state.playbook.channels.get(message.channel)
    if now - message.planned_at <= state.playbook.grace or channel is None:
        return max(now, message.planned_at) if now <= message.expires_at else None
    opens = channel.send_windows.opens(now, state.zone)
    return opens if opens <= message.expires_at else None


def _landing(message: HeldMessage, state: CustomerState) -> tuple[bool, Instant | None]:
    """Whether it lands later than planned, and when; None where it never does."""
    goes = _goes_out(message, state)
    if goes is None:
        return True, None
    channel = state.playbook.channels.get(message.channel)
    return goes - message.planned_at > state.playbook.grace, goes + (
        0 if channel is None else channel.lead_time
    )


def _moved(
    contact: Contact, landings: Mapping[tuple[str, str], tuple[bool, Instant | None]]
) -> Contact | None:
    is_moved, at = landings.get((contact.dispatch, contact.channel), (False, contact.at))
    if at is None:
        return None
    return contact._replace(at=at) if is_moved else contact


def _filled(
    rule: PressureRule, ledger: Ledger, mine: Sequence[Contact], state: CustomerState
) -> Iterator[Filled]:
    if rule.window is not None and rule.limit is not None:
        used = max(usage(rule, ledger, at, state.zone).used for at in _instants(rule, ledger, mine, state))
        yield Filled(rule.name, used, rule.limit)
    near = max(gap_usage(rule, ledger, contact.at).used for contact in mine)
    if near > 1:  # one alone has all the distance that it needs
        yield Filled(f"{rule.name} (gap)", near, 1)


def _instants(
    rule: PressureRule, ledger: Ledger, mine: Sequence[Contact], state: CustomerState
) -> set[Instant]:
    """Where windows hold one of these: at its own landing, and at those of later contacts whose window
    reaches back to it.
    """
    found = {contact.at for contact in mine}
    first = min(found)
    for later in ledger.counted_by(rule):
        if rule.window is not None and later.at > first:
            span = rule.window.span(later.at, state.zone)
            if any(span.first <= contact.at <= span.last for contact in mine):
                found.add(later.at)
    return found
