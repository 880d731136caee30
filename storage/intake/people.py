"""Who is who in the database: customers are brought in line with all that was said of their identities.

`core.people` says which identities are one person. Here the sayings are read, and what differs is merged,
parted and moved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Select, insert, select, tuple_, update

from core.instants import Instant
from core.model.customer import Profile
from core.people import (
    ADDRESSES,
    DEVICES,
    USER,
    Claim,
    Identity,
    IdentityRules,
    Person,
    Sayings,
    resolve,
    strength,
)
from core.sources.segment import Incoming
from storage.intake.identities import chunks, key_for, lose_addresses, merge, send_events, unmerge
from storage.intake.imports import free_ids
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.identities import aliases, identities, identity_decisions, links, merges
from storage.schema.profiles import new_row
from storage.sql import WANTED, rows_of

_OF_ALIASES: Final = (USER, "anonymous", "email")
"""Kinds of which the former id of an alias call may be."""


@dataclass(slots=True)
class _Known:
    """An identity as its row says it."""

    id: int
    identity: Identity
    customer: int
    contested: bool
    said_at: Instant | None
    said_by: int | None


@dataclass(slots=True)
class Settled:
    """What became of the identities that were looked at."""

    owners: dict[Identity, tuple[int, int]] = field(default_factory=dict)  # -> identity id, customer id
    held: dict[Identity, list[tuple[Instant, int]]] = field(default_factory=dict)
    """Of contested identities the customers that held them, and since when."""
    contested: set[Identity] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    """Customers whose rows may have changed."""


def settle(
    connection: Connection,
    wanted: Collection[int],
    rules: IdentityRules,
    *,
    at: Instant,
    wake: bool,
    arriving: Sequence[Incoming] = (),
    unsaid: str | None = None,
) -> Settled:
    """Bring the customers of these identities, and of all that hang together with them, in line with what was
    said. `arriving` are events that are about to be written; `unsaid` are the words for what took back
    something that had been said, so that joins of which nothing is left are undone, with that cause.
    """
    return _Settling(connection, rules, at, wake, arriving, unsaid).settle(wanted)


class _Settling:
    def __init__(
        self,
        connection: Connection,
        rules: IdentityRules,
        at: Instant,
        wake: bool,
        arriving: Sequence[Incoming],
        unsaid: str | None,
    ) -> None:
        self.connection = connection
        self.rules = rules
        self.at = at
        self.wake = wake
        self.arriving = arriving
        self.unsaid = unsaid
        self.known: dict[int, _Known] = {}
        self.by_identity: dict[Identity, _Known] = {}
        self.links: set[tuple[int, int]] = set()
        self.verdicts: dict[tuple[int, int], str] = {}
        self.alias_rows: set[tuple[str, int]] = set()
        self.shared: set[int] = set()
        self.newly_shared: set[int] = set()
        self.elsewhere: dict[Identity, tuple[int, int]] = {}
        """User ids that are not looked at, with identity and customer: who said last what many share."""
        self.claims: dict[Identity, set[Claim]] = {}
        self.moved: set[int] = set()
        self.homes: dict[Person, int] = {}
        self.result = Settled()

    def settle(self, wanted: Collection[int]) -> Settled:
        self.gather(wanted)
        sayings = self.sayings()
        self.add_claims(sayings)
        self.claims = sayings.claims
        self.people = resolve(sayings, self.rules)
        self.undo_joins_through_shared()
        self.undo_waiting()
        self.part_users()
        self.merge_people()
        self.move_identities()
        self.move_events()
        self.note()
        self.result.touched |= {known.customer for known in self.known.values()}
        self.result.owners = {known.identity: (known.id, known.customer) for known in self.known.values()}
        return self.result

    # ---- reading ----

    def gather(self, wanted: Collection[int]) -> None:
        """All that hangs together with these identities, through what is not shared by too many."""
        fresh = set(wanted)
        seen: set[int] = set()
        while fresh:
            rows = self.load(fresh)
            seen |= fresh
            found = {known.customer for known in rows}
            fellows = self.column(select(identities.c.id).where(identities.c.customer_id.in_(WANTED)), found)
            fresh = (self.linked(rows) | self.decided(rows) | self.aliased(rows) | set(fellows)) - seen

    def load(self, ids: Collection[int]) -> list[_Known]:
        columns = identities.c
        query = select(
            columns.id, columns.kind, columns.value, columns.customer_id, columns.contested, columns.said_at,
            columns.said_by,
        ).where(columns.id.in_(WANTED))  # fmt: skip
        found = [
            _Known(number, (kind, value), customer, bool(contested), said_at, said_by)
            for number, kind, value, customer, contested, said_at, said_by in rows_of(
                self.connection, query, ids
            )
        ]
        for known in found:
            self.known[known.id] = self.by_identity[known.identity] = known
        return found

    def column(self, query: Select[Any], ids: Iterable[int]) -> list[int]:
        return [row[0] for row in rows_of(self.connection, query, ids)]

    def linked(self, rows: Sequence[_Known]) -> set[int]:
        ids = {known.id for known in rows}
        strong = self.pairs(links.c.strong_id, ids)
        other = self.pairs(links.c.other_id, ids)
        self.links |= strong | other
        shared, news = self.shared_by_many(other)
        self.shared |= shared
        self.newly_shared |= news
        return {two for _, two in strong} | {one for one, two in other if two not in shared - news}

    def pairs(self, column: Any, ids: Collection[int]) -> set[tuple[int, int]]:
        query = select(links.c.strong_id, links.c.other_id).where(column.in_(WANTED))
        return {(one, two) for one, two in rows_of(self.connection, query, ids)}

    def shared_by_many(self, pairs: Collection[tuple[int, int]]) -> tuple[set[int], set[int]]:
        """Identities that more user ids were told with than may share one, devices also those that were told
        with more mail addresses of people without one; and those of them that turn out to be shared now, so
        that what was done under them lies with those who held them.
        """
        kinds = self.kinds({one for one, _ in pairs})
        people: dict[tuple[int, str], set[int]] = defaultdict(set)
        for one, other in pairs:
            kind = kinds.get(one, "")  # what came with an import that was taken back is gone
            if kind == USER or (kind == "email" and self.known[other].identity[0] in DEVICES):
                people[other, kind].add(one)
        shared = {pair for pair, found in people.items() if len(found) > self.rules.max_people}
        news = {other for other, kind in shared if self.is_news(self.known[other], kind)}
        return {other for other, _ in shared}, news

    def is_news(self, known: _Known, kind: str) -> bool:
        """Whether it was not noted yet that too many of a kind share an identity."""
        return not known.contested or (kind == USER and known.said_by is None)

    def kinds(self, ids: Collection[int]) -> dict[int, str]:
        query = select(identities.c.id, identities.c.kind).where(identities.c.id.in_(WANTED))
        return dict(rows_of(self.connection, query, ids)) if ids else {}

    def decided(self, rows: Sequence[_Known]) -> set[int]:
        columns, ids = identity_decisions.c, [known.id for known in rows]
        for side in (columns.first_id, columns.second_id):
            query = select(columns.first_id, columns.second_id, columns.verdict).where(side.in_(WANTED))
            for one, two, verdict in rows_of(self.connection, query, ids):
                self.verdicts[one, two] = verdict
        return {each for pair, verdict in self.verdicts.items() if verdict != "part" for each in pair}

    def aliased(self, rows: Sequence[_Known]) -> set[int]:
        columns = aliases.c
        if self.connection.execute(select(columns.identity_id).limit(1)).first() is None:
            return set()
        ids = [known.id for known in rows]
        told = select(columns.previous, columns.identity_id)
        said = set(rows_of(self.connection, told.where(columns.identity_id.in_(WANTED)), ids))
        values = sorted({":".join(known.identity) for known in rows if known.identity[0] in _OF_ALIASES})
        for part in chunks(values):
            found_here = self.connection.execute(told.where(columns.previous.in_(part)))
            said |= {(previous, number) for previous, number in found_here}
        self.alias_rows |= said
        found = {number for _, number in said}
        for named in chunks(sorted({_identity(previous) for previous, _ in said})):
            pairs = tuple_(identities.c.kind, identities.c.value).in_(named)
            found |= set(self.connection.execute(select(identities.c.id).where(pairs)).scalars())
        return found

    # ---- what was said ----

    def sayings(self) -> Sayings:
        name = {number: known.identity for number, known in self.known.items()}
        return Sayings(
            links={(name[one], name[two]) for one, two in self.links if one in name and two in name},
            aliases=set(self.alias_pairs()),
            joined={
                self.named(pair)
                for pair, verdict in self.verdicts.items()
                if verdict != "part" and pair[0] in name and pair[1] in name
            },
            parted={
                self.named(pair)
                for pair, verdict in self.verdicts.items()
                if verdict == "part" and pair[0] in name and pair[1] in name
            },
            shared={name[each] for each in self.shared if each in name},
            alone=set(self.by_identity),
        )

    def named(self, pair: tuple[int, int]) -> tuple[Identity, Identity]:
        return self.known[pair[0]].identity, self.known[pair[1]].identity

    def alias_pairs(self) -> Iterable[tuple[Identity, Identity]]:
        for previous, number in self.alias_rows:
            former, known = _identity(previous), self.known.get(number)
            if known is not None and former in self.by_identity and former != known.identity:
                yield known.identity, former

    def add_claims(self, sayings: Sayings) -> None:
        """When each user id said what several of them say, and which mail addresses it has said."""
        contested = {
            identity
            for identity, users in sayings.claimants().items()
            if len(users) > 1 or identity in sayings.shared
        }
        if not contested:
            return
        sayings.claims = {identity: set() for identity in contested}
        users = set(chain.from_iterable(sayings.claimants()[identity] for identity in contested))
        sayings.addresses = {user: set() for user in users}
        for at, said in chain(self.written(users), self.about_to_be_written()):
            user = said[0]
            if user not in users:
                continue
            for other in said[1:]:
                if other in contested:
                    sayings.claims[other].add(Claim(at, user))
                if other[0] == "email":
                    sayings.addresses[user].add((at, other))
        for identity in sayings.shared & contested:
            self.add_last_claim(identity, sayings)

    def written(self, users: Collection[Identity]) -> Iterable[tuple[Instant, tuple[Identity, ...]]]:
        ids = {self.by_identity[user].customer for user in users}
        query = select(events.c.occurred_at, events.c.identity_id, events.c.others).where(
            events.c.customer_id.in_(WANTED), events.c.others.is_not(None)
        )
        for at, through, others in rows_of(self.connection, query, ids):
            said = [
                self.known[each].identity for each in (through, *orjson.loads(others)) if each in self.known
            ]
            if len(said) > 1:
                yield at, tuple(sorted(said, key=strength))

    def about_to_be_written(self) -> Iterable[tuple[Instant, tuple[Identity, ...]]]:
        return (
            (each.occurred_at, tuple(sorted(each.identities, key=strength)))
            for each in self.arriving
            if len(each.identities) > 1
        )

    def add_last_claim(self, identity: Identity, sayings: Sayings) -> None:
        """Of what too many share only the last claim counts, of which its row has kept the latest."""
        known = self.by_identity[identity]
        if known.said_at is None or known.said_by is None:
            return
        columns = identities.c
        row = self.connection.execute(
            select(columns.kind, columns.value, columns.customer_id).where(columns.id == known.said_by)
        ).one_or_none()
        if row is None:
            return
        user = (row.kind, row.value)
        self.elsewhere.setdefault(user, (known.said_by, row.customer_id))
        sayings.claims[identity].add(Claim(known.said_at, user))

    # ---- writing ----

    def undo_joins_through_shared(self) -> None:
        """What was joined through an identity that turns out to be shared is parted again."""
        for number in sorted(self.shared & self.known.keys()):
            known = self.known[number]
            if not known.contested or known.said_by is None:
                self.undo_where(merges.c.cause == ":".join(known.identity), ":".join(known.identity))

    def undo_waiting(self) -> None:
        """Merges that the engine has not played yet are taken back where one of them brought in what belongs
        to several people by now: those who are one are merged anew, and the engine plays what is left.
        """
        waiting = self.waiting()
        query = select(merges.c.id, merges.c.moved).where(
            merges.c.id.in_(WANTED), merges.c.undone_at.is_(None)
        )
        moved = {number: orjson.loads(text) for number, text in rows_of(self.connection, query, waiting)}
        wrong = [people for each in moved.values() if len(people := self.sure_people(each["identities"])) > 1]
        for number in sorted(moved, reverse=True) if wrong else ():
            self.undo(number, self.unsaid or self.cause_of_parting(set().union(*wrong)))

    def waiting(self) -> set[int]:
        """The merges that the engine has not played yet."""
        query = select(customers.c.joins).where(customers.c.id.in_(WANTED), customers.c.joins.is_not(None))
        places = {known.customer for known in self.known.values()}
        rows = rows_of(self.connection, query, places)
        return {join[0] for (waiting,) in rows for join in orjson.loads(waiting)}

    def sure_people(self, ids: Collection[int]) -> set[Person]:
        """Whose those of these identities are that nobody disputes."""
        known = [self.known[each] for each in ids if each in self.known]
        return {self.person(each) for each in known if self.is_sure(each)}

    def undo_where(self, condition: Any, cause: str) -> None:
        living = [known.customer for known in self.known.values()]
        query = select(merges.c.id).where(
            condition, merges.c.undone_at.is_(None), merges.c.customer_id.in_(WANTED)
        )
        for number in sorted(self.column(query, living), reverse=True):
            self.undo(number, cause)

    def undo(self, merge_id: int, cause: str) -> None:
        parted = unmerge(self.connection, merge_id, at=self.at, wake=self.wake, cause=cause)
        self.result.touched.add(parted)
        self.reload()

    def reload(self) -> None:
        """Whose the identities are after a merge or its undoing."""
        query = select(identities.c.id, identities.c.customer_id).where(identities.c.id.in_(WANTED))
        for number, customer in rows_of(self.connection, query, self.known):
            self.result.touched.add(self.known[number].customer)
            self.known[number].customer = customer

    def part_users(self) -> None:
        """Customers that hold user ids of two people are parted by undoing what joined them."""
        while mixed := self.mixed():
            if not any(self.undo_one(customer) for customer in mixed):
                for customer in mixed:
                    self.split_off(customer)
                return

    def split_off(self, customer: int) -> None:
        """Part people who are one customer without a record of what joined them."""
        users = sorted(
            (
                known
                for known in self.known.values()
                if known.customer == customer and known.identity[0] == USER
            ),
            key=lambda known: known.id,
        )
        homes = {self.person(known): customer for known in users[:1]}
        for known in users:
            person = self.person(known)
            if person not in homes:
                homes[person] = self.new_customer()
            if homes[person] != customer:
                acts = [number for number, _, owner in self.acts(known) if owner == customer]
                self.move(known, homes[person])
                due = self.at if self.wake else None
                self.result.touched |= send_events(self.connection, acts, customer, homes[person], due)

    def mixed(self) -> list[int]:
        people: dict[int, set[Person]] = defaultdict(set)
        for known in self.known.values():
            if self.speaks_for_a_person(known):
                people[known.customer].add(self.person(known))
        return sorted(customer for customer, found in people.items() if len(found) > 1)

    def speaks_for_a_person(self, known: _Known) -> bool:
        """Whether customers are parted for its sake: a user id; where something was taken back, all that
        nobody disputes.
        """
        if known.identity[0] == USER:
            return True
        return self.unsaid is not None and self.is_sure(known)

    def is_sure(self, known: _Known) -> bool:
        """Whether nobody disputes whose an identity is."""
        return known.id not in self.shared and known.identity not in self.people.holders

    def person(self, known: _Known) -> Person:
        return self.people.person_of.get(known.identity, known.identity)

    def undo_one(self, customer: int) -> bool:
        """Undo the latest merge into the customer that brought in somebody else."""
        query = (
            select(merges.c.id, merges.c.moved)
            .where(merges.c.customer_id == customer, merges.c.undone_at.is_(None))
            .order_by(merges.c.id.desc())
        )
        for number, moved in self.connection.execute(query).all():
            went = {
                self.person(self.known[each])
                for each in orjson.loads(moved)["identities"]
                if each in self.known and self.speaks_for_a_person(self.known[each])
            }
            stayed = {
                self.person(known)
                for known in self.known.values()
                if known.customer == customer
                and self.speaks_for_a_person(known)
                and known.id not in set(orjson.loads(moved)["identities"])
            }
            if self.are_apart(went, stayed):
                self.undo(number, self.unsaid or self.cause_of_parting(went | stayed))
                return True
        return False

    def are_apart(self, went: Collection[Person], stayed: Collection[Person]) -> bool:
        """Whether the two sides of a merge are not one person any more."""
        if self.unsaid is not None:
            return bool(went and stayed) and set(went).isdisjoint(stayed)
        return bool(went) and (len(went) > 1 or went != stayed)

    def cause_of_parting(self, people: Collection[Person]) -> str:
        """What two people dispute; where nothing is known, the rules themselves."""
        for identity, held in sorted(self.people.holders.items()):
            if len({person for _, person in held} & set(people)) > 1:
                return ":".join(identity)
        return "rules"

    def merge_people(self) -> None:
        """Let all customers of one person be one."""
        for person, theirs in sorted(self.customers_of_people().items()):
            survivor = self.survivor(person, theirs)
            for other in sorted(theirs - {survivor}):
                merge(
                    self.connection, survivor, other, cause=self.cause(survivor, other), at=self.at,
                    wake=self.wake,
                )  # fmt: skip
                self.result.touched |= {survivor, other}
            if len(theirs) > 1:
                self.reload()

    def customers_of_people(self) -> dict[Person, set[int]]:
        """The customers that each person has: by user ids, or, where a customer has none, by the strongest
        identity.
        """
        held: dict[int, list[_Known]] = defaultdict(list)
        for known in self.known.values():
            held[known.customer].append(known)
        found: dict[Person, set[int]] = defaultdict(set)
        for customer, theirs in held.items():
            first = min(theirs, key=lambda known: (strength(known.identity), known.identity))
            found[self.person(first)].add(customer)
        return found

    def survivor(self, person: Person, theirs: Collection[int]) -> int:
        named = self.by_identity.get(self.people.keys[person])
        if named is not None and named.customer in theirs:
            return named.customer
        return min(theirs)

    def cause(self, survivor: int, other: int) -> str:
        """Why a customer goes into another one."""
        mine = {known.identity for known in self.known.values() if known.customer == other}
        for one, two, cause in self.people.causes:
            if (one in mine) != (two in mine):
                return cause
        for new, old in sorted(self.alias_pairs()):
            if (new in mine) != (old in mine):
                return "alias"
        named = {known.id for known in self.known.values() if known.customer in (survivor, other)}
        met = sorted(
            self.known[each].identity
            for pair in self.links
            if pair[0] in named and pair[1] in named
            for each in pair
            if self.known[each].identity in mine and self.known[each].identity[0] != USER
        )
        return ":".join(met[0] if met else min(mine))

    def move_identities(self) -> None:
        """What belongs to another customer than it stands with goes there."""
        homes = {person: min(theirs) for person, theirs in self.customers_of_people().items()}
        for known in sorted(self.known.values(), key=lambda each: each.identity):
            home = self.home(known, homes)
            if home != known.customer:
                self.moved.add(known.id)
                self.move(known, home)
        self.homes = homes

    def move(self, known: _Known, home: int) -> None:
        self.result.touched |= {home, known.customer}
        known.customer = home
        self.connection.execute(
            update(identities).where(identities.c.id == known.id).values(customer_id=home)
        )

    def home(self, known: _Known, homes: dict[Person, int]) -> int:
        """The customer of an identity; one that is shared and has no acts of its own stands with who said it
        last.
        """
        person = self.person(known)
        if known.id in self.shared and person not in homes and not self.has_acts(known):
            last = self.last_claimant(known)
            return self.first_told_with(known) if last is None else last
        if person not in homes:
            left = self.left_behind(person)
            homes[person] = self.new_customer() if left is None else left
        return homes[person]

    def left_behind(self, person: Person) -> int | None:
        """The customer of that name to whom the undoing of a merge gave everything back but the identity,
        which somebody else had come to hold.
        """
        theirs = select(identities.c.id).where(identities.c.customer_id == customers.c.id)
        named = customers.c.key == key_for(self.people.keys[person])
        query = select(customers.c.id).where(named, customers.c.merged_into.is_(None), ~theirs.exists())
        return self.connection.execute(query).scalar()

    def has_acts(self, known: _Known) -> bool:
        if any(each.identities and each.identities[0] == known.identity for each in self.arriving):
            return True
        return bool(self.acts(known))

    def last_claimant(self, known: _Known) -> int | None:
        claim = max(self.claims.get(known.identity, ()), default=None)
        return None if claim is None else self.place(claim.user)[1]

    def first_told_with(self, known: _Known) -> int:
        """The customer of the first mail address, by its letters, with which a shared device was told."""
        query = (
            select(identities.c.customer_id)
            .join(links, links.c.strong_id == identities.c.id)
            .where(links.c.other_id == known.id)
            .order_by(identities.c.value)
        )
        return int(self.connection.execute(query.limit(1)).scalar_one())

    def place(self, user: Identity) -> tuple[int, int]:
        """Identity id and customer of a user id."""
        known = self.by_identity.get(user)
        return self.elsewhere[user] if known is None else (known.id, known.customer)

    def new_customer(self) -> int:
        number = free_ids(self.connection)[1]
        row = new_row(number, f"merged:new:{number}", Profile(), None, self.at if self.wake else None)
        self.connection.execute(insert(customers).values(dict(zip(customers.c.keys(), row))))
        return number

    def acts(self, known: _Known) -> list[tuple[int, Instant, int]]:
        """The events that came through an identity, of the customers that are looked at."""
        query = select(events.c.id, events.c.occurred_at, events.c.customer_id).where(
            events.c.customer_id.in_(WANTED), events.c.identity_id == known.id
        )
        places = {each.customer for each in self.known.values()} | self.result.touched
        return [(number, at, customer) for number, at, customer in rows_of(self.connection, query, places)]

    def move_events(self) -> None:
        """Events go to who held, at their instant, the identity through which they came."""
        moving: dict[tuple[int, int], list[int]] = defaultdict(list)
        for known in self.known.values():
            held = self.held(known)
            if held:
                self.result.held[known.identity] = held
            is_free = known.contested and not held and known.id not in self.shared
            is_moving = known.id in self.moved | self.newly_shared
            if known.identity[0] != USER and (held or is_moving or is_free):
                for number, at, customer in self.acts(known):
                    target = holder(held, at) if held else known.customer
                    if target != customer:
                        moving[customer, target].append(number)
        for (source, target), numbers in sorted(moving.items()):
            due = self.at if self.wake else None
            self.result.touched |= send_events(self.connection, numbers, source, target, due)

    def held(self, known: _Known) -> list[tuple[Instant, int]]:
        found = self.people.holders.get(known.identity, ())
        return [(at, self.homes[person]) for at, person in found if person in self.homes]

    def note(self) -> None:
        """Which identities are contested, how the customers are called, and to which addresses they are not
        written.
        """
        self.note_contested()
        self.note_keys()
        self.note_lost()

    def note_contested(self) -> None:
        for known in self.known.values():
            is_shared = known.id in self.shared
            is_contested = is_shared or known.identity in self.people.holders
            if is_contested:
                self.result.contested.add(known.identity)
            before = (known.contested, known.said_at, known.said_by)
            now: tuple[bool, Instant | None, int | None] = (is_contested, *before[1:])
            claim = max(self.claims.get(known.identity, ()), default=None)
            if is_shared and claim is not None:
                now = (True, claim.at, self.place(claim.user)[0])
            if now != before:
                values = dict(zip(("contested", "said_at", "said_by"), (int(now[0]), *now[1:])))
                self.connection.execute(update(identities).where(identities.c.id == known.id).values(values))

    def note_keys(self) -> None:
        wanted = {
            customer: key_for(self.people.keys[person])
            for person, theirs in self.customers_of_people().items()
            for customer in theirs
        }
        query = select(customers.c.id, customers.c.key).where(customers.c.id.in_(WANTED))
        renamed = {
            number: wanted[number]
            for number, key in rows_of(self.connection, query, wanted)
            if key != wanted[number]
        }
        for names in ({number: f"merged:new:{number}" for number in renamed}, renamed):
            for number, key in names.items():
                self.connection.execute(update(customers).where(customers.c.id == number).values(key=key))

    def note_lost(self) -> None:
        """An address belongs to who said it last: the others are not written to there."""
        lost: dict[int, set[str]] = {
            customer: set() for theirs in self.customers_of_people().values() for customer in theirs
        }
        for known in self.known.values():
            claims = self.claims.get(known.identity, ())
            if known.identity[0] in ADDRESSES and claims:
                last = self.place(max(claims).user)[1]
                for customer in {self.place(claim.user)[1] for claim in claims} - {last}:
                    lost.setdefault(customer, set()).add(known.identity[1])
        for customer, addresses in sorted(lost.items()):
            if lose_addresses(self.connection, customer, addresses, self.at if self.wake else None):
                self.result.touched.add(customer)


def holder(held: Sequence[tuple[Instant, int]], at: Instant) -> int:
    """The customer that held an identity at an instant."""
    return next((customer for since, customer in reversed(held) if since <= at), held[0][1])


def _identity(text: str) -> Identity:
    kind, _, value = text.partition(":")
    return kind, value
