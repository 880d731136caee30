"""Unsubscribing by a link: what stands in the link, and the consent that is withdrawn when somebody follows
it.

A token says by which message it came and for which medium and purpose the consent ends, under a signature;
whose consent it is stands in the outbox, so that no link holds an address. It never ends, since an old mail
must still work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection

from console.messages import tokens
from console.workspace.settings import Unsubscribe
from core.engine.consent import latest_word
from core.errors import ManometerError
from core.instants import Instant
from core.model.events import CONSENT_WITHDRAWN
from core.playbook.playbook import Playbook
from core.sources.segment import ConsentRecord, Identity, Incoming, dedup_key, encode
from storage import customers
from storage.intake.batch import take
from storage.outbox import dispatch as outbox
from storage.play.dossiers import load
from storage.store import Store

VERSION: Final = 1
SOURCE: Final = "unsubscribe"


class Claim(NamedTuple):
    """What a token says: the key of the message that carried it, and for which medium and purpose the consent
    ends.

    The key and not the row's number, which an older backup that was restored may give to another message.
    """

    message: str
    medium: str
    purpose: str


class Withdrawn(NamedTuple):
    """Whose consent it is, and whether it ended just now; False: it was withdrawn already."""

    customer: str
    is_new: bool


# ---- tokens ----


def make_token(secret: bytes, claim: Claim) -> str:
    """The claim and its signature, in letters that an address of the web can carry."""
    return tokens.make(secret, [VERSION, *claim])


def read_token(secrets: Sequence[bytes], token: str) -> Claim:
    """What a token says; ManometerError where none of the secrets has signed it."""
    match tokens.read(secrets, token):
        case [1, str(message), str(medium), str(purpose)]:
            return Claim(message, medium, purpose)
    raise ManometerError("This token was made by another release. Update Manometer; nothing was changed.")


# ---- links ----


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the ways out of one workspace; empty texts where the settings name none."""

    settings: Unsubscribe
    secret: bytes

    @classmethod
    def of(cls, settings: Unsubscribe, folder: Path) -> Links | None:
        """None where nothing is configured; ManometerError where the secret cannot be read."""
        if not settings.url and not settings.mail:
            return None
        return cls(settings, signing_secrets(settings, folder)[0])

    def make(self, claim: Claim) -> tuple[str, str]:
        """The address of the web and the one of mail for a claim."""
        token = make_token(self.secret, claim)
        return self.settings.url.replace("{token}", token), self.settings.mail.replace("{token}", token)


def signing_secrets(settings: Unsubscribe, folder: Path) -> tuple[bytes, ...]:
    """The secrets behind tokens: the first signs, all are taken; ManometerError where one is missing or too
    short.
    """
    return tokens.signing_secrets(settings.secret, "unsubscribe", folder)


# ---- the withdrawal ----


def withdraw(store: Store, claim: Claim, playbook: Playbook, at: Instant) -> Withdrawn:
    """Record that the consent of the message's customer is withdrawn, as an import of the event would.

    ManometerError where the message or its customer is not known any more.
    """
    with store.writing() as connection:
        customer = outbox.customer_of(connection, claim.message)
        if customer is None:
            raise ManometerError(
                "The message that carried this link is not known here. Was the database replaced? Nothing "
                "was changed."
            )
        key = customers.key_of(connection, customer)
        if _is_withdrawn(connection, customer, claim, playbook, at):
            return Withdrawn(key, is_new=False)
        concerns = playbook.index.concerns_at(at) if playbook.version else None
        take(connection, [_event(connection, customer, key, claim, at)], arrived_at=at, concerns=concerns)
    return Withdrawn(key, is_new=True)


def _is_withdrawn(
    connection: Connection, customer: int, claim: Claim, playbook: Playbook, at: Instant
) -> bool:
    """Whether the last word on every channel of the medium is no."""
    dossier = load(connection, [customer], playbook).get(customer)
    if dossier is None:
        return False
    names = [name for name, channel in playbook.channels.items() if channel.medium == claim.medium] or [
        claim.medium
    ]
    words = [latest_word(dossier.consents, (name, claim.medium), claim.purpose, None, at) for name in names]
    return all(word is not None and word.state in ("withdrawn", "objected") for word in words)


def _event(connection: Connection, customer: int, key: str, claim: Claim, at: Instant) -> Incoming:
    said = {"channel": claim.medium, "purpose": claim.purpose, "source": SOURCE, "proof": claim.message}
    return Incoming(
        dedup=dedup_key(SOURCE, "\0".join((*claim, str(at)))),
        source=SOURCE,
        kind="track",
        name=CONSENT_WITHDRAWN,
        occurred_at=at,
        identities=(_identity(connection, customer, key),),
        properties=said,
        text=encode(said),
        consents=(ConsentRecord(claim.medium, claim.purpose, "withdrawn", SOURCE, proof=claim.message),),
    )


def _identity(connection: Connection, customer: int, key: str) -> Identity:
    known = [identity.partition(":") for identity in customers.show(connection, customer)["identities"]]
    if not known:
        raise ManometerError(f"Customer {key!r} has no identity left under which this could be recorded.")
    kind, _, value = next((identity for identity in known if identity[0] == "user"), known[0])
    return kind, value
