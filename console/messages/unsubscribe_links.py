"""The links to unsubscribe that a message offers, and the tokens in them.

A token says by which message it came and for which medium and purpose the consent ends, under a signature.
Whose consent it is stands in the outbox, so that no link holds an address. A token never expires, since an
old mail must still work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from console.messages import tokens
from core.errors import ManometerError

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class UnsubscribeSettings:
    """How a customer unsubscribes, as [unsubscribe] says: an address of the web and one of mail, both with
    `{token}`, and a reference to the secret that signs tokens.
    """

    url: str = ""
    mail: str = ""
    secret: object = None


class UnsubscribeToken(NamedTuple):
    """What a token says: the key of the message that carried it, and for which medium and purpose the consent
    ends.

    It holds the key and not the row's number, which an older backup that was restored may give to another
    message.
    """

    message: str
    medium: str
    purpose: str


def make_token(secret: bytes, said: UnsubscribeToken) -> str:
    """What the token says and its signature, in letters that an address of the web can carry."""
    return tokens.make(secret, [VERSION, *said])


def read_token(secrets: Sequence[bytes], token: str) -> UnsubscribeToken:
    """What a token says; ManometerError where none of the secrets has signed it."""
    match tokens.read(secrets, token):
        case [1, str(message), str(medium), str(purpose)]:
            return UnsubscribeToken(message, medium, purpose)
    raise ManometerError("This token was made by another release. Update Manometer; nothing was changed.")


def signing_secrets(settings: UnsubscribeSettings, folder: Path) -> tuple[bytes, ...]:
    """The secrets behind tokens: the first signs, all are taken; ManometerError where one is missing or too
    short.
    """
    return tokens.signing_secrets(settings.secret, "unsubscribe", folder)


class UnsubscribeLinks:
    """Makes the links of one workspace. The secret is read when the first link is made."""

    def __init__(self, settings: UnsubscribeSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder

    @classmethod
    def of(cls, settings: UnsubscribeSettings, folder: Path) -> UnsubscribeLinks | None:
        """None where the settings name neither an address of the web nor one of mail."""
        return cls(settings, folder) if settings.url or settings.mail else None

    @cached_property
    def _secret(self) -> bytes:
        return signing_secrets(self._settings, self._folder)[0]

    def make(self, said: UnsubscribeToken) -> tuple[str, str]:
        """The address of the web and the one of mail, each with a token; empty where the settings name none.

        ManometerError where the secret cannot be read.
        """
        token = make_token(self._secret, said)
        return self._settings.url.replace("{token}", token), self._settings.mail.replace("{token}", token)
