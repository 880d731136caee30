"""Finding customers among a million: the filter's words as conditions, and whoever they hold for as vectors
of row ids.

The words of a filter (`core/filters.py`) must all hit. What an index finds comes first, the scan of one
narrow index that holds every searched column follows. Instants are milliseconds UTC.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    column,
    false,
    func,
    not_,
    or_,
    select,
    true,
)

from core.filters import FilterWord
from core.instants import Instant
from core.suggestions import nearest
from core.text_folding import BETWEEN, shortened, spellings
from storage.schema.customers import customers
from storage.schema.identities import identities
from storage.schema.messages import messages
from storage.sql import WANTED, containing, rows_of

Sort: TypeAlias = Literal["key", "name", "orders", "revenue", "last_activity", "next_due"]
Truth: TypeAlias = ColumnElement[bool]
Tell: TypeAlias = Callable[["array[int]"], None]

LIVING: Final = and_(customers.c.merged_into.is_(None), customers.c.erased_at.is_(None))
# word for word as in the partial index, or SQLite will not use it
GONE: Final = or_(customers.c.merged_into.is_not(None), customers.c.erased_at.is_not(None))
MOST_WORDS: Final = 8
"""So many words of a filter are looked for."""
FIRST: Final = 200
"""So many rows make a first answer: more than any screen shows at once."""
FEW: Final = 20
AT_ONCE: Final = 2_000
PIECE: Final = 100_000
"""Letters of JSON."""
LAST_LETTER: Final = "\U0010ffff"
MOST_NAMES: Final = 20_000
"""So many names are looked at for one that is like a word."""
KINDS: Final = ("user", "email", "phone", "loyalty", "anonymous", "push")
LEAST_OF_IDENTITY: Final = 3
"""Shorter words begin the identities of too many to be of use."""
SEARCHED: Final = ("folded_name", "email", "key", "folded_city", "phone", "postal_code")
FOLDED: Final = frozenset({"folded_name", "folded_city"})
WITH_DIGITS: Final = frozenset({"phone", "postal_code"})
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("folded_name",),
    "city": ("folded_city", "postal_code"),
    "country": ("country",),
    "email": ("email",),
    "phone": ("phone",),
    "key": ("key",),
}
SEGMENT: Final = "segment"
ASKED: Final = (*FIELDS, *KINDS, SEGMENT)
"""The fields of a filter of customers."""


# ---- conditions ----


def matching(asked: Sequence[FilterWord], segments: Mapping[str, Truth] | None = None) -> Truth:
    """The clause on `customers` that every term holds for; `segments` the clauses of the segments it
    names.
    """
    return and_(true(), *[_holds(word, segments or {}) for word in asked])


def _holds(term: FilterWord, segments: Mapping[str, Truth]) -> Truth:
    clause = segments[term.text] if term.field == SEGMENT else _hits(term)
    return not_(clause) if term.is_inverse else clause


def _hits(term: FilterWord) -> Truth:
    if term.field is None:
        return or_(*_containing(SEARCHED, term.text), *_identified(KINDS, term.text))
    if term.field == "country":
        return func.coalesce(customers.c.country, "") == term.text.upper()
    columns = FIELDS.get(term.field)
    return or_(
        false(),
        *(_containing(columns, term.text) if columns is not None else _identified((term.field,), term.text)),
    )


def _containing(columns: Iterable[str], word: str) -> Iterator[Truth]:
    has_digit = any(map(str.isdigit, word))
    for name in columns:
        if has_digit or name not in WITH_DIGITS:
            for spelling in spellings(word) if name in FOLDED else _spellings(word):
                yield containing(customers.c[name], spelling)


def _spellings(word: str) -> set[str]:
    """SQLite takes large and small letters for the same in ASCII only."""
    return {_ascii_lower(spelling) for spelling in (word, word.lower(), word.upper(), word.title())}


def _ascii_lower(word: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in word)


def _identified(kinds: Sequence[str], word: str) -> Iterator[Truth]:
    """Whether one of the customer's identities begins so; the subquery stands alone, so that SQLite asks it
    once and not for each row.
    """
    if len(word) >= LEAST_OF_IDENTITY:
        begins = or_(*[_begins(identities.c.value, spelling) for spelling in sorted({word, word.lower()})])
        yield customers.c.id.in_(select(identities.c.customer_id).where(identities.c.kind.in_(kinds), begins))


def _begins(column: ColumnElement[Any], word: str) -> Truth:
    return and_(column >= word, column < word + LAST_LETTER)


# ---- vectors ----


def everybody(connection: Connection, sort: Sort, is_downwards: bool, found: Tell) -> array[int]:
    """All living customers in that order; `found` gets the first of them at once where an index gives the
    order.
    """
    # the short list of those gone, and not LIVING, which would fetch the row of everybody
    query = select(customers.c.id).where(customers.c.id.not_in(select(customers.c.id).where(GONE)))
    if sort == "key":
        query = query.order_by(_turned(customers.c.key, is_downwards))
        found(_ids(connection, query.limit(FIRST)))
        return _ids(connection, query)
    if sort == "next_due":
        due = _ids(
            connection,
            query.where(customers.c.next_due_at.is_not(None)).order_by(
                _turned(customers.c.next_due_at, is_downwards)
            ),
        )
        found(due[:])
        return due + _ids(connection, query.where(customers.c.next_due_at.is_(None)))
    return _ids(connection, _ordered(select(customers.c.id).where(LIVING), sort, is_downwards))


def find(
    connection: Connection,
    asked: Sequence[FilterWord],
    segments: Mapping[str, Truth],
    sort: Sort,
    is_downwards: bool,
    found: Tell,
) -> array[int]:
    """The living customers a filter holds for; `found` gets the first of them as soon as there are any.

    In order of key, whoever's last name, key or identity begins with one of the words comes first.
    """
    ids = _first_hits(connection, asked, segments, found)
    _scan(connection, matching(asked, segments), bool(segments), ids, found)
    if sort == "key" and not is_downwards:
        return ids
    wanted = select(
        func.json_each(orjson.dumps(list(ids)).decode()).table_valued(column("value", Integer)).c.value
    )
    return _ids(
        connection, _ordered(select(customers.c.id).where(customers.c.id.in_(wanted)), sort, is_downwards)
    )


def _ordered(query: Select[int], sort: Sort, is_downwards: bool) -> Select[int]:
    """In that order; who has no value comes last either way."""
    if sort == "name":
        return query.order_by(_turned(customers.c.folded_name, is_downwards))
    by = customers.c[{"last_activity": "last_activity_at", "next_due": "next_due_at"}.get(sort, sort)]
    return query.order_by(_turned(by, is_downwards).nulls_last(), customers.c.id)


def _turned(by: ColumnElement[Any], is_downwards: bool) -> ColumnElement[Any]:
    return by.desc() if is_downwards else by.asc()


def _ids(connection: Connection, query: Select[int]) -> array[int]:
    """All ids of a query in one value: a third of the price of a million rows."""
    listed = query.subquery()
    return _numbers(connection.execute(select(func.json_group_array(listed.c.id))).scalar_one())


def _numbers(text: str) -> array[int]:
    """A JSON list of whole numbers, read piece by piece: a million of Python's integers at once would take
    forty megabytes.
    """
    numbers, start, end = array("q"), 1, len(text) - 1
    while start < end:
        comma = text.find(",", start + PIECE)
        stop = end if comma < 0 else comma
        numbers.extend(orjson.loads(f"[{text[start:stop]}]"))
        start = stop + 1
    return numbers


def _first_hits(
    connection: Connection, asked: Sequence[FilterWord], segments: Mapping[str, Truth], found: Tell
) -> array[int]:
    """Whoever's last name, key or identity begins with one of the words: few steps in an index each."""
    hits: dict[int, None] = {}
    words = [term for term in asked if term.field is None and not term.is_inverse]
    for beginning in (_named, _keyed, _identified_by_any):
        for term in words:
            others = [_holds_by_columns(other, segments) for other in asked if other is not term]
            query = (
                select(customers.c.id).where(LIVING, beginning(term.text), *others).limit(FIRST - len(hits))
            )
            before = len(hits)
            hits |= dict.fromkeys(connection.execute(query).scalars())
            if len(hits) > before:
                found(array("q", hits))
    return array("q", hits)


def _holds_by_columns(term: FilterWord, segments: Mapping[str, Truth]) -> Truth:
    """The same as `_holds` or less: a word alone is not looked for among the identities, which takes longer
    than all the rest.
    """
    is_word = term.field is None and not term.is_inverse
    return or_(*_containing(SEARCHED, term.text)) if is_word else _holds(term, segments)


def _named(word: str) -> Truth:
    name = customers.c.folded_name
    typed = spellings(word)
    # whoever writes `mueller` may mean `müller`, which stands under `muller` and has the other spelling
    # behind
    meant = [
        and_(_begins(name, shortened(each)), containing(name, each))
        for each in typed
        if shortened(each) != each
    ]
    return or_(*[_begins(name, each) for each in typed], *meant)


def _keyed(word: str) -> Truth:
    return or_(
        *[_begins(customers.c.key, spelling) for spelling in sorted({word, word.lower(), word.upper()})]
    )


def _identified_by_any(word: str) -> Truth:
    return or_(false(), *_identified(KINDS, word))


def _scan(connection: Connection, where: Truth, reads_rows: bool, ids: array[int], found: Tell) -> None:
    """Add whoever else a clause holds for, by name; by row where it `reads_rows`, that is looks at more than
    the searched columns.

    `found` is told of a few, and of a first page.
    """
    known = frozenset(ids)
    query = (
        select(customers.c.id).where(LIVING, where).execution_options(stream_results=True, yield_per=AT_ONCE)
    )
    scanned = connection.execute(query.order_by(customers.c.id if reads_rows else customers.c.folded_name))
    portions = [FEW, FIRST] if len(ids) < FIRST else []
    while chunk := scanned.fetchmany(portions.pop(0) if (is_told := bool(portions)) else AT_ONCE):
        ids.extend(row[0] for row in chunk if row[0] not in known)
        if is_told:
            found(ids[:])


def alike(connection: Connection, word: str) -> str | None:
    """The last name most like a word that nobody has, of those that begin with the same two letters."""
    typed = spellings(word)[0]
    if len(typed) < LEAST_OF_IDENTITY:
        return None
    names = (
        select(customers.c.folded_name)
        .where(LIVING, _begins(customers.c.folded_name, typed[:2]))
        .limit(MOST_NAMES)
    )
    parts = typed.count(" ") + 1
    known = {
        " ".join(name.partition(BETWEEN)[0].split(" ")[:parts])
        for name in connection.execute(names).scalars()
    }
    best = nearest(typed, known)
    found = (
        select(customers.c.last_name).where(LIVING, _begins(customers.c.folded_name, best)).limit(1)
        if best
        else None
    )
    return None if found is None else connection.execute(found).scalar_one_or_none()


# ---- rows ----

COLUMNS: Final = tuple(
    customers.c[name]
    for name in (
        "id", "key", "first_name", "last_name", "email", "city", "country", "orders", "revenue",
        "last_activity_at", "next_due_at",
    )
)  # fmt: skip


def rows(
    connection: Connection, ids: Sequence[int], since: Instant, now: Instant
) -> Iterator[tuple[Any, ...]]:
    """The `COLUMNS` of customers by row id, and how many contacts each had in (since, now]; in no order."""
    counted = select(messages.c.customer_id, func.count()).where(
        messages.c.customer_id.in_(WANTED), messages.c.lands_at > since, messages.c.lands_at <= now,
        messages.c.counts == 1, messages.c.released_at.is_(None),
    )  # fmt: skip
    contacts = {row[0]: row[1] for row in rows_of(connection, counted.group_by(messages.c.customer_id), ids)}
    for row in rows_of(connection, select(*COLUMNS).where(customers.c.id.in_(WANTED), LIVING), ids):
        yield (*row, contacts.get(row[0], 0))
