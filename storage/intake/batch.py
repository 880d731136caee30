"""Events on their way in: known ones left out, identities resolved, profiles folded, rows written in bulk.

All of a batch happens within the caller's one transaction. A `Memory` carries what was read over to the next
batch of the same import; it forgets by itself when any other connection has written, or when the last batch
did not come to stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from core.errors import ManometerError
from core.instants import Instant
from core.model.bounces import USUAL_LIMIT, BounceLimit
from core.model.customer import Profile
from core.model.events import FIRST
from core.model.orders import telling
from core.model.reasons import Reason
from core.people import USER, Identity, IdentityRules, is_stronger, strength
from core.sources.consent_lists import ListedState
from core.sources.feedback import Unread
from core.sources.segment import ORDER_NAMES, ConsentRecord, Incoming
from storage.intake import feedback as reports
from storage.intake.identities import chunks, key_for
from storage.intake.imports import free_ids
from storage.intake.listed_consents import ListedLine, Place, dump_listed, ledger_rows
from storage.intake.orders import PERSONAL, OrderBook, settle_customers
from storage.intake.people import Settled, holder, settle
from storage.intake.refolding import refold_all
from storage.intake.retelling import with_corrections
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.identities import aliases, identities, links
from storage.schema.intake import arrivals, future_events
from storage.schema.profiles import (
    AGGREGATES,
    READ_COLUMNS,
    aggregate_values,
    dump_profile,
    new_row,
    profile_from,
    trait_columns,
)
from storage.sql import WANTED, rows_of

Concerns = Callable[[str, str], bool]
"""Whether an event of this kind and name is one that some trigger or exit names."""

_GIVING_WAY: Final = select(enrolments.c.customer_id).where(
    enrolments.c.customer_id.in_(WANTED),
    literal_column("state")
    == literal_column("'open'"),  # word for word as in the partial index, or SQLite will not use it
    enrolments.c.waits_for == str(Reason.LOWER_PRIORITY),
)
_USUAL_RULES: Final = IdentityRules()
_OF_DEVICES: Final = ("anonymous:", "push:")
"""How the keys of customers begin of whom nothing but a device may be known."""
_MOST_CUSTOMERS: Final = 5_000
_MOST_IDENTITIES: Final = 40_000
USUAL_LOG: Final = 1_000
BULK_LOG: Final = 16_000
"""Pages of 4 KiB: SQLite's own measure, and as much as the log's file is kept at (`journal_size_limit`)."""


class UnreadableCustomerError(ManometerError):
    """The row of a customer cannot be read, so that nothing can be added to it."""

    def __init__(self, customer: int, key: str) -> None:
        super().__init__(f"The customer {key} cannot be read; `manometer quarantine` says why.")
        self.customer = customer
        self.key = key


class BatchResult(NamedTuple):
    """What became of a batch; `fresh` says it for each of its events, in order."""

    taken: int
    duplicate: int
    fresh: tuple[bool, ...]
    unread: Mapping[Unread, int]
    """What its new lines say and nobody understood."""
    told: Sequence[Incoming]
    """The batch as it was taken, with what corrects orders."""


class _Customer:
    """A customer this batch touches, with what has to be written of it."""

    __slots__ = (
        "due", "gives_way", "has_traits", "has_user", "id", "is_new", "is_touched", "key", "new_due",
        "new_key", "profile", "settled",
        "settles",
    )  # fmt: skip

    def __init__(
        self,
        customer: int,
        key: str,
        profile: Profile,
        settled: str | None,
        due: Instant | None,
        *,
        has_user: bool,
        is_new: bool,
    ) -> None:
        self.id = customer
        self.key = key
        self.profile = profile
        self.settled = settled
        self.due = due
        self.has_user = has_user
        self.is_new = is_new
        # a message waits for a stronger one, which anything that becomes known can take away
        self.gives_way = False
        self.is_touched = is_new
        self.is_written()

    def is_written(self) -> None:
        """Nothing is left to write but the row, where the customer is new."""
        self.new_key = self.new_due = self.settles = self.has_traits = False

    def fall_due(self, at: Instant) -> None:
        """The engine has to see the customer at this instant, if it would not do so before."""
        if self.due is None or at < self.due:
            self.due, self.new_due = at, True


class Memory:
    """Identities and profiles as the last batch left them."""

    def __init__(self) -> None:
        self.identities: dict[Identity, tuple[int, int]] = {}  # -> identity id, customer id
        self.contested: set[Identity] = set()
        self.told: dict[tuple[Identity, ...], str] = {}
        """What was told together and leaves no question, with the column `others` of its events."""
        self.customers: dict[int, _Customer] = {}
        self.token: tuple[int, int, int] | None = None

    def forget(self) -> None:
        """Read everything anew."""
        self.identities.clear()
        self.contested.clear()
        self.told.clear()
        self.customers.clear()
        self.token = None


def take(  # what surrounds a batch; each is optional and given by name
    connection: Connection,
    batch: Sequence[Incoming],
    *,
    arrived_at: Instant,
    history: bool = False,
    concerns: Concerns | None = None,
    memory: Memory | None = None,
    bounces: BounceLimit = USUAL_LIMIT,
    rules: IdentityRules | None = _USUAL_RULES,
) -> BatchResult:
    """Take a batch in, inside the caller's write transaction; what is known already changes nothing.

    `history`: facts of the past, through which nothing enrols. `concerns` is given as soon as a playbook is
    in force: then every event waits in `arrivals` for the engine, and customers with an event that concerns
    some trigger fall due. `bounces` says how many soft ones suppress an address. `rules` say who is one
    person; without them, for a call of somebody who is known already, nobody is joined or parted.
    """
    memory = memory if memory is not None else Memory()
    batch = with_corrections(connection, batch)
    fresh = _fresh(connection, batch)
    taken, unread = sum(fresh), Counter[Unread]()
    if taken:
        news = reports.with_triggers(connection, [one for one, new in zip(batch, fresh) if new])
        taking = _Batch(connection, memory, arrived_at, history, concerns, rules)
        taking.take(news)
        first = taking.next_event - len(news)
        unread = reports.take(connection, news, arrived_at, bounces, history=history, first=first)
    return BatchResult(taken, len(batch) - taken, tuple(fresh), unread, batch)


def checkpoint_after(connection: Connection, pages: int) -> None:
    """How long this connection lets SQLite's write-ahead log grow before a commit copies it into the
    database.

    Batch after batch changes the same pages of the indexes, so that bulk writing gains a sixth by copying
    them less often.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint={pages:d}")


def _fresh(connection: Connection, batch: Sequence[Incoming]) -> list[bool]:
    keys = {incoming.dedup for incoming in batch}
    known: set[bytes] = set()
    for part in chunks(sorted(keys)):
        known.update(
            connection.exec_driver_sql(
                _known_text(len(part), connection.dialect), tuple(map(bytearray, part))
            ).scalars()
        )
    if not known and len(keys) == len(batch):
        return [True] * len(batch)
    fresh = []
    for incoming in batch:
        fresh.append(incoming.dedup not in known)
        known.add(incoming.dedup)
    return fresh


class _Batch:
    def __init__(
        self,
        connection: Connection,
        memory: Memory,
        arrived_at: Instant,
        history: bool,
        concerns: Concerns | None,
        rules: IdentityRules | None,
    ) -> None:
        self.connection = connection
        self.memory = memory
        self.arrived_at = arrived_at
        self.history = history
        self.is_history = int(history)
        self.concerns = concerns
        self.rules = rules
        self.held: dict[Identity, list[tuple[Instant, int]]] = {}
        self.open_questions: dict[int, Instant] = {}  # identity -> when what was told of it arrives
        self.next_event, self.next_customer, self.next_identity = free_ids(connection)
        version = (
            int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())
            if connection.dialect.name == "sqlite"
            else 0
        )
        self.token = (id(connection.connection.dbapi_connection), version)
        if memory.token != (*self.token, self.next_event) or len(memory.identities) > _MOST_IDENTITIES:
            memory.forget()
        self.orders = OrderBook()
        self.told_anew: list[Incoming] = []  # of whom, together, it may be told for the first time
        self.named: set[int] = set()  # visitors of whom more than a device became known
        self.start()

    def start(self) -> None:
        """Nothing pending."""
        self.touched: dict[int, _Customer] = {}
        self.new_identities: list[tuple[Any, ...]] = []
        self.new_links: dict[tuple[int, int], int] = {}  # -> the event with whose batch it came
        self.new_aliases: dict[tuple[str, int], int] = {}
        self.event_rows: list[tuple[Any, ...]] = []
        self.arrival_rows: list[tuple[int, int]] = []
        self.future_rows: list[tuple[int, Instant]] = []
        self.consent_rows: list[dict[str, Any]] = []
        self.listed: list[ListedLine] = []

    def take(self, batch: Sequence[Incoming]) -> None:
        self.fetch_identities(batch)
        self.fetch_customers(batch)
        self.find_people(batch)
        self.orders.read(self.connection, batch)
        for incoming in batch:
            self.take_one(incoming)
        self.flush()
        if len(self.memory.customers) > _MOST_CUSTOMERS:
            self.memory.customers.clear()
        self.memory.token = (*self.token, self.next_event)

    # ---- reading ahead ----

    def fetch_identities(self, batch: Sequence[Incoming]) -> None:
        known = self.memory.identities
        wanted: dict[str, set[str]] = {}
        for incoming in batch:
            for identity in incoming.identities:
                if identity not in known:
                    wanted.setdefault(identity[0], set()).add(identity[1])
            for identity in incoming.previous:
                wanted.setdefault(identity[0], set()).add(identity[1])
        columns = (identities.c.value, identities.c.id, identities.c.customer_id, identities.c.contested)
        for kind, values in wanted.items():
            for part in chunks(sorted(values)):
                for value, identity_id, customer, contested in self.connection.execute(
                    select(*columns).where(identities.c.kind == kind, identities.c.value.in_(part))
                ):
                    known[kind, value] = (identity_id, customer)
                    if contested:
                        self.memory.contested.add((kind, value))

    def fetch_customers(self, batch: Sequence[Incoming]) -> None:
        """Those whom the strongest identities name, at once; others are read when they are met."""
        known, cached = self.memory.identities, self.memory.customers
        wanted = set()
        for incoming in batch:
            entry = known.get(incoming.identities[0]) if incoming.identities else None
            if entry is not None and entry[1] not in cached:
                wanted.add(entry[1])
        self.load_customers(sorted(wanted))

    def load_customers(self, wanted: Sequence[int]) -> None:
        unsure: list[int] = []
        for part in chunks(wanted):
            columns = (
                customers.c.id,
                customers.c.key,
                customers.c.settled,
                customers.c.next_due_at,
                *READ_COLUMNS,
            )
            for customer, key, settled, due, *values in self.connection.execute(
                select(*columns).where(customers.c.id.in_(part))
            ):
                try:
                    profile = profile_from(values)
                except Exception as error:  # the border of a row: whatever stands in it
                    raise UnreadableCustomerError(customer, key) from error
                self.memory.customers[customer] = _Customer(
                    customer, key, profile, settled, due, has_user=True, is_new=False
                )
                if ":" in key:
                    unsure.append(customer)
        for part in chunks(unsure):
            users = select(identities.c.customer_id).where(
                identities.c.customer_id.in_(part), identities.c.kind == "user"
            )
            with_user = set(self.connection.execute(users).scalars())
            for customer in part:
                self.memory.customers[customer].has_user = customer in with_user
        if self.concerns is not None:
            for part in chunks(wanted):
                for customer in self.connection.execute(
                    _GIVING_WAY, {"ids": orjson.dumps(part).decode()}
                ).scalars():
                    self.memory.customers[customer].gives_way = True

    def customer(self, customer: int) -> _Customer:
        found = self.memory.customers.get(customer)
        if found is None:
            self.load_customers([customer])
            found = self.memory.customers[customer]
        return found

    # ---- one event ----

    def take_one(self, incoming: Incoming) -> None:
        (
            dedup, source, kind, name, at, who, properties, text, channel, amount, consents, _, _,
            order, currency, own_amount, rate, *_,
        ) = incoming  # fmt: skip
        event_id = self.next_event
        self.next_event += 1
        arrived_at = self.arrived_at if self.history or at < self.arrived_at else at
        if at > self.arrived_at:
            self.future_rows.append((event_id, at))
        customer_id: int | str = ""
        identity_id: int | str = ""
        others = traits = listed = ""
        if who:
            identity_id, customer_id = self.memory.identities[who[0]]
            if who[0] in self.held:
                customer_id = holder(self.held[who[0]], at)
            customer = self.customer(customer_id)
            if len(who) > 1:
                others = self.memory.told.get(who) or self.others(who)
            if self.concerns is not None:
                self.await_engine(customer, self.concerns, incoming, event_id, arrived_at)
            customer.profile.take(kind, name, at, channel, properties)
            if name in ORDER_NAMES:
                self.take_order(customer, incoming, event_id)
            customer.is_touched = True
            if kind == "identify":
                customer.has_traits = True
            elif incoming.traits:
                customer.profile.take_traits(incoming.traits, at)
                customer.has_traits = True
                traits = orjson.dumps(incoming.traits, default=str).decode()
            self.touched[customer.id] = customer
            if consents:
                listed = self.note_consents(customer, identity_id, incoming, event_id, arrived_at)
        self.event_rows.append((
            event_id, bytearray(dedup), customer_id, identity_id, kind, name, at, arrived_at,
            self.is_history, source, channel or "", "" if amount is None else amount, text,
            order or "", FIRST, currency or "", "" if own_amount is None else own_amount, rate or "",
            others, traits, listed,
        ))  # fmt: skip

    def take_order(self, customer: _Customer, incoming: Incoming, event_id: int) -> None:
        """What the event says of its order, into the customer's sums."""
        order, profile = incoming.order, customer.profile
        said = telling(
            incoming.name, incoming.occurred_at, incoming.amount, incoming.properties,
            "1" if incoming.currency is None else incoming.rate, incoming.source, incoming.dedup,
        )  # fmt: skip
        if order is not None:
            if order not in profile.told:
                profile.know(order, self.orders.known(order, customer.id))
            self.orders.add(order, event_id, customer.id, said)
        profile.take_telling(order, said)

    def await_engine(
        self, customer: _Customer, concerns: Concerns, incoming: Incoming, event_id: int, arrived_at: Instant
    ) -> None:
        """Keep the profile as it was for the engine, which plays the event after what it has played
        already.
        """
        if customer.settled is None:
            customer.settled = dump_profile(customer.profile)
            customer.settles = True
        self.arrival_rows.append((customer.id, event_id))
        if (customer.due is None or arrived_at < customer.due) and (
            customer.gives_way or concerns(incoming.kind, incoming.name)
        ):
            customer.fall_due(arrived_at)

    def note_consents(
        self, customer: _Customer, identity_id: int, incoming: Incoming, event_id: int, arrived_at: Instant
    ) -> str:
        """Words of consent, and what lists say of them; those of a history count as known since they were
        given. Gives the column `listed` of the event.
        """
        before = len(self.listed)
        if self.is_history:
            arrived_at = incoming.occurred_at
        for consent in incoming.consents:
            row = {
                "customer_id": customer.id, "channel": consent.channel, "purpose": consent.purpose,
                "state": consent.state,
                "address": consent.address, "arrived_at": arrived_at, "source": consent.source,
                "wording": consent.wording,
                "occurred_at": incoming.occurred_at if consent.occurred_at is None else consent.occurred_at,
                "proof": consent.proof, "event_id": event_id, "basis": None,
            }  # fmt: skip
            if consent.is_listed:
                self.listed.append(_listed_line(identity_id, incoming, consent, row))
            else:
                self.consent_rows.append(row)
        return dump_listed(self.listed[before:])

    # ---- whose it is ----

    def find_people(self, batch: Sequence[Incoming]) -> None:
        """Place every identity with a customer. What leaves a question is settled for the whole batch at
        once, so that the order of its lines says nothing.
        """
        told = self.memory.told
        before = self.next_identity
        self.told_anew.clear()
        for incoming in batch:
            if incoming.identities not in told or incoming.previous:
                self.place(incoming)
        self.ask_for_aliases(before)
        self.ask_of_joined(batch)
        if self.open_questions and self.rules is not None:
            self.flush()
            at = min(self.open_questions.values())
            self.remember(
                settle(
                    self.connection, self.open_questions, self.rules, at=at, wake=self.concerns is not None,
                    arriving=batch,
                )
            )  # fmt: skip
            self.fetch_customers(batch)

    def place(self, incoming: Incoming) -> None:
        """Give what is new a customer, as far as there is only one whose it can be."""
        said = incoming.identities
        if not said:
            return
        memory = self.memory
        at = self.arrived_at if self.history else max(self.arrived_at, incoming.occurred_at)
        owners = {entry[1] for each in said if (entry := memory.identities.get(each)) is not None}
        is_open = bool(incoming.previous) or len(owners) > 1 or not memory.contested.isdisjoint(said)
        customer = self.customer_for(said, owners, is_open)
        is_open = is_open or not owners <= {customer.id} or self.adds_an_address(said, owners, customer)
        for identity in said:
            if identity not in memory.identities:
                self.add_identity(identity, customer, at)
        numbers = [memory.identities[each][0] for each in said]
        if len(said) > 1:
            if not customer.is_new or said[1][0] == USER:
                self.told_anew.append(incoming)
            hub = memory.identities[min(said, key=strength)][0]
            for other in numbers:
                if other != hub:
                    self.new_links.setdefault((hub, other), self.next_event)
        if is_open:
            self.open_questions |= {
                number: min(at, self.open_questions.get(number, at)) for number in numbers
            }
        else:
            memory.told[said] = self.others(said) if len(said) > 1 else ""
        if incoming.previous:
            self.place_alias(incoming, numbers[0], at)

    def customer_for(self, said: tuple[Identity, ...], owners: set[int], is_open: bool) -> _Customer:
        """The customer with whom new identities of these are placed. A new user id has one of its own, unless
        there is one without any, who is known by nothing that is in question.
        """
        entry = self.memory.identities.get(said[0])
        if entry is not None:
            return self.customer(entry[1])
        if said[0][0] != USER:
            sure = (each for each in said if each not in self.memory.contested)
            first = next((known for each in sure if (known := self.memory.identities.get(each))), None)
            return self.new_customer(said[0]) if first is None else self.customer(first[1])
        if len(owners) == 1 and not is_open:
            customer = self.customer(next(iter(owners)))
            if not customer.has_user:
                return customer
        return self.new_customer(said[0])

    def adds_an_address(self, said: tuple[Identity, ...], owners: set[int], customer: _Customer) -> bool:
        """Whether a mail address comes to somebody who has another name already: a device may be shared."""
        return (
            said[0][0] == "email"
            and bool(owners)
            and said[0] not in self.memory.identities
            and (customer.has_user or customer.key.startswith("email:"))
        )

    def place_alias(self, incoming: Incoming, number: int, at: Instant) -> None:
        for former in incoming.previous:
            self.new_aliases.setdefault((":".join(former), number), self.next_event)
            entry = self.memory.identities.get(former)
            if entry is not None:
                self.open_questions.setdefault(entry[0], at)

    def ask_for_aliases(self, before: int) -> None:
        """An alias may have named an identity before it was seen."""
        new = {f"{row[2]}:{row[3]}": row[0] for row in self.new_identities if row[0] >= before}
        known = {previous for previous, _ in self.new_aliases}
        if new and self.connection.execute(select(aliases.c.identity_id).limit(1)).first() is not None:
            for part in chunks(sorted(new)):
                query = select(aliases.c.previous).where(aliases.c.previous.in_(part))
                known.update(self.connection.execute(query).scalars())
        for named in new.keys() & known:
            self.open_questions.setdefault(new[named], self.arrived_at)

    def ask_of_joined(self, batch: Sequence[Incoming]) -> None:
        """What is told of somebody with several user ids may part them, though it leaves no question by
        itself: one of them had left the mail address they share before that, or too many share one by now.
        """
        rules = self.rules
        if rules is None:
            return
        asked: dict[int, dict[int, Instant]] = {}  # customer -> identity -> when what was told of it arrives
        for incoming in self.told_anew if not rules.namespaces else batch:
            said = incoming.identities
            if len(said) > 1 and said[0][0] == USER:
                number, customer = self.memory.identities[said[0]]
                at = self.arrived_at if self.history else max(self.arrived_at, incoming.occurred_at)
                arrivals = asked.setdefault(customer, {})
                arrivals[number] = min(at, arrivals.get(number, at))
        for customer in self.parted_perhaps(asked, rules):
            for number, at in asked[customer].items():
                self.open_questions[number] = min(at, self.open_questions.get(number, at))

    def parted_perhaps(self, among: Collection[int], rules: IdentityRules) -> list[int]:
        """The customers of more user ids than may share one identity, and those of several user ids and mail
        addresses, where user ids are joined by addresses.
        """
        found: dict[int, Counter[str]] = {customer: Counter() for customer in among}
        if not found:
            return []
        query = select(identities.c.customer_id, identities.c.kind).where(
            identities.c.customer_id.in_(WANTED), identities.c.kind.in_((USER, "email"))
        )
        for customer, kind in rows_of(self.connection, query, among):
            found[customer][kind] += 1
        for _, customer, kind, *_ in self.new_identities:
            if customer in found:
                found[customer][kind] += 1
        return sorted(
            customer
            for customer, of in found.items()
            if of[USER] > rules.max_people or (rules.namespaces and min(of[USER], of["email"]) > 1)
        )

    def remember(self, settled: Settled) -> None:
        """Take over what was settled."""
        memory = self.memory
        memory.identities.update(settled.owners)
        if not settled.contested <= memory.contested:
            memory.told.clear()
        memory.contested |= settled.contested
        memory.contested -= settled.owners.keys() - settled.contested
        for customer in settled.touched:
            memory.customers.pop(customer, None)
        self.held = settled.held
        self.next_customer = free_ids(self.connection)[1]
        self.open_questions = {}

    def others(self, said: tuple[Identity, ...]) -> str:
        """The column `others` of an event of these identities."""
        return f"[{','.join(str(self.memory.identities[each][0]) for each in said[1:])}]"

    def new_customer(self, first: Identity) -> _Customer:
        customer = _Customer(
            self.next_customer,
            key_for(first),
            Profile(),
            None,
            None,
            has_user=first[0] == USER,
            is_new=True,
        )
        self.next_customer += 1
        self.memory.customers[customer.id] = self.touched[customer.id] = customer
        return customer

    def add_identity(self, identity: Identity, customer: _Customer, at: Instant) -> None:
        self.memory.identities[identity] = (self.next_identity, customer.id)
        self.new_identities.append((self.next_identity, customer.id, *identity, at, 0, "", ""))
        self.next_identity += 1
        if identity[0] in PERSONAL and customer.key.startswith(_OF_DEVICES):
            self.named.add(customer.id)
        if not customer.has_user and (identity[0] == USER or is_stronger(identity, customer.key)):
            customer.has_user = identity[0] == USER
            customer.key, customer.new_key = key_for(identity), True
        if not customer.is_new and self.concerns is not None:
            customer.fall_due(at)
        self.touched[customer.id] = customer

    # ---- writing ----

    def flush(self) -> None:
        """Write all that is pending, parents first."""
        touched = list(self.touched.values())
        new = [customer for customer in touched if customer.is_new]
        if new:
            rows = [new_row(one.id, one.key, one.profile, one.settled, one.due) for one in new]
            _insert(self.connection, customers, [tuple(map(_given, row)) for row in rows])
        self.flush_customers([customer for customer in touched if not customer.is_new])
        if self.new_identities:
            _insert(self.connection, identities, self.new_identities)
        if self.new_links:
            _insert_new(self.connection, links, [(*pair, at) for pair, at in sorted(self.new_links.items())])
        if self.new_aliases:
            _insert_new(
                self.connection, aliases, [(*pair, at) for pair, at in sorted(self.new_aliases.items())]
            )
        if self.event_rows:
            _insert(self.connection, events, self.event_rows)
        if self.future_rows:
            _insert(self.connection, future_events, self.future_rows)
        if self.arrival_rows:
            _insert(self.connection, arrivals, sorted(self.arrival_rows))
        if self.listed:
            self.consent_rows += self.listed_rows()
        if self.consent_rows:
            self.connection.execute(insert(consents), self.consent_rows)
        for customer in touched:
            customer.is_new = customer.is_touched = False
            customer.is_written()
            customer.profile.forget_orders()
        self.start()
        self.settle_orders()

    def settle_orders(self) -> None:
        """Decide for whom the orders count that were told again; what the profiles of some come to is worked
        out anew.
        """
        in_force = self.concerns is not None
        changed = self.orders.settle(self.connection, in_force=in_force)
        if self.named:
            changed |= settle_customers(self.connection, self.named, in_force=in_force)
            self.named.clear()
        refold_all(self.connection, changed)
        for customer in changed:
            self.memory.customers.pop(customer, None)

    def listed_rows(self) -> list[dict[str, Any]]:
        """What the lists add to the ledger."""
        return ledger_rows(self.connection, self.listed, self.arrived_at, history=self.history)

    def flush_customers(self, old: Sequence[_Customer]) -> None:
        is_row = customers.c.id == bindparam("row")
        touched = [(*map(_given, aggregate_values(one.profile)), one.id) for one in old if one.is_touched]
        if touched:
            self.connection.exec_driver_sql(_update_text(AGGREGATES, self.connection.dialect), touched)
        renamed = [trait_columns(one.profile) | {"row": one.id} for one in old if one.has_traits]
        if renamed:
            self.connection.execute(update(customers).where(is_row), renamed)
        keys = [{"row": one.id, "key": one.key} for one in old if one.new_key]
        if keys:
            self.connection.execute(update(customers).where(is_row).values(key=bindparam("key")), keys)
        settled = [{"row": one.id, "settled": one.settled} for one in old if one.settles]
        if settled:
            self.connection.execute(
                update(customers).where(is_row).values(settled=bindparam("settled")), settled
            )
        due = [{"row": one.id, "due": one.due} for one in old if one.new_due]
        if due:
            self.connection.execute(update(customers).where(is_row).values(next_due_at=bindparam("due")), due)


def _listed_line(
    identity_id: int, incoming: Incoming, consent: ConsentRecord, row: dict[str, Any]
) -> ListedLine:
    place = Place(identity_id, incoming.source, consent.channel, consent.purpose, consent.address or "")
    listed = ListedState(consent.state, incoming.occurred_at, consent.occurred_at, consent.is_unasked)
    return ListedLine(place, listed, row)


# The driver takes 0.1 us to bind a number, a text or a bytearray, but 1.3 us for None or bytes, which it
# first offers to its
# adapters. So a missing value goes to it as an empty text, which the statement turns into NULL, and a key as
# a bytearray.


def _given(value: Any) -> Any:
    return "" if value is None else value


def _or_null(column: Column[Any]) -> ColumnElement[Any]:
    return (
        func.nullif(bindparam(column.key, type_=column.type), literal_column("''"))
        if column.nullable
        else bindparam(column.key)
    )


def _insert(connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """Rows in the table's own order of columns, `_given`, without the cost of naming each value."""
    connection.exec_driver_sql(_insert_text(table, connection.dialect), rows)


def _insert_new(connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """The same for keys alone, some of which may be there."""
    connection.exec_driver_sql(_insert_new_text(table, connection.dialect), rows)


@lru_cache(maxsize=32)
def _insert_new_text(table: Table, dialect: Dialect) -> str:
    values: dict[str, Any] = {column.name: bindparam(column.key) for column in table.c}
    return str(upsert(table).values(values).on_conflict_do_nothing().compile(dialect=dialect))


@lru_cache(maxsize=32)
def _update_text(columns: tuple[str, ...], dialect: Dialect) -> str:
    values = {name: _or_null(customers.c[name]) for name in columns}
    return str(
        update(customers).where(customers.c.id == bindparam("row")).values(values).compile(dialect=dialect)
    )


@lru_cache(maxsize=32)
def _known_text(count: int, dialect: Dialect) -> str:
    among = events.c.dedup.in_([bindparam(f"k{index}") for index in range(count)])
    return str(select(events.c.dedup).where(among).compile(dialect=dialect))


@lru_cache(maxsize=32)
def _insert_text(table: Table, dialect: Dialect) -> str:
    return str(
        insert(table).values({column.name: _or_null(column) for column in table.c}).compile(dialect=dialect)
    )
