"""What a message says, packed to be kept beside its outcome."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection

from console.messages.templates import Templates
from core.instants import Instant
from core.model.delivery import Outbound
from core.model.retention import RetentionSettings
from storage.outbox import texts
from storage.outbox.texts import BasePacker, KeptText
from storage.store import Store


class Bases(Protocol):
    """Where the bases are kept that texts are packed against."""

    def make_sure(self, base: bytes, at: Instant) -> int:
        """Have it there, as of the instant; its number."""
        ...


class StoredBases:
    """Those of a database; each is a transaction of its own, and only where it is not there already."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make_sure(self, base: bytes, at: Instant) -> int:
        """Have it there; StoreError where the database cannot be written."""
        number = texts.base_number(base)
        with self._store.reading() as connection:
            if texts.is_base_fresh(connection, number, at):
                return number
        with self._store.writing() as connection:
            return texts.keep_base(connection, base, at)


class OpenBases:
    """Those of a database that is being written to."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def make_sure(self, base: bytes, at: Instant) -> int:
        """Have it there with the rest of the transaction."""
        return texts.keep_base(self._connection, base, at)


class TextPacker:
    """Packs texts against what their templates say; for one pass, so that it works with what is in force."""

    def __init__(self, templates: Templates, bases: Bases, retention: RetentionSettings) -> None:
        self._templates = templates
        self._bases = bases
        self._retention = retention
        self._known: dict[tuple[str, ...], tuple[int, BasePacker]] = {}

    def packed(self, template: str, locale: str, outbound: Outbound) -> KeptText | None:
        """What the message says, its base made sure of; None where texts are not kept."""
        if self._retention.texts == 0:
            return None
        number, packer = self._against(self._templates.sources(template, outbound.medium, locale), outbound)
        return KeptText(outbound.sent_at, number, packer.pack(outbound.subject, outbound.parts))

    def _against(self, sources: tuple[str, ...], outbound: Outbound) -> tuple[int, BasePacker]:
        if sources not in self._known:
            base = texts.base_of(sources)
            self._known[sources] = self._bases.make_sure(base, outbound.sent_at), BasePacker(base)
        return self._known[sources]


def end_old_texts(store: Store, retention: RetentionSettings, now: Instant) -> int:
    """End texts that were kept long enough, at most `texts.ENDED_AT_ONCE` of them; how many."""
    than = now - retention.texts
    with store.reading() as connection:
        is_due = texts.has_older(connection, than)
    if not is_due:
        return 0
    with store.writing() as connection:
        return texts.end_older(connection, than)
