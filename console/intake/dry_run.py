"""What an import would bring: the file is taken into a copy of the database, which is thrown away.

So people are found, joined and counted exactly as the import would do it, and nothing is changed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from sqlalchemy import func, select

from console.intake.csv_records import Reject
from console.intake.files import ImportResult, IntakeSettings, import_file
from core.instants import Instant
from core.model.events import ORDER_COMPLETED
from core.sources.connector import SourceFile
from core.sources.segment import Incoming
from storage.copying import copy_database
from storage.schema.customers import customers
from storage.schema.events import events
from storage.store import Store
from storage.unfinished import unfinished_folder

_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|[0-9]+ fields")
_MOST_REASONS: Final = 200
_MOST_NAMES: Final = 1_000
OTHERS: Final = "others"


@dataclass(slots=True)
class Foretold:
    """What would be taken: calls by name, orders, their sums in minor units by currency, and the lines that
    would be rejected by reason.
    """

    home: str
    calls: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    amounts: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)

    def note(self, one: Incoming | Reject) -> None:
        """Count one event that would be taken, or one line that would not."""
        if isinstance(one, Reject):
            _count(self.rejects, _QUOTED.sub("…", one.reason), _MOST_REASONS)
            return
        _count(self.calls, one.name, _MOST_NAMES)
        if one.name == ORDER_COMPLETED:
            self.orders += 1
            own = one.amount if one.currency is None else one.own_amount
            if own is not None:
                self.amounts[one.currency or self.home] += own


@dataclass(frozen=True, slots=True)
class DryRun:
    """What an import would come to; `people_known` are customers of today whom it would touch."""

    result: ImportResult
    foretold: Foretold
    people_new: int
    people_known: int

    @property
    def rejects(self) -> Mapping[str, int]:
        """Lines that would be rejected, by reason, the most frequent first."""
        return dict(self.foretold.rejects.most_common())


def dry_run(
    store: Store, file: SourceFile, *, settings: IntakeSettings, arrived_at: Instant, history: bool = False
) -> DryRun:
    """What importing a file as of `arrived_at` would come to; ManometerError as of `import_file`."""
    foretold = Foretold(settings.currency or "")
    with unfinished_folder(Path(gettempdir(), "manometer-dry-run")) as place:
        copy_database(store, place / "copy.db")
        with Store.open(place / "copy.db") as copy:
            before = _newest(copy)
            result = import_file(
                copy, file, settings=replace(settings, rejects=place / "rejects", concerns=None),
                arrived_at=arrived_at, history=history, follow=foretold.note,
            )  # fmt: skip
            new, known = _people(copy, *before)
    return DryRun(replace(result, rejects=None), foretold, new, known)


def _newest(store: Store) -> tuple[int, int]:
    """The highest numbers of a customer and of an event."""
    with store.reading() as connection:
        customer = connection.execute(select(func.max(customers.c.id))).scalar()
        event = connection.execute(select(func.max(events.c.id))).scalar()
    return customer or 0, event or 0


def _people(store: Store, last_customer: int, last_event: int) -> tuple[int, int]:
    """How many customers were made, and how many of before have an event of the import."""
    is_known = (events.c.id > last_event) & (events.c.customer_id <= last_customer)
    with store.reading() as connection:
        new = connection.execute(select(func.count()).where(customers.c.id > last_customer)).scalar_one()
        known = connection.execute(
            select(func.count(events.c.customer_id.distinct())).where(is_known)
        ).scalar_one()
    return new, known


def _count(counter: Counter[str], name: str, most: int) -> None:
    counter[name if name in counter or len(counter) < most else OTHERS] += 1
