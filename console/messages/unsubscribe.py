"""The consent that is withdrawn when somebody follows the link to unsubscribe in a message."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection

from console.messages.unsubscribe_links import UnsubscribeToken
from core.engine.consent import latest_word
from core.errors import ManometerError
from core.instants import Instant
from core.model.events import CONSENT_WITHDRAWN
from core.people import Identity
from core.playbook.playbook import Playbook
from core.sources.segment import ConsentRecord, Incoming, dedup_key, encode
from storage import customers
from storage.intake.batch import take
from storage.outbox import dispatch as outbox
from storage.play.dossiers import load
from storage.store import Store

SOURCE: Final = "unsubscribe"


class Withdrawn(NamedTuple):
    """Whose consent it is and for which purpose, and whether it ended just now; False: it was withdrawn
    already.
    """

    customer: str
    purpose: str
    is_new: bool


def withdraw(store: Store, token: UnsubscribeToken, playbook: Playbook, at: Instant) -> Withdrawn:
    """Record that the consent of the message's customer is withdrawn, as an import of the event would.

    ManometerError where the message or its customer is not known any more.
    """
    with store.writing() as connection:
        customer = outbox.customer_of(connection, token.message)
        purpose = token.purpose or outbox.purpose_of(connection, token.message)
        if customer is None or purpose is None:
            raise ManometerError(
                "The message that carried this link is not known here. Was the database replaced? Nothing "
                "was changed."
            )
        key = customers.key_of(connection, customer)
        if _is_withdrawn(connection, customer, token.medium, purpose, playbook, at):
            return Withdrawn(key, purpose, is_new=False)
        identity = customers.identity_of(connection, customer)
        if identity is None:
            raise ManometerError(f"Customer {key!r} has no identity left under which this could be recorded.")
        concerns = playbook.index.concerns_at(at) if playbook.version else None
        event = _event(identity, token.message, token.medium, purpose, at)
        take(connection, [event], arrived_at=at, concerns=concerns, rules=None)
    return Withdrawn(key, purpose, is_new=True)


def _is_withdrawn(
    connection: Connection, customer: int, medium: str, purpose: str, playbook: Playbook, at: Instant
) -> bool:
    """Whether the last word on every channel of the medium is no."""
    dossier = load(connection, [customer], playbook).get(customer)
    if dossier is None:
        return False
    names = [name for name, channel in playbook.channels.items() if channel.medium == medium] or [medium]
    words = [latest_word(dossier.consents, (name, medium), purpose, None, at) for name in names]
    return all(word is not None and word.state in ("withdrawn", "objected") for word in words)


def _event(identity: Identity, message: str, medium: str, purpose: str, at: Instant) -> Incoming:
    said = {"channel": medium, "purpose": purpose, "source": SOURCE, "proof": message}
    return Incoming(
        dedup=dedup_key(SOURCE, "\0".join((message, medium, purpose, str(at)))),
        source=SOURCE,
        kind="track",
        name=CONSENT_WITHDRAWN,
        occurred_at=at,
        identities=(identity,),
        properties=said,
        text=encode(said),
        consents=(ConsentRecord(medium, purpose, "withdrawn", SOURCE, proof=message),),
    )
