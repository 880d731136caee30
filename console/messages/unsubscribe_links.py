"""The links to unsubscribe that a message offers, and the tokens in them.

A token says by which message it came and for which medium the consent ends, under a signature. Whose consent
it is, and for which purpose, stands in the outbox, so that no link holds an address. A token never expires,
since an old mail must still work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from console.messages import tokens
from console.messages.tokens import MessageToken
from core.errors import ManometerError
from core.model.customer import MEDIA

_FIRST: Final = 0x20
"""The sort of a token for the first medium; the others follow, in the order of `MEDIA`."""


@dataclass(frozen=True, slots=True)
class UnsubscribeSettings:
    """How a customer unsubscribes, as [unsubscribe] says: an address of the web and one of mail, both with
    `{token}`, and a reference to the secret that signs tokens.
    """

    url: str = ""
    mail: str = ""
    secret: object = None


class UnsubscribeToken(NamedTuple):
    """What a token says: the key of the message that carried it, and for which medium the consent ends.

    Those of before say the purpose as well; where it is None, it is the message's own.
    """

    message: str
    medium: str
    purpose: str | None = None


def make_token(secret: bytes, message: str, medium: str) -> str:
    """The token of a message's links, in letters that an address of the web or of mail can carry."""
    return tokens.make(secret, MessageToken(_FIRST + MEDIA.index(medium), message))


def read_token(secrets: Sequence[bytes], token: str) -> UnsubscribeToken:
    """What a token says, also one of before; ManometerError where none of the secrets has signed it."""
    if not tokens.is_former(token):
        sort, message = tokens.read(secrets, token)
        if 0 <= sort - _FIRST < len(MEDIA):
            return UnsubscribeToken(message, MEDIA[sort - _FIRST])
        raise _unknown()
    match tokens.read_former(secrets, token):
        case [1, str(message), str(medium), str(purpose)]:
            return UnsubscribeToken(message, medium, purpose)
    raise _unknown()


def _unknown() -> ManometerError:
    return ManometerError(
        "This token is not for unsubscribing, or was made by another release. Update Manometer; nothing was "
        "changed."
    )


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

    def make(self, message: str, medium: str) -> tuple[str, str]:
        """The address of the web and the one of mail for a message over a medium, each with a token; empty
        where the settings name none.

        ManometerError where the secret cannot be read.
        """
        token = make_token(self._secret, message, medium)
        return self._settings.url.replace("{token}", token), self._settings.mail.replace("{token}", token)
