"""Answers to surveys: the token in their links, and whether an answer that comes back is of the customer and
message it names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from console.messages import tokens
from core.errors import ManometerError
from core.sources.segment import Identity, Incoming, Rejected, encode

ANSWERED: Final = "Survey Answered"
TOKEN: Final = "token"  # noqa: S105 - the name of a property
VERSION: Final = 1
_OTHER_KINDS = re.compile(r"(email|phone|loyalty|anonymous|push|user):(.+)", re.DOTALL)


class SurveyToken(NamedTuple):
    """What a token says: the key of the message that asked, and of the customer who was asked."""

    message: str
    customer: str


class Surveys:
    """Signs the links of one workspace's surveys, and takes only answers that carry what was signed."""

    def __init__(self, secret: object, folder: Path) -> None:
        self._secret = secret
        self._folder = folder

    @classmethod
    def of(cls, secret: object, folder: Path) -> Surveys | None:
        """None where the settings name no secret: then links are not signed, and answers are taken as they
        come.
        """
        return None if secret is None else cls(secret, folder)

    @cached_property
    def _secrets(self) -> tuple[bytes, ...]:
        return tokens.signing_secrets(self._secret, "survey", self._folder)

    def token(self, asked: SurveyToken) -> str:
        """The token of the links in a message; ManometerError where the secret cannot be read."""
        return tokens.make(self._secrets[0], ["survey", VERSION, *asked])

    def read(self, token: str) -> SurveyToken:
        """What a token says; ManometerError where this workspace has not signed it."""
        return _read(self._secrets, token)

    def checked(self, incoming: Incoming, *, history: bool) -> Incoming:
        """An event as it may be taken in; Rejected where it is an answer that was not signed, or was for
        another customer.

        Facts of the past may lack a token; one that is there must be right. In its place `message` tells the
        key of the message.
        """
        if incoming.name != ANSWERED:
            return incoming
        token = incoming.properties.get(TOKEN)
        if token is None and history:
            return incoming
        asked = self._asked(token)
        signed_for = _identity(asked.customer)
        of_the_customer = (signed_for, ("user", asked.customer))
        if not set(of_the_customer).intersection(incoming.identities):
            raise Rejected("the token of this answer was signed for another customer")
        said = {name: value for name, value in incoming.properties.items() if name != TOKEN} | {
            "message": asked.message
        }
        others = (each for each in incoming.identities if each not in of_the_customer)
        return incoming._replace(identities=(signed_for, *others), properties=said, text=encode(said))

    def _asked(self, token: object) -> SurveyToken:
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
    match tokens.read(secrets, token):
        case ["survey", 1, str(message), str(customer)]:
            return SurveyToken(message, customer)
    raise ManometerError("This is no token of a survey, or one of another release. Nothing was changed.")


def _identity(key: str) -> Identity:
    """The identity that a customer's key stands for."""
    named = _OTHER_KINDS.fullmatch(key)
    return ("user", key) if named is None else (named[1], named[2])
