"""The outbox for the screens: lists, what acts would do, the acts, and a message as it would be made now."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from console import approving
from console.handover import TemplateFault, render_claimed
from console.products import Products
from console.service.terms import clauses, customer_of
from console.templates import Templates
from core.customer import full_name
from core.dossier import Dossier, known_profile
from core.errors import ManometerError
from core.outbox import STATES, Act
from core.reasons import Reason
from core.words import counted, localized, together
from screens.service import Cancelled
from screens.service.outbox import ActEffect, MessageView, Rendered
from screens.service.terms import Terms
from storage import dossiers, outbox, outbox_acts, outbox_listing, triggers
from storage.outbox import Claimed
from storage.outbox_acts import ACTS
from storage.outbox_listing import MessageRow, Wanted

if TYPE_CHECKING:
    from console.service import LocalService

DONE: Final[Mapping[Act, str]] = {"approve": "approved", "reject": "rejected", "retry": "to be tried again", "cancel": "cancelled"}


class Outbox:
    """Answers the questions of `screens.service.outbox` from the workspace's database, and carries out what operators decide."""

    def __init__(self, local: LocalService) -> None:
        self._local = local

    def counts(self, cancelled: Cancelled) -> Mapping[str, int]:
        """How many messages are in each open state."""
        with self._local.asking(cancelled) as connection:
            return outbox_listing.open_counts(connection)

    def ids(self, wanted: Terms, cancelled: Cancelled) -> array[int]:
        """The messages that are wanted: those in open states in their order, then the newest of the others."""
        playbook = self._local.in_force().playbook
        with self._local.asking(cancelled) as connection:
            names = tuple(triggers.in_force(connection)) or tuple(playbook.roster.by_name)
            known = {"state": STATES, "trigger": names, "channel": tuple(playbook.channels), "reason": tuple(Reason)}
            rows = Wanted(customer_of(connection, wanted), clauses(wanted, known), wanted.since, wanted.until)
            return outbox_listing.ids(connection, rows)

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, MessageView]:
        """These messages."""
        with self._local.asking(cancelled) as connection:
            return {row.id: _view(row, self._local.place.zone) for row in outbox_listing.rows(connection, ids)}

    def effect(self, action: Act, ids: Sequence[int], cancelled: Cancelled) -> ActEffect:
        """What an act would do to these."""
        at = self._local.now()
        with self._local.asking(cancelled) as connection:
            found = outbox_acts.effect(connection, action, ids, at)
            notes = tuple(approving.notes(connection, self._local.in_force().playbook, action, found.ids, at, cancelled))
        return ActEffect(
            action, found.ids, found.customers, found.triggers, found.channels, found.refused, found.too_late, found.first_planned,
            found.first_expiry, at, notes,
        )  # fmt: skip

    def act(self, action: Act, ids: Sequence[int], reason: str) -> str:
        """Do it, with its audit lines in one transaction, and say what was done; OutboxError, and nothing changed, where one refuses."""
        with self._local.acting() as connection:
            number = ACTS[action](connection, ids, self._local.place.author, self._local.now(), reason or None)
        return f"{counted(number, 'message')} {DONE[action]}."

    def render(self, message: int, cancelled: Cancelled) -> Rendered:
        """The message as it would be made now, with the customer as she is now."""
        playbook = self._local.in_force().playbook
        with self._local.asking(cancelled) as connection:
            found = outbox.with_cause(connection, message)
            known = {} if found is None else dossiers.load(connection, [found.customer_id], playbook)
        if found is None:
            raise ManometerError(f"There is no message {message} any more.")
        if found.customer_id not in known:
            return Rendered("", {}, "the customer is gone")
        try:
            return self._render(found, known[found.customer_id], cancelled)
        except TemplateFault as fault:
            return Rendered("", {}, fault.reason)

    def _render(self, message: Claimed, dossier: Dossier, cancelled: Cancelled) -> Rendered:
        workspace = self._local.in_force()
        playbook = workspace.playbook
        if playbook.roster.definition(message.trigger, message.version) is None:
            return Rendered("", {}, f"the trigger {message.trigger} is no longer in the playbook")
        if message.channel not in playbook.channels:
            return Rendered("", {}, f"the channel {message.channel} is no longer in the playbook")
        templates, profile, at = Templates(workspace.texts), known_profile(dossier), self._local.now()
        # without links to unsubscribe: only who hands over may read the secret that signs them
        made = render_claimed(
            templates, message, profile, playbook, workspace.name, at, None, Products(lambda: self._local.asking(cancelled))
        )
        return Rendered(made.subject, made.parts)


def _view(row: MessageRow, zone: ZoneInfo) -> MessageView:
    name, error = full_name(row.first_name, row.last_name), None if row.error is None else localized(row.error, zone)
    return MessageView(
        row.id, row.customer_id, row.customer, name, row.trigger, row.step, row.channel, row.state, row.planned_at, row.expires_at,
        row.sent_at, row.address, row.template, row.subject, row.reason, error, row.attempts, row.key, row.purpose,
        together(row.carries),
    )  # fmt: skip
