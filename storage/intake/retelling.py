"""Lists of orders that are exported again: a line of a known order is a duplicate where it says what was said
before, and else a correction of the order. Instants are ms UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Connection, select

from core.instants import Instant, parse_instant
from core.model.events import ORDER_CANCELLED, ORDER_COMPLETED, ORDER_UPDATED
from core.model.orders import CUMULATIVE, number_of_return
from core.sources.segment import Incoming, Retold, dedup_key
from storage.intake.identities import chunks
from storage.schema.events import events

_PURCHASES: Final = frozenset({ORDER_COMPLETED, ORDER_UPDATED})
_CORRECTED: Final = ("revenue", "currency", "products")
"""The properties that a correction corrects; others stay as they were told first."""

Matter = tuple[str, str, str | None]
"""What a telling is about: source, the order's number, and of a return its own number."""


class _Said(NamedTuple):
    as_of: Instant
    content: bytes


def with_corrections(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Incoming]:
    """The batch as it is to be taken: lines of known orders that say something new are corrections as of
    their own instant, or of the import. One that is older than what its source said last stays a duplicate.
    """
    told = {one.dedup: one for one in batch if one.retold is not None}
    if not told:
        return batch
    states = [one for one in told.values() if _is_state(one)]
    found = _corrections(connection, _known(connection, told))
    found.update(_states_of_known(connection, states))
    return [found.get(one.dedup, one) for one in batch] if found else batch


def _is_state(one: Incoming) -> bool:
    """Whether it says how an order stands, which is said once for all."""
    return one.name == ORDER_CANCELLED or CUMULATIVE in one.properties


# ---- what was told with other words ----


def _known(connection: Connection, told: Mapping[bytes, Incoming]) -> list[Incoming]:
    """Those of which something else, or something later, was said when they were told first, with the number
    that the order had then.
    """
    found = []
    columns = events.c
    for part in chunks(sorted(dedup for dedup, one in told.items() if not _is_state(one))):
        query = select(columns.dedup, columns.order_key, columns.properties).where(columns.dedup.in_(part))
        for dedup, order, properties in connection.execute(query):
            one = told[bytes(dedup)]
            if order is not None and properties != one.text:
                found.append(one._replace(order=order))
    return found


def _corrections(connection: Connection, known: Sequence[Incoming]) -> dict[bytes, Incoming]:
    said = _said(connection, {str(one.order) for one in known})
    found = {}
    for one in known:
        assert one.retold is not None
        before = said[_matter(one.source, one.order, one.name, one.properties)]
        content = _content(orjson.loads(one.text))
        if _is_news(one.retold, content, before):
            last = max(each.as_of for each in before)
            found[one.dedup] = _correction(one, _after(one.retold, last), content)
    return found


def _is_news(retold: Retold, content: bytes, before: Sequence[_Said]) -> bool:
    """Without a date, what was never said; with one, what is later than all and other than the last."""
    if not retold.is_dated:
        return all(content != said.content for said in before)
    last = max(before, key=lambda said: said.as_of)
    return retold.at > last.as_of and content != last.content


def _after(retold: Retold, last: Instant) -> Retold:
    """Of lists of one import the later one counts."""
    return retold if retold.is_dated or retold.at > last else retold._replace(at=last + 1)


def _said(connection: Connection, orders: Iterable[str]) -> Mapping[Matter, list[_Said]]:
    found: dict[Matter, list[_Said]] = defaultdict(list)
    columns = events.c
    for part in chunks(sorted(orders)):
        query = select(
            columns.order_key, columns.source, columns.name, columns.occurred_at, columns.properties
        ).where(columns.order_key.in_(part), columns.order_key.is_not(None))
        for order, source, name, at, text in connection.execute(query):
            properties = orjson.loads(text)
            matter = _matter(source, order, name, properties)
            found[matter].append(_Said(_as_of(properties, at), _content(properties)))
    return found


def _matter(source: str, order: str | None, name: str, properties: Mapping[str, Any]) -> Matter:
    return source, str(order), "" if name in _PURCHASES else f"{name}\0{number_of_return(name, properties)}"


def _as_of(properties: Mapping[str, Any], at: Instant) -> Instant:
    updated = properties.get("updated_at")
    try:
        return max(at, parse_instant(updated)) if isinstance(updated, str) else at
    except ValueError:
        return at


def _content(properties: Mapping[str, Any]) -> bytes:
    return orjson.dumps({name: properties.get(name) for name in _CORRECTED}, option=orjson.OPT_SORT_KEYS)


def _correction(one: Incoming, retold: Retold, content: bytes) -> Incoming:
    """The line as an act of the shop as of its instant. It says nothing new of the customer."""
    key = [one.dedup.hex(), content.decode(), str(retold.at) if retold.is_dated else ""]
    return one._replace(
        dedup=dedup_key(one.source, "\0".join(key)),
        name=ORDER_UPDATED if one.name in _PURCHASES else one.name,
        occurred_at=max(retold.at, one.occurred_at),
        identities=one.identities[:1],
        traits={},
    )


# ---- what was told to be cancelled or given back ----


def _states_of_known(connection: Connection, told: Sequence[Incoming]) -> dict[bytes, Incoming]:
    """Those whose order was known before this batch: they became so since."""
    numbers: dict[bytes, str] = {}
    columns = events.c
    for part in chunks(sorted({one.retold.first for one in told if one.retold is not None})):
        query = select(columns.dedup, columns.order_key).where(
            columns.dedup.in_(part), columns.order_key.is_not(None)
        )
        numbers.update({bytes(dedup): order for dedup, order in connection.execute(query)})
    known: set[str] = set()
    for orders in chunks(sorted({one.order for one in told if one.order is not None})):
        known.update(
            connection.execute(
                select(columns.order_key)
                .where(columns.order_key.in_(orders), columns.order_key.is_not(None))
                .distinct()
            ).scalars()
        )
    return {
        one.dedup: one._replace(
            occurred_at=max(retold.at, one.occurred_at), order=numbers.get(retold.first, one.order),
            identities=one.identities[:1], traits={},
        )
        for one in told
        if (retold := one.retold) is not None and (retold.first in numbers or one.order in known)
    }  # fmt: skip
