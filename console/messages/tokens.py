"""What stands in links that must not be forged: which message they came with, under a signature.

A token is 48 letters in which case says nothing: the base32 of 1 byte for what it is good for, the 16 bytes
of the message's key, and 13 of a signature. Whom the message went to stands in the outbox, so that no link
holds a person. It fits before the @ of a mail address, which holds 64 octets.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from console.secrets import read_secrets
from core.errors import ManometerError

LENGTH: Final = 48
"""Letters of a token."""
SIGNATURE: Final = 13
"""Bytes of the signature."""
FORMER_SIGNATURE: Final = 16
LONGEST: Final = 4_096
"""Letters of a former token that are looked at."""
SHORTEST_SECRET: Final = 16


class MessageToken(NamedTuple):
    """What a token is good for, 0 to 255, and the key of its message, 32 hexadecimal digits.

    It holds the key and not the row's number, which an older backup that was restored may give to another
    message.
    """

    sort: int
    message: str


def make(secret: bytes, said: MessageToken) -> str:
    """The token; ValueError where the key is not 32 hexadecimal digits."""
    payload = bytes([said.sort]) + bytes.fromhex(said.message)
    if len(payload) != 17:
        raise ValueError(f"a message's key has 32 hexadecimal digits: {said.message!r}")
    return base64.b32encode(payload + _signature(secret, payload, SIGNATURE)).decode().lower()


def read(secrets: Sequence[bytes], token: str) -> MessageToken:
    """What a token says; ManometerError where none of the secrets has signed it."""
    try:
        raw = base64.b32decode(token.strip()[: LENGTH + 1], casefold=True)
    except (binascii.Error, ValueError):
        raise _forged() from None
    payload, signature = raw[:17], raw[17:]
    if len(raw) != 17 + SIGNATURE or not _is_signed(secrets, payload, signature):
        raise _forged()
    return MessageToken(payload[0], payload[1:].hex())


def is_former(token: str) -> bool:
    """Whether it has the form of the tokens of before: a JSON list, a point, its signature."""
    return "." in token


def read_former(secrets: Sequence[bytes], token: str) -> Any:
    """The words of a token of before; ManometerError where none of the secrets has signed it."""
    head, _, tail = token.strip()[:LONGEST].partition(".")
    try:
        payload, signature = _bytes(head), _bytes(tail)
    except (binascii.Error, ValueError):
        raise _forged() from None
    if (_letters(payload), _letters(signature)) != (head, tail):  # other letters for the same bytes
        raise _forged()
    if len(signature) != FORMER_SIGNATURE or not _is_signed(secrets, payload, signature):
        raise _forged()
    return json.loads(payload)


def signing_secrets(reference: object, section: str, folder: Path) -> tuple[bytes, ...]:
    """The secrets behind the tokens of a section: the first signs, all are taken; ManometerError where one is
    missing or too short.
    """
    if reference is None:
        raise ManometerError(
            f'manometer.toml: [{section}] has no secret. Write secret = {{ env = "{section.upper()}_SECRET" '
            f"}}."
        )
    found = tuple(secret.encode() for secret in read_secrets(reference, f"{section}: secret", folder))
    if any(len(secret) < SHORTEST_SECRET for secret in found):
        raise ManometerError(
            f"{section}: secret: it is shorter than {SHORTEST_SECRET} letters. Make one with `openssl rand "
            "-base64 32`."
        )
    return found


def _forged() -> ManometerError:
    return ManometerError(
        "This is no token of this workspace: it was cut short or changed, or the secret is another. Nothing "
        "was changed."
    )


def _is_signed(secrets: Sequence[bytes], payload: bytes, signature: bytes) -> bool:
    size = len(signature)
    return any(hmac.compare_digest(signature, _signature(secret, payload, size)) for secret in secrets)


def _signature(secret: bytes, payload: bytes, size: int) -> bytes:
    return hmac.digest(secret, payload, hashlib.sha256)[:size]


def _letters(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(letters: str) -> bytes:
    return base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
