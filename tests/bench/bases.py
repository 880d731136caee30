"""Generated bases for the benchmarks: seeded, in a folder that is thrown away, so that two runs see the same
rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any, Final

import orjson
from sqlalchemy import Table

from console.catalogue import campaigns
from console.catalogue.adding import add, language_of
from console.catalogue.new_workspace import init
from console.playbooks.applied import apply_workspace
from console.workspace.reading import read_workspace
from core.instants import DAY, HOUR, MINUTE, Instant, Millis, parse_instant
from core.model.customer import Profile
from core.playbook.playbook import Playbook
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.intake import arrivals
from storage.schema.messages import messages
from storage.schema.profiles import new_row
from storage.store import Store

NOW: Final[Instant] = parse_instant("2026-03-10T11:00:00Z")
APPLIED: Final[Instant] = NOW - 300 * DAY
SETTLED: Final[Instant] = NOW - MINUTE
AT_ONCE: Final = 20_000
SEED: Final = 20260310
NAMES: Final = ("Anna", "Ben", "Chiara", "Denis", "Eva", "Franz", "Gina", "Hans", "Ines", "Jan")
PLACES: Final = (
    ("8001", "Zürich"),
    ("3011", "Bern"),
    ("4051", "Basel"),
    ("1204", "Genève"),
    ("9000", "St. Gallen"),
)

COLUMNS: Final[dict[Table, tuple[str, ...]]] = {
    events: ("id", "dedup", "customer_id", "kind", "name", "occurred_at", "arrived_at", "source", "channel",
        "amount", "properties"),
    consents: ("customer_id", "channel", "purpose", "state", "occurred_at", "arrived_at", "source",
        "wording", "proof"),
    enrolments: (
        "id", "customer_id", "trigger", "cause_key", "cause_at", "cause_event", "entered_at", "version",
        "state", "step", "planned_at",
        "due_at", "last_message_at",
    ),
    messages: (
        "key", "customer_id", "enrolment_id", "trigger", "step", "channel", "template", "address", "state",
        "planned_at", "expires_at",
        "sent_at", "lands_at", "purpose", "weight", "counts",
    ),
    arrivals: ("customer_id", "event_id"),
}  # fmt: skip


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one benchmark, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="manometer-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def seconds(since: float) -> float:
    """Seconds since a reading of `perf_counter`."""
    return perf_counter() - since


def typical_workspace(place: Path) -> Path:
    """The example workspace with all four triggers, one a kind, active and the three pressure rules for
    everybody.
    """
    init(place)
    for name in ("product-interest", "win-back"):
        _activate(place / "triggers" / f"{name}.toml")
    pressure = place / "pressure.toml"
    text = pressure.read_text(encoding="utf-8")
    pressure.write_text(text[: text.index('[[rule]]\nname     = "gentle-start"')], encoding="utf-8")
    return place


def whole_catalogue(place: Path) -> Path:
    """A workspace with every campaign of the catalogue, active, beside what it has."""
    workspace = read_workspace(place)
    for path in add(campaigns().values(), workspace, language=language_of(workspace), force=True):
        _activate(place / path)
    return place


def _activate(path: Path) -> None:
    if path.suffix == ".toml":
        path.write_text(path.read_text(encoding="utf-8").replace('"draft"', '"active"'), encoding="utf-8")


def opened(place: Path) -> tuple[Store, Playbook]:
    """A new database in a workspace's folder, with the files applied long ago."""
    store = Store.create(place / "manometer.db")
    return store, apply_workspace(store, read_workspace(place), APPLIED, "bench").playbook


@dataclass(slots=True)
class Rows:
    """Rows on their way into the tables, each in the order of the table's `COLUMNS`; customers whole."""

    random: Random
    customers: list[tuple[Any, ...]]
    others: dict[Table, list[tuple[Any, ...]]]
    next_event: int = 1
    next_enrolment: int = 1

    @classmethod
    def begin(cls) -> Rows:
        """None yet."""
        return cls(Random(SEED), [], {table: [] for table in COLUMNS})

    def event(
        self, customer: int, name: str, at: Instant, amount: int | None = None, **properties: Any
    ) -> int:
        """Add an event of a customer; its id."""
        number = self.next_event
        self.next_event += 1
        row = (number, number.to_bytes(16, "big"), customer, "track", name, at, at, "shop", "web", amount)
        self.others[events].append((*row, orjson.dumps(properties).decode()))
        return number

    def enrolment(
        self,
        customer: int,
        trigger: str,
        cause: int,
        cause_at: Instant,
        step: int,
        due: Instant,
        told: Instant | None,
    ) -> int:
        """Add an open enrolment; its id."""
        number = self.next_enrolment
        self.next_enrolment += 1
        row = (
            number,
            customer,
            trigger,
            f"event:{cause}",
            cause_at,
            cause,
            cause_at,
            1,
            "open",
            step,
            due,
            due,
            told,
        )
        self.others[enrolments].append(row)
        return number

    def message(self, customer: int, trigger: str, at: Instant, enrolment: int = 0) -> None:
        """Add a mail that was sent."""
        row = (
            f"{customer:08d}-{trigger}-{at}",
            customer,
            enrolment,
            trigger,
            1,
            "email",
            trigger,
            f"c{customer}@example.com",
            "sent",
        )
        self.others[messages].append((*row, at, at + DAY, at, at, "marketing", 1000, 1))

    def customer(
        self,
        number: int,
        birthday: str,
        last_order: Instant,
        next_due: Instant | None,
        entries: dict[str, Any],
    ) -> None:
        """Add a customer with a profile of usual size and a consent to mail."""
        profile = self._profile(number, birthday, last_order)
        row = dict(zip(customers.columns.keys(), new_row(number, f"c{number}", profile, None, next_due)))
        row |= {"settled_until": SETTLED, "planned_version": 1, "entries": orjson.dumps(entries).decode()}
        self.customers.append(tuple(row.values()))
        consented = (
            number,
            "email",
            "marketing",
            "granted",
            APPLIED,
            APPLIED,
            "shop",
            "Yes, send me news.",
            f"form-{number}",
        )
        self.others[consents].append(consented)

    def _profile(self, number: int, birthday: str, last_order: Instant) -> Profile:
        profile, postal = Profile(), PLACES[number % len(PLACES)]
        profile.traits = {
            "email": f"c{number}@example.com", "phone": f"+4179{number:07d}",
            "firstName": NAMES[number % len(NAMES)],
            "lastName": f"Muster{number % 977}", "gender": "female", "locale": "de-CH", "birthday": birthday,
            "createdAt": APPLIED,
            "address.street": f"Musterweg {number % 200}", "address.postalCode": postal[0],
            "address.city": postal[1],
            "address.country": "CH", "loyaltyTier": "silver",
        }  # fmt: skip
        profile.traits_at = dict.fromkeys(profile.traits, APPLIED)
        orders = self.random.randint(2, 12)
        profile.revenue_gross = orders * self.random.randint(2_000, 15_000)
        profile.units = 2 * orders
        profile.order_instants = [last_order - 100 * DAY, *[last_order] * (orders - 1)]
        profile.last_activity = last_order
        profile.activity = {
            "Order Completed": last_order,
            "Product Viewed": last_order - HOUR,
            "Checkout Started": last_order - 600_000,
        }
        profile.channels = {"web": last_order}
        return profile

    def flush(self, store: Store) -> None:
        """Write what was added."""
        with store.writing() as connection:
            width = len(customers.columns)
            if self.customers:
                connection.exec_driver_sql(
                    f"INSERT INTO customers VALUES ({','.join('?' * width)})", self.customers
                )
            for table, rows in self.others.items():
                if rows:
                    names = COLUMNS[table]
                    text = (
                        f'INSERT INTO {table.name} ("{_quoted(names)}") VALUES ({",".join("?" * len(names))})'
                    )
                    connection.exec_driver_sql(text, rows)
        self.customers.clear()
        for rows in self.others.values():
            rows.clear()


def _quoted(names: Sequence[str]) -> str:
    return '","'.join(names)


def _day(at: Instant) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at / 1000, UTC).strftime("1980-%m-%d")


def _usual(rows: Rows, number: int, last_order: Instant) -> None:
    """A few events and a mail of the last weeks."""
    rows.event(
        number,
        "Order Completed",
        last_order,
        4_990,
        order_id=f"o{number}",
        revenue=49.9,
        products=[{"sku": "A1", "quantity": 2}],
    )
    for back in (2, 3, 30):
        rows.event(
            number,
            "Product Viewed",
            NOW - back * DAY - number % 1000 * 1000,
            product_id=f"p{number % 500 + back}",
            url="/p",
        )
    if number % 2:
        rows.message(number, "birthday", NOW - 20 * DAY)


def due_within(store: Store, count: int, span: Millis = 13 * DAY) -> None:
    """So many customers who fall due within the span after NOW, about one decision each: journeys, birthdays
    and silences.
    """
    rows = Rows.begin()
    for number in range(1, count + 1):
        _due_customer(rows, number, rows.random.randrange(HOUR, span))
        if number % AT_ONCE == 0:
            rows.flush(store)
    rows.flush(store)


def _due_customer(rows: Rows, number: int, after: Millis) -> None:
    case = number % 10
    last_order = NOW - 40 * DAY
    if case < 4:
        due = NOW + after % (2 * DAY) + 1
        told = due - 2 * DAY
        cause = rows.event(number, "Checkout Started", told - HOUR, 8_000, value=80, cart_id=f"k{number}")
        enrolment = rows.enrolment(number, "basket-reminder", cause, told - HOUR, 2, due, told)
        rows.message(number, "basket-reminder", told, enrolment)
        entry = {"basket-reminder": [told - HOUR, f"event:{cause}"]}
        rows.customer(number, "1980-11-05", last_order, due, entry)
    elif case < 7:
        rows.customer(number, _day(NOW + DAY + after % (12 * DAY)), last_order, NOW + after % DAY + 1, {})
    else:
        last_order = NOW - 90 * DAY + after
        rows.customer(number, "1980-11-05", last_order, NOW + after, {})
    _usual(rows, number, last_order)


BUSY: Final = 10
"""Triggers of `busy_workspace` that one event enters, each of one mail on a day of its own."""


def busy_workspace(place: Path) -> Path:
    """The typical workspace, and so many more triggers that everybody of `busy_within` has that many
    decisions ahead.
    """
    typical_workspace(place)
    for number in range(BUSY):
        text = (
            f'title = "Day {number}"\nstatus = "active"\npurpose = "service"\n[when]\nkind = '
            '"transactional"\nevent = "Course Begun"\n'
            f'after = "{number + 1}d"\n[exit]\non = ["Course Left"]\n[[steps]]\nchannels = '
            '["email"]\ntemplate = "birthday"\n'
        )
        (place / "triggers" / f"day-{number}.toml").write_text(text, encoding="utf-8")
    return place


def busy_within(store: Store, count: int) -> None:
    """So many customers with `BUSY` journeys under way, each with a decision of its own within the eleven
    days after NOW.
    """
    rows = Rows.begin()
    for number in range(1, count + 1):
        begun = NOW - 1 - number % 1000 * 1000
        cause = rows.event(number, "Course Begun", begun)
        for each in range(BUSY):
            rows.enrolment(number, f"day-{each}", cause, begun, 1, begun + (each + 1) * DAY, None)
        rows.customer(
            number,
            "1980-11-05",
            NOW - 40 * DAY,
            begun + DAY,
            {f"day-{each}": [begun, f"event:{cause}"] for each in range(BUSY)},
        )
        _usual(rows, number, NOW - 40 * DAY)
        if number % AT_ONCE == 0:
            rows.flush(store)
    rows.flush(store)


def due_now(store: Store, count: int, due: int, waves: int = 1) -> None:
    """So many customers, of whom some are due now and as many in each following minute: by an arrival or a
    journey's step.
    """
    rows = Rows.begin()
    each = count // (due * waves)
    for number in range(1, count + 1):
        last_order = NOW - 40 * DAY
        if number % each == 0 and number // each <= due * waves:
            _due_at_once(
                rows,
                number,
                number // each % 2 == 0,
                NOW - 30_000 + number // each // 2 % waves * MINUTE,
                last_order,
            )
        else:
            rows.customer(number, "1980-11-05", last_order, NOW + rows.random.randrange(DAY, 200 * DAY), {})
        _usual(rows, number, last_order)
        if number % AT_ONCE == 0:
            rows.flush(store)
    rows.flush(store)


def _due_at_once(rows: Rows, number: int, by_arrival: bool, due: Instant, last_order: Instant) -> None:
    if by_arrival:
        cause = rows.event(number, "Checkout Started", due, 8_000, value=80, cart_id=f"k{number}")
        rows.others[arrivals].append((number, cause))
        rows.customer(number, "1980-11-05", last_order, due, {})
    else:
        cause = rows.event(number, "Checkout Started", due - HOUR, 8_000, value=80, cart_id=f"k{number}")
        rows.enrolment(number, "basket-reminder", cause, due - HOUR, 1, due, None)
        rows.customer(
            number, "1980-11-05", last_order, due, {"basket-reminder": [due - HOUR, f"event:{cause}"]}
        )
