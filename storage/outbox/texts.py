"""The texts of messages as they went out: kept with the outcome, read again, ended by retention and by
erasure. Instants are milliseconds, UTC.

A mail is mostly what its template says. So a text is packed by zlib against a *base*, the sources of its
template, which is kept once for all of them; what is left to keep of a mail is what differs.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple, Protocol

import orjson
from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from core.instants import DAY, Instant
from storage.schema.messages import messages
from storage.schema.texts import sent_texts, text_bases
from storage.sql import WANTED, named, portions

LEVEL: Final = 3
MEMORY: Final = 6
"""Of zlib: measured, a mail of 24 kB takes a fourth of the time that the usual 6 and 8 need, and is as small.
"""
WENT: Final = frozenset({"sent", "uncertain"})
"""States of a message that went out, or may have."""
LONGEST_BASE: Final = 32_768
"""Bytes of a base that zlib can look back at; the last ones of a longer base."""
ENDED_AT_ONCE: Final = 5_000


class KeptText(NamedTuple):
    """The text of a message as it is kept: the instant as of which it was made, the number of its base, and
    the packed bytes.
    """

    made_at: Instant
    base: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class SentText:
    """A message as it was sent: subject and parts by the name of their template file."""

    made_at: Instant
    subject: str
    parts: Mapping[str, str]


# ---- packing ----


def base_of(sources: Iterable[str]) -> bytes:
    """The base of a template's source texts, without anything of a customer."""
    return b"\n".join(_json(text) for text in sources)[-LONGEST_BASE:]


def base_number(base: bytes) -> int:
    """The number of a base, drawn from its content: 63 bits."""
    return int.from_bytes(blake2b(base, digest_size=8).digest()) >> 1


class BasePacker:
    """Packs texts against one base, which is worked through once."""

    def __init__(self, base: bytes) -> None:
        self._primed = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, MEMORY, zdict=base)

    def pack(self, subject: str, parts: Mapping[str, str]) -> bytes:
        """Subject and parts, packed."""
        packer = self._primed.copy()
        return packer.compress(_json({"subject": subject, "parts": dict(parts)})) + packer.flush()


def _unpack(packed: bytes, base: bytes) -> tuple[str, Mapping[str, str]]:
    """Subject and parts; ValueError where that is damaged, or the base another."""
    try:
        found = orjson.loads(zlib.decompressobj(zdict=base).decompress(packed))
        return found["subject"], found["parts"]
    except (zlib.error, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"a kept text is damaged: {error}") from None


def _json(value: object) -> bytes:
    """As JSON, without the lone surrogates that UTF-8 cannot hold."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


# ---- keeping ----


def is_base_fresh(connection: Connection, number: int, at: Instant) -> bool:
    """Whether a base is there, and was made sure of within a day, so that nobody ends it now."""
    used = connection.execute(select(text_bases.c.used_at).where(text_bases.c.id == number)).scalar()
    return used is not None and used > at - DAY


def keep_base(connection: Connection, base: bytes, at: Instant) -> int:
    """Make sure of a base; its number."""
    number = base_number(base)
    row = insert(text_bases).values(id=number, used_at=at, packed=zlib.compress(base))
    later = func.max(text_bases.c.used_at, row.excluded.used_at)
    connection.execute(row.on_conflict_do_update(index_elements=["id"], set_={"used_at": later}))
    return number


_KEEPING: Final = insert(sent_texts).prefix_with("OR REPLACE")


def keep(connection: Connection, texts: Mapping[int, KeptText]) -> None:
    """Keep the texts of messages, whose bases must be there; of one that is kept already, this instead."""
    if texts:
        connection.execute(
            _KEEPING, [{"message_id": message, **text._asdict()} for message, text in texts.items()]
        )


class Ended(Protocol):
    """What became of a message: the mark of its outcome."""

    @property
    def id(self) -> int:
        """The message."""
        ...

    @property
    def state(self) -> str:
        """Its state."""
        ...


def keep_outcomes(
    connection: Connection, ended: Iterable[Ended], said: Mapping[int, KeptText | None]
) -> None:
    """Keep what those say that went out, or of which nobody can tell whether they did."""
    texts = {mark.id: said.get(mark.id) for mark in ended if mark.state in WENT}
    keep(connection, {message: text for message, text in texts.items() if text is not None})


# ---- reading ----


def of_message(connection: Connection, message: int) -> SentText | None:
    """A message as it was sent; None where its text is not kept, or not any more. ValueError where it is
    damaged.
    """
    query = (
        select(sent_texts.c.made_at, sent_texts.c.packed, text_bases.c.packed.label("base"))
        .join_from(sent_texts, text_bases, text_bases.c.id == sent_texts.c.base)
        .where(sent_texts.c.message_id == message)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    subject, parts = _unpack(row.packed, zlib.decompress(row.base))
    return SentText(row.made_at, subject, parts)


# ---- ending ----


def has_older(connection: Connection, than: Instant) -> bool:
    """Whether any text was made before the instant."""
    query = select(sent_texts.c.message_id).where(sent_texts.c.made_at < than).limit(1)
    return connection.execute(query).first() is not None


def end_older(connection: Connection, than: Instant, most: int = ENDED_AT_ONCE) -> int:
    """End texts that were made before the instant, the oldest first, and at most so many; how many."""
    old = select(sent_texts.c.message_id).where(sent_texts.c.made_at < than)
    oldest = old.order_by(sent_texts.c.made_at).limit(most)
    ended = connection.execute(delete(sent_texts).where(sent_texts.c.message_id.in_(oldest))).rowcount
    if ended < most:
        # every text was made within a day after somebody made sure of its base: there is none left of these
        connection.execute(delete(text_bases).where(text_bases.c.used_at < than - 2 * DAY))
    return ended


def forget(connection: Connection, customer_ids: Collection[int]) -> int:
    """End the texts of all messages to these customers, as an erasure needs it; how many."""
    number = 0
    for ids in portions(sorted(customer_ids)):
        theirs = select(messages.c.id).where(messages.c.customer_id.in_(WANTED))
        number += connection.execute(
            delete(sent_texts).where(sent_texts.c.message_id.in_(theirs)), named(ids)
        ).rowcount
    return number
