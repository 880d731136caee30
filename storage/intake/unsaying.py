"""What an import said of who is who, taken back: identities, what was told together, and the joins."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Table, delete, func, or_, select, tuple_, update

from core.instants import Instant
from core.people import USER, IdentityRules
from storage.intake.people import settle
from storage.schema.consents import listed_consents
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.identities import aliases, identities, identity_decisions, links, merges
from storage.schema.messages import messages
from storage.sql import WANTED, portions, rows_of

Pair = tuple[Any, int]
_LINK: Final = (links.c.strong_id, links.c.other_id)
_ALIAS: Final = (aliases.c.previous, aliases.c.identity_id)


@dataclass(slots=True)
class Unsaid:
    """What went: how many joins were undone, and the customers whose rows may have changed."""

    joins: int
    touched: set[int] = field(default_factory=set)


class Unsaying:
    """One import whose events are gone already. `spans` are their numbers, `names` the identities that they
    named, `since` when they came; `words` say who took them back.
    """

    def __init__(
        self,
        connection: Connection,
        spans: Sequence[tuple[int, int]],
        names: Collection[int],
        since: Instant,
        words: str,
    ) -> None:
        self.connection = connection
        self.spans = spans
        self.names = set(names)
        self.since = since
        self.words = words

    def all(self, rules: IdentityRules, *, at: Instant, wake: bool) -> Unsaid:
        """Forget what nobody else has told, and part whom nothing else joins."""
        concerned = self._customers(self.names)
        gone = self._forget_links(concerned)
        gone |= self._forget_aliases(concerned)
        self._claim_anew()
        untold = self._untold(concerned)
        joined = self._joined(concerned) | self._disputed(untold)
        plain = {number for number, customer in untold.items() if customer not in joined}
        wanted = self._in_question(gone, untold, joined) - plain
        remove_identities(self.connection, plain)
        before, touched = self._undone(), set[int]()
        last = self.connection.execute(select(func.max(merges.c.id))).scalar() or 0
        if wanted:
            found = settle(self.connection, wanted, rules, at=at, wake=wake, unsaid=self.words)
            touched = found.touched
        left = self._beside(untold.keys() - plain)
        remove_identities(self.connection, untold.keys() - plain)
        if left:  # who was called by one of them has another name now
            found = settle(self.connection, left, rules, at=at, wake=wake, unsaid=self.words)
            touched |= found.touched
        self._forget_empty_joins(last)
        self._end_joins(at)
        return Unsaid(self._undone() - before, touched)

    def _beside(self, gone: Collection[int]) -> set[int]:
        """The identities that stand with the same customers."""
        own = identities.c
        query = select(own.id).where(own.customer_id.in_(WANTED))
        return {row[0] for row in rows_of(self.connection, query, self._customers(gone))} - set(gone)

    def _forget_empty_joins(self, last: int) -> None:
        """Joins made by this undoing of a customer of whom nothing is left are no joins of people."""
        columns = merges.c
        query = select(columns.id, columns.customer_id, columns.merged_id, columns.moved)
        for number, survivor, merged, moved in self.connection.execute(query.where(columns.id > last)).all():
            what = orjson.loads(moved)
            through = events.c.identity_id.in_(what["identities"]) & events.c.id.not_in(what["kept"])
            came = select(events.c.id).where(
                events.c.customer_id == survivor, through | events.c.id.in_(what["strayed"])
            )
            is_empty = not any(what[name] for name in ("consents", "enrolments", "messages", "decisions"))
            if is_empty and self.connection.execute(came.limit(1)).first() is None:
                self.connection.execute(delete(merges).where(columns.id == number))
                gone = (customers.c.id == merged) & customers.c.merged_into.is_not(None)
                self.connection.execute(delete(customers).where(gone))

    def _end_joins(self, at: Instant) -> None:
        """Joins of which one side came with the import, and is gone with it, are none any more."""
        columns, own = merges.c, identities.c
        query = select(columns.id, columns.customer_id, columns.moved).where(
            columns.undone_at.is_(None), columns.at >= self.since
        )
        for number, survivor, moved in self.connection.execute(query).all():
            went = set(orjson.loads(moved)["identities"])
            there = select(own.id, own.customer_id).where(own.id.in_(WANTED))
            left = {row[1] for row in rows_of(self.connection, there, went)}
            stayed = select(own.id).where(own.customer_id == survivor, own.id.not_in(went)).limit(1)
            is_alone = survivor in left and self.connection.execute(stayed).first() is None
            if went and (not left or is_alone):
                ended = {"undone_at": at, "undone_cause": self.words}
                self.connection.execute(update(merges).where(columns.id == number).values(ended))

    # ---- what was told together ----

    def _forget_links(self, concerned: Collection[int]) -> set[tuple[int, int]]:
        """Gives the pairs that nobody tells any more."""
        brought = self._brought(links, _LINK)
        if not brought:
            return set()
        ends = {end for pair in brought for end in pair}
        left: dict[Pair, int] = {}
        places = {*concerned, *self._customers(ends), *self._claimants(ends)}
        for number, through, others in self._told(places):
            for other in orjson.loads(others):
                left.setdefault((through, other), number)
        return self._keep_only(links, _LINK, brought, left)

    def _forget_aliases(self, concerned: Collection[int]) -> set[tuple[int, int]]:
        """Gives the identities of those that nobody tells any more, each as a pair with its former ones."""
        brought = self._brought(aliases, _ALIAS)
        if not brought:
            return set()
        columns, left = events.c, dict[Pair, int]()
        places = {*concerned, *self._customers({number for _, number in brought})}
        query = select(columns.id, columns.identity_id, columns.properties).where(
            columns.customer_id.in_(WANTED), columns.kind == "alias"
        )
        for number, identity, text in sorted(rows_of(self.connection, query, places)):
            former = str(orjson.loads(text).get("previousId")).strip().lower()
            for previous, of in brought:
                if of == identity and previous.partition(":")[2].lower() == former:
                    left.setdefault((previous, of), number)
        gone = self._keep_only(aliases, _ALIAS, brought, left)
        return {(number, other) for previous, number in gone for other in self._named(previous)}

    def _named(self, previous: str) -> set[int]:
        kind, _, value = previous.partition(":")
        query = select(identities.c.id).where(identities.c.kind == kind, identities.c.value == value)
        return set(self.connection.execute(query).scalars())

    def _brought(self, table: Table, pair: Sequence[Any]) -> list[Pair]:
        found: list[Pair] = []
        for first, last in self.spans:
            within = table.c.first_event.between(first, last)
            found += [(one, two) for one, two in self.connection.execute(select(*pair).where(within))]
        return found

    def _keep_only(
        self, table: Table, pair: Sequence[Any], brought: Iterable[Pair], left: dict[Pair, int]
    ) -> set[Any]:
        """Of what the import brought only what others tell too stays, as theirs; gives the rest."""
        gone = {each for each in brought if each not in left}
        for part in portions(sorted(gone)):
            self.connection.execute(delete(table).where(tuple_(*pair).in_(part)))
        for each in set(brought) - gone:
            same = (pair[0] == each[0], pair[1] == each[1])
            self.connection.execute(update(table).where(*same).values(first_event=left[each]))
        return gone

    def _told(self, places: Collection[int]) -> list[Any]:
        """Events that name several identities, by number: their number, the strongest and the others."""
        columns = events.c
        query = select(columns.id, columns.identity_id, columns.others).where(
            columns.customer_id.in_(WANTED), columns.others.is_not(None)
        )
        return sorted(rows_of(self.connection, query, places))

    # ---- identities ----

    def _customers(self, names: Collection[int]) -> set[int]:
        query = select(identities.c.customer_id).where(identities.c.id.in_(WANTED))
        return {row[0] for row in rows_of(self.connection, query, names)}

    def _claimants(self, names: Collection[int]) -> set[int]:
        """The customers of all who were told with these where it is disputed whose they are."""
        contested = select(identities.c.id).where(identities.c.id.in_(WANTED), identities.c.contested == 1)
        disputed = [row[0] for row in rows_of(self.connection, contested, names)]
        query = (
            select(identities.c.customer_id)
            .join(links, links.c.strong_id == identities.c.id)
            .where(links.c.other_id.in_(WANTED))
        )
        return {row[0] for row in rows_of(self.connection, query, disputed)}

    def _untold(self, concerned: Collection[int]) -> dict[int, int]:
        """The identities that came with the import and of which nothing that is left tells, with their
        customers.
        """
        own = identities.c
        query = select(own.id, own.customer_id).where(own.id.in_(WANTED), own.first_seen_at >= self.since)
        found = dict(rows_of(self.connection, query, self.names))
        for number in self._named_by_the_log(found):
            found.pop(number)
        columns = events.c
        told = select(columns.identity_id).where(columns.customer_id.in_(WANTED)).distinct()
        for (number,) in rows_of(self.connection, told, concerned):
            found.pop(number, None)
        for column, condition in (
            (links.c.strong_id, None), (links.c.other_id, None), (aliases.c.identity_id, None),
            (identity_decisions.c.first_id, identity_decisions.c.verdict != "kept"),
            (identity_decisions.c.second_id, identity_decisions.c.verdict != "kept"),
        ):  # fmt: skip
            named = select(column).where(column.in_(WANTED)).distinct()
            if condition is not None:
                named = named.where(condition)
            for (number,) in rows_of(self.connection, named, list(found)):
                found.pop(number, None)
        return found

    def _named_by_the_log(self, found: Mapping[int, int]) -> list[int]:
        """The user ids of customers whom decisions, messages or journeys name: they stay, and keep it."""
        kept: set[int] = set()
        for column in (decisions.c.customer_id, messages.c.customer_id, enrolments.c.customer_id):
            query = select(column).where(column.in_(WANTED)).distinct()
            kept |= {row[0] for row in rows_of(self.connection, query, set(found.values()))}
        query = select(identities.c.id).where(identities.c.id.in_(WANTED), identities.c.kind == USER)
        held = [number for number, customer in found.items() if customer in kept]
        return [row[0] for row in rows_of(self.connection, query, held)]

    def _claim_anew(self) -> None:
        """Who said last what many share, of those who are left."""
        own = identities.c
        query = select(own.id).where(own.id.in_(WANTED), own.said_by.is_not(None))
        for (number,) in rows_of(self.connection, query, self.names):
            claims = [
                (at, user)
                for at, user in self.connection.execute(
                    select(func.max(events.c.occurred_at), events.c.identity_id)
                    .join(identities, identities.c.customer_id == events.c.customer_id)
                    .join(links, (links.c.strong_id == own.id) & (links.c.other_id == number))
                    .where(
                        own.kind == USER, events.c.identity_id == own.id,
                        or_(*(events.c.others.like(form) for form in _holding(number))),
                    )
                    .group_by(events.c.identity_id)
                ).all()
            ]  # fmt: skip
            said_at, said_by = max(claims, default=(None, None))
            values = {"said_at": said_at, "said_by": said_by}
            self.connection.execute(update(identities).where(own.id == number).values(values))

    # ---- joins ----

    def _joined(self, concerned: Collection[int]) -> set[int]:
        """Those of the customers into whom somebody went since."""
        query = select(merges.c.customer_id).where(
            merges.c.customer_id.in_(WANTED), merges.c.undone_at.is_(None), merges.c.at >= self.since
        )
        return {row[0] for row in rows_of(self.connection, query, concerned)}

    def _disputed(self, untold: Mapping[int, int]) -> set[int]:
        """Those of the customers of untold identities who hold what others say too, and lose it."""
        own = identities.c
        query = select(own.id, own.customer_id).where(own.customer_id.in_(WANTED), own.contested == 1)
        held = rows_of(self.connection, query, set(untold.values()))
        return {customer for number, customer in held if number not in untold}

    def _in_question(
        self, gone: Collection[tuple[int, int]], untold: Collection[int], joined: Collection[int]
    ) -> set[int]:
        """The identities with which it has to be asked anew who is who."""
        wanted = {end for one, two in gone for end in (one, two) if one in untold or two not in untold}
        own = identities.c
        query = select(own.id, own.customer_id, own.contested).where(own.id.in_(WANTED))
        for number, customer, contested in rows_of(self.connection, query, self.names):
            if contested or customer in joined:
                wanted.add(number)
            if contested:  # who lost it has it again
                wanted |= {one for one, two in gone if two == number}
        return wanted

    def _undone(self) -> int:
        query = select(func.count()).select_from(merges).where(merges.c.undone_at.is_not(None))
        return int(self.connection.execute(query).scalar_one())


def _holding(number: int) -> Sequence[str]:
    """The forms of a JSON list of numbers that has this one in it."""
    return f"[{number}]", f"[{number},%", f"%,{number}]", f"%,{number},%"


def remove_identities(connection: Connection, gone: Collection[int]) -> None:
    """Remove identities with all that was said of them: links, aliases, lists and decisions."""
    for part in portions(sorted(gone)):
        for column in (
            links.c.strong_id, links.c.other_id, aliases.c.identity_id, identity_decisions.c.first_id,
            identity_decisions.c.second_id, listed_consents.c.identity_id,
        ):  # fmt: skip
            connection.execute(delete(column.table).where(column.in_(part)))
        connection.execute(delete(identities).where(identities.c.id.in_(part)))
