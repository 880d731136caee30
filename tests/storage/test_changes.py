"""What counts as a change for those who look: everything that was done, not the beat of a scheduler with
nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from core.instants import MINUTE, SECOND
from storage import audit, leases
from storage.changes import fingerprint
from storage.status import LAST_TICK_AT
from storage.store import Store, set_meta

NOON = 1_000 * 60 * MINUTE


@pytest.mark.parametrize(
    ("act", "counts"),
    [
        (lambda connection: audit.record(connection, NOON, "keller", "pause", "birthday", None, {}), True),
        (lambda connection: set_meta(connection, "last_dispatch_at", str(NOON)), True),
        (lambda connection: set_meta(connection, LAST_TICK_AT, str(NOON + 30 * SECOND)), False),
        (lambda connection: set_meta(connection, LAST_TICK_AT, str(NOON + MINUTE)), True),
        (lambda connection: leases.acquire(connection, "host:1:1", NOON), False),
    ],
)
def test_what_counts_as_a_change(tmp_path: Path, act: Callable[[Connection], object], counts: bool) -> None:
    with Store.create(tmp_path / "shop.db") as store:
        with store.writing() as connection:
            set_meta(connection, LAST_TICK_AT, str(NOON))
        with store.reading() as connection:
            before = fingerprint(connection)
        with store.writing() as connection:
            act(connection)
        with store.reading() as connection:
            assert (fingerprint(connection) != before) == counts
