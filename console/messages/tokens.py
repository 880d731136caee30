"""Words under a signature, in letters that an address of the web can carry: what stands in links that must
not be forged.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from console.secrets import read_secrets
from core.errors import ManometerError

SIGNATURE: Final = 16
"""Bytes of the signature."""
LONGEST: Final = 4_096
"""Letters of a token that are looked at."""
SHORTEST_SECRET: Final = 16


def make(secret: bytes, words: Sequence[Any]) -> str:
    """The words, as JSON, and their signature."""
    payload = json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return f"{_letters(payload)}.{_letters(_signature(secret, payload))}"


def read(secrets: Sequence[bytes], token: str) -> Any:
    """What a token says; ManometerError where none of the secrets has signed it."""
    head, _, tail = token.strip()[:LONGEST].partition(".")
    try:
        payload, signature = _bytes(head), _bytes(tail)
    except (binascii.Error, ValueError):
        raise _forged() from None
    if (_letters(payload), _letters(signature)) != (head, tail):  # other letters for the same bytes
        raise _forged()
    if not any(hmac.compare_digest(signature, _signature(secret, payload)) for secret in secrets):
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


def _signature(secret: bytes, payload: bytes) -> bytes:
    return hmac.digest(secret, payload, hashlib.sha256)[:SIGNATURE]


def _letters(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(letters: str) -> bytes:
    return base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
