"""Two previews of the same customers, kept beside each other: who decides differently, and what belongs
together. On disk, as one is.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import orjson

from storage.forecasts.previews import Kept

_SCHEMA: Final = """
CREATE TABLE changed (
  customer_id INTEGER PRIMARY KEY, customer TEXT, differences INTEGER, had INTEGER, has INTEGER, pairs TEXT
);
CREATE TABLE differs (
  "trigger" TEXT, customer_id INTEGER, PRIMARY KEY ("trigger", customer_id)
) WITHOUT ROWID;
"""


class CustomerChanges(NamedTuple):
    """What changes for one customer: contacts before and after, and all decisions as places in the
    customer's two previews.
    """

    customer_id: int
    customer: str
    differences: int
    had: int
    has: int
    pairs: tuple[tuple[str | None, int | None, int | None], ...]
    """Kind of change (None: the same on both sides), place before, place after."""
    triggers: tuple[str, ...]


class KeptChanges(Kept):
    """The decisions before the change of those for whom anything changes, with what belongs together."""

    def __init__(self) -> None:
        super().__init__()
        with self._using() as raw:
            raw.executescript(_SCHEMA)

    def add_changes(self, changes: Iterable[CustomerChanges]) -> None:
        """Take more customers."""
        found = list(changes)
        with self._using() as raw:
            raw.execute("BEGIN")
            raw.executemany(
                "INSERT INTO changed VALUES (?, ?, ?, ?, ?, ?)",
                [(*each[:5], orjson.dumps(each.pairs).decode()) for each in found],
            )
            raw.executemany(
                "INSERT INTO differs VALUES (?, ?)",
                [(name, each.customer_id) for each in found for name in each.triggers],
            )
            raw.execute("COMMIT")

    def finish(self) -> None:
        """All are there; make them quick to list."""
        super().finish()
        with self._using() as raw:
            raw.execute("CREATE INDEX of_customer ON kept (customer_id)")

    def changed(
        self, trigger: str | None = None, cancelled: Callable[[], bool] = lambda: False
    ) -> array[int]:
        """Customers for whom anything, or anything of one trigger, changes; most differences first."""
        where = (
            ""
            if trigger is None
            else ' WHERE customer_id IN (SELECT customer_id FROM differs WHERE "trigger" = ?)'
        )
        query = f"SELECT customer_id FROM changed{where} ORDER BY differences DESC, customer"  # noqa: S608 - one of two texts
        with self._using(cancelled) as raw:
            return array(
                "q", (number for (number,) in raw.execute(query, () if trigger is None else (trigger,)))
            )

    def changes(self, ids: Sequence[int]) -> dict[int, CustomerChanges]:
        """What changes for these customers, by row; `triggers` is left empty."""
        query = "SELECT * FROM changed WHERE customer_id IN (SELECT value FROM json_each(?))"
        with self._using() as raw:
            found = raw.execute(query, (orjson.dumps(list(ids)).decode(),)).fetchall()
        return {row[0]: _changes(*row) for row in found}


def _changes(
    customer_id: int, customer: str, differences: int, had: int, has: int, pairs: str
) -> CustomerChanges:
    return CustomerChanges(
        customer_id,
        customer,
        differences,
        had,
        has,
        tuple((kind, old, new) for kind, old, new in orjson.loads(pairs)),
        (),
    )
