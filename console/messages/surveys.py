"""Answers to surveys: the token in their links, and whose an answer is that comes back.

No link holds a person: the token says by which message the question went, and whom it went to stands in the
outbox.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from console.messages import tokens
from console.messages.tokens import MessageToken
from core.errors import ManometerError
from core.model.events import ANSWER_TOKEN, SURVEY_ANSWERED
from core.people import DEVICES, Identity
from core.sources.segment import Incoming, Rejected, encode
from storage import customers
from storage.outbox.dispatch import customer_of
from storage.store import Store

_SORT: Final = 0x10
"""Of the tokens of surveys."""
_KEY = re.compile(r"[0-9a-f]{32}")
_OTHER_KINDS = re.compile(r"(email|phone|loyalty|anonymous|push|user):(.+)", re.DOTALL)


class SurveyToken(NamedTuple):
    """What a token says: the key of the message that asked. Those of before say the customer's key too."""

    message: str
    customer: str | None = None


class AskedCustomer(NamedTuple):
    """Who was asked: the identity under which the answer is recorded, and all that the customer is known
    as.
    """

    identity: Identity
    known_as: Collection[Identity]


WhoWasAsked = Callable[[str], AskedCustomer | None]
"""By the key of a message; None where no message has that key, or its customer is no longer known."""


def asked_in(store: Store) -> WhoWasAsked:
    """Looks up in the outbox who was asked."""

    def look_up(message: str) -> AskedCustomer | None:
        with store.reading() as connection:
            customer = customer_of(connection, message)
            if customer is None or (identity := customers.identity_of(connection, customer)) is None:
                return None
            key = customers.key_of(connection, customer)
            return AskedCustomer(identity, {*customers.known_as(connection, customer), ("user", key)})

    return look_up


class Surveys:
    """Makes the tokens in the links of one workspace's surveys, and says whose answers are.

    With a secret the tokens are signed, and an answer is taken only with a token that was. Without one a
    token is the key of its message, and an answer that names its customer is taken as it comes.
    """

    def __init__(self, secret: object = None, folder: Path = Path()) -> None:
        self._secret = secret
        self._folder = folder

    @cached_property
    def _secrets(self) -> tuple[bytes, ...]:
        return tokens.signing_secrets(self._secret, "survey", self._folder)

    def token(self, message: str) -> str:
        """The token of the links in a message; ManometerError where the secret cannot be read."""
        if self._secret is None:
            return message
        return tokens.make(self._secrets[0], MessageToken(_SORT, message))

    def read(self, token: str) -> SurveyToken:
        """What a signed token says; ManometerError where this workspace has not signed it."""
        return _read(self._secrets, token)

    def checked(self, incoming: Incoming, who_was_asked: WhoWasAsked, *, history: bool) -> Incoming:
        """An event as it may be taken in; Rejected where it is an answer that was not signed, was for another
        customer, or of which nobody can tell whose it is.

        Facts of the past may lack a token; one that is there must be right. In its place `message` tells the
        key of the message.
        """
        if incoming.name != SURVEY_ANSWERED:
            return incoming
        token = incoming.properties.get(ANSWER_TOKEN)
        if self._secret is None:
            if incoming.identities:
                return incoming
            return _answer_of(incoming, _unsigned(token), who_was_asked)
        if token is None and history and incoming.identities:
            return incoming
        return _answer_of(incoming, self._signed(token), who_was_asked)

    def _signed(self, token: object) -> SurveyToken:
        if not isinstance(token, str) or not token:
            raise Rejected(
                "an answer without the token of its link; with [survey] only signed ones are taken"
            )
        secrets = self._secrets  # where they cannot be read, nothing is to be said against the answer
        try:
            return _read(secrets, token)
        except ManometerError:
            raise Rejected(
                "the token of this answer was not signed by this workspace: it was changed, or the secret "
                "is another"
            ) from None


def _read(secrets: Sequence[bytes], token: str) -> SurveyToken:
    if tokens.is_former(token):
        match tokens.read_former(secrets, token):
            case ["survey", 1, str(message), str(customer)]:
                return SurveyToken(message, customer)
    else:
        sort, message = tokens.read(secrets, token)
        if sort == _SORT:
            return SurveyToken(message)
    raise ManometerError("This is no token of a survey, or one of another release. Nothing was changed.")


def _unsigned(token: object) -> SurveyToken:
    text = token.strip().lower() if isinstance(token, str) else ""
    if not _KEY.fullmatch(text):
        raise Rejected(
            "no identity, and the token of this answer is not that of a link: it was cut short or changed, "
            "or it is signed and [survey] names no secret"
        )
    return SurveyToken(text)


def _answer_of(incoming: Incoming, said: SurveyToken, who_was_asked: WhoWasAsked) -> Incoming:
    """The answer as the asked customer's; Rejected where that is another one, or nobody that is known."""
    asked = who_was_asked(said.message) if said.customer is None else _asked_of_before(said.customer)
    if asked is None:
        raise Rejected(
            "the message that asked is not known here, or its customer no longer is: was the database "
            "replaced, or the customer erased?"
        )
    others = [each for each in incoming.identities if each not in asked.known_as]
    if len(others) == len(incoming.identities):
        if said.customer is not None or any(kind not in DEVICES for kind, _ in others):
            raise Rejected("the token of this answer was signed for another customer")
        # whoever followed the link may have it from somebody else: device and traits are not the customer's
        others, incoming = [], incoming._replace(traits={})
    properties = {name: value for name, value in incoming.properties.items() if name != ANSWER_TOKEN} | {
        "message": said.message
    }
    return incoming._replace(
        identities=(asked.identity, *others), properties=properties, text=encode(properties)
    )


def _asked_of_before(key: str) -> AskedCustomer:
    """Whom a token of before names by the customer's key."""
    named = _OTHER_KINDS.fullmatch(key)
    identity = ("user", key) if named is None else (named[1], named[2])
    return AskedCustomer(identity, {identity, ("user", key)})
