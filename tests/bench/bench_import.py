"""Import of an NDJSON file, against the same rows put into the same tables with the raw driver's
`executemany`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import orjson

from console.intake.files import IntakeSettings, import_file
from core.instants import HOUR, MINUTE, format_instant
from core.sources.connector import SourceFile
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.identities import identities
from storage.schema.intake import arrivals
from storage.sqlite import dbapi
from tests.bench.bases import NOW, SEED, folder, opened, seconds, typical_workspace

SIZE = 200_000
SESSION = 5
"""Acts of one customer in a row, on average."""
AIM = 0.5
AT_ONCE = 10_000
TABLES = (customers, identities, events, consents, arrivals)
NAMES = ("Product Viewed", "Product Viewed", "Product Added", "Checkout Started", "Order Completed")


def run(size: int = SIZE) -> Iterator[str]:
    """The figures of one run, a line each: history into a new base, and live events into one with a playbook
    in force.
    """
    with folder() as place:
        path = _write(place / "events.ndjson", size)
        for name, history in (("history", True), ("live", False)):
            store, playbook = opened(typical_workspace(place / name))
            settings = IntakeSettings(
                playbook.zone, place / "rejects", concerns=None if history else playbook.index.concerns
            )
            with store:
                began = perf_counter()
                done = import_file(
                    store, SourceFile(path), settings=settings, arrived_at=NOW, history=history
                )
                ours = size / seconds(began)
            assert done.taken == size
            bare = typical_workspace(place / f"{name}-bare")
            opened(bare)[0].close()
            raw = size / _copy(store.path, bare / "manometer.db")
            yield (
                f"import: {size:,} lines, {name}: {ours:,.0f} events/s, raw executemany {raw:,.0f} "
                f"events/s, {ours / raw:.2f} of its rate"
                f" (aim: {AIM:g})"
            )


def _write(path: Path, size: int) -> Path:
    random = Random(SEED)
    people, user = max(1, size // 10), 0
    with path.open("wb") as file:
        for number in range(size):
            if number < people:
                user = number
            elif random.random() < 1 / SESSION:
                user = random.randrange(people)
            file.write(
                orjson.dumps(_call(number, user, number < people, random), option=orjson.OPT_APPEND_NEWLINE)
            )
    return path


def _call(number: int, user: int, is_new: bool, random: Random) -> dict[str, Any]:
    """A call of one customer, who first identifies herself."""
    at = format_instant(NOW - HOUR + number * MINUTE // 10_000)
    call: dict[str, Any] = {"messageId": f"m{number:09d}", "userId": f"u{user}", "timestamp": at}
    if is_new:
        traits = {
            "email": f"u{user}@example.com",
            "firstName": "Anna",
            "lastName": f"Muster{user}",
            "address": {"country": "CH"},
        }
        return call | {"type": "identify", "traits": traits}
    name = random.choice(NAMES)
    properties: dict[str, Any] = {
        "product_id": f"p{random.randrange(5_000)}",
        "url": "https://shop.example.com/p",
        "currency": "CHF",
    }
    if name == "Order Completed":
        properties |= {
            "order_id": f"o{number}",
            "revenue": 49.9,
            "products": [{"product_id": "p1", "quantity": 2, "price": 24.95}],
        }
    return call | {"type": "track", "event": name, "properties": properties}


def _copy(source: Path, target: Path) -> float:
    """Seconds to put the rows of one database into another, empty one, by batches as an import commits
    them.
    """
    old = dbapi.connect(str(source))
    new = dbapi.connect(str(target), isolation_level=None)
    new.execute("PRAGMA synchronous=FULL")
    new.execute("PRAGMA cache_size=-65536")
    taken = 0.0
    for table in TABLES:
        rows = old.execute(f"SELECT * FROM {table.name}").fetchall()
        text = f"INSERT INTO {table.name} VALUES ({','.join('?' * len(table.columns))})"
        began = perf_counter()
        for start in range(0, len(rows), AT_ONCE):
            new.execute("BEGIN IMMEDIATE")
            new.executemany(text, rows[start : start + AT_ONCE])
            new.execute("COMMIT")
        taken += seconds(began)
    old.close()
    new.close()
    return taken


if __name__ == "__main__":
    for line in run(int(sys.argv[1]) if len(sys.argv) > 1 else SIZE):
        print(line, flush=True)
