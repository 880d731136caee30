"""The links of the audit's chains, as text in hexadecimal; SQL functions of migrations as well.

A row's link is a hash of the link before it, of what the row says that is no personal data, and of a
commitment to the rest. Once the rest and its salt are erased the commitment tells nothing, and the chain
still holds.
"""

from __future__ import annotations

import hashlib
import hmac
import json

FIRST = ""
"""What stands before the first link of a chain."""


def audit_commitment(salt: str, author: str, subject: str, reason: str | None, detail: str) -> str:
    """A commitment to what may be personal, HMAC-SHA-256 under the row's own salt."""
    said = _bytes(author, subject, reason, detail)
    return hmac.new(bytes.fromhex(salt), said, hashlib.sha256).hexdigest()


def audit_link(
    previous: str, writer: str, number: int, deed: int, at: int, action: str, commitment: str
) -> str:
    """The link of a row, SHA-256; `at` is in ms UTC, `number` its place in its chain, from 1, and `deed` the
    place of the first row of its act.
    """
    return hashlib.sha256(_bytes(previous, writer, number, deed, at, action, commitment)).hexdigest()


def anchor_link(previous: str, at: int, heads: str) -> str:
    """The link of an anchor, which joins the heads of all chains as of an instant."""
    return hashlib.sha256(_bytes("anchor", previous, at, heads)).hexdigest()


def _bytes(*values: str | int | None) -> bytes:
    """The values so that no two lists of them are the same text."""
    return json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode()
