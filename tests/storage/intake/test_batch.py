"""Events on their way in, against a real database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.sources.feedback import Unread
from core.sources.segment import Incoming, dedup_key, encode, parse_call
from storage.intake.batch import BatchResult, Memory, take
from storage.schema.consents import consents, suppressions
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.identities import identities
from storage.schema.intake import arrivals
from storage.schema.profiles import dump_profile, load_profile, profile_columns, read_profile
from storage.store import Store

NOW = 1_772_000_000_000
ZURICH = ZoneInfo("Europe/Zurich")
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where databases of a moment are made, so that a hundred of them need no disk."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as store:
        yield store


def call(
    message: str, *, at: int = 0, kind: str = "track", event: str = "Product Viewed", **fields: Any
) -> Incoming:
    """A call that occurred `at` seconds before NOW."""
    who = {} if {"userId", "anonymousId"} & fields.keys() else {"userId": "u1"}
    record = {"type": kind, "messageId": message, "event": event, **who, **fields}
    return parse_call(record, source="shop", arrived_at=NOW - at * 1_000, zone=ZURICH)


def taken(store: Store, *batch: Incoming, **options: Any) -> BatchResult:
    with store.writing() as connection:
        return take(connection, batch, **({"arrived_at": NOW} | options))


def table(store: Store) -> list[dict[str, Any]]:
    with store.reading() as connection:
        return [row._asdict() for row in connection.execute(select(customers).order_by(customers.c.id))]


def rows(store: Store, *columns: Any) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(select(*columns))]


def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    return {
        one.name: rows(store, one)
        for one in (customers, identities, events, arrivals, consents, suppressions)
    }


def test_an_event_makes_its_customer_and_her_profile(store: Store) -> None:
    order = call(
        "m1",
        event="Order Completed",
        properties={"revenue": 10, "products": [{"quantity": 2}]},
        context={"channel": "pos"},
    )
    assert taken(store, order)[:4] == (1, 0, (True,), {})
    [row] = table(store)
    assert (row["key"], row["orders"], row["revenue"], row["units"], row["last_order_at"]) == (
        "u1",
        1,
        1_000,
        2,
        NOW,
    )
    assert rows(store, events.c.kind, events.c.name, events.c.channel, events.c.amount, events.c.history) == [
        ("track", "Order Completed", "store", 1_000, 0)
    ]


def test_traits_stand_in_columns_of_their_own(store: Store) -> None:
    traits = {
        "email": "A@x.ch",
        "firstName": "Ann",
        "address": {"city": "Bern", "country": "CH"},
        "createdAt": 1_500_000_000,
    }
    taken(store, call("m1"), call("m2", kind="identify", traits=traits))
    [row] = table(store)
    assert [row[name] for name in ("email", "first_name", "city", "country")] == [
        "a@x.ch",
        "Ann",
        "Bern",
        "CH",
    ]
    assert row["registered_at"] == 1_500_000_000_000


def test_what_is_known_changes_nothing(store: Store) -> None:
    identify = call("m2", kind="identify", traits={"email": "a@x.ch"})
    batch = [call("m1"), identify, call("m3", event="Unsubscribed"), call("m4", anonymousId="a9")]
    taken(store, *batch, concerns=lambda *_: True)
    before = everything(store)
    assert taken(store, *batch, concerns=lambda *_: True, arrived_at=NOW + 5).duplicate == 4
    assert everything(store) == before


def test_the_same_event_twice_in_a_batch_counts_once(store: Store) -> None:
    assert taken(store, call("m1"), call("m1"), call("m2"))[:4] == (2, 1, (True, False, True), {})


def test_an_act_of_nobody_is_kept_without_a_customer(store: Store) -> None:
    nobody = Incoming(
        dedup_key("till", "1"), "till", "track", "Order Completed", NOW, (), {}, encode({}), "store", 500
    )
    taken(store, nobody, concerns=lambda *_: True)
    assert rows(store, events.c.customer_id, events.c.amount) == [(None, 500)]
    assert table(store) == []
    assert rows(store, arrivals) == []


@pytest.mark.parametrize(
    ("history", "occurred_before", "arrived"),
    [(False, 60, NOW), (False, -60, NOW + 60_000), (True, 60, NOW), (True, 86_400, NOW)],
)
def test_an_event_arrives_when_it_is_taken_in_but_never_before_it_occurs(
    store: Store, history: bool, occurred_before: int, arrived: int
) -> None:
    taken(store, call("m1", at=occurred_before), history=history)
    assert rows(store, events.c.arrived_at, events.c.history) == [(arrived, int(history))]


def test_without_a_playbook_nothing_waits_for_the_engine(store: Store) -> None:
    taken(store, call("m1"))
    assert rows(store, arrivals) == []
    assert rows(store, customers.c.settled, customers.c.next_due_at) == [(None, None)]


def test_with_a_playbook_every_event_waits_and_the_profile_before_it_is_kept(store: Store) -> None:
    taken(store, call("m1", event="Order Completed", properties={"revenue": 5}))
    taken(
        store,
        call("m2", event="Order Completed", properties={"revenue": 7}),
        concerns=lambda kind, name: False,
        history=True,
    )
    taken(
        store,
        call("m3", event="Order Completed", properties={"revenue": 9}),
        concerns=lambda kind, name: False,
    )
    [row] = table(store)
    assert (row["revenue"], load_profile(row["settled"]).revenue) == (2_100, 500)
    assert rows(store, arrivals.c.event_id) == [(2,), (3,)]
    assert row["next_due_at"] is None


def test_a_customer_falls_due_at_the_first_event_that_concerns_a_trigger(store: Store) -> None:
    def concerns(kind: str, name: str) -> bool:
        return (kind, name) == ("track", "Checkout Started")

    started = [call("m1", event="Checkout Started", at=-90), call("m2", event="Checkout Started", at=-30)]
    taken(store, *started, call("m3", at=5), concerns=concerns)
    assert rows(store, customers.c.next_due_at) == [(NOW + 30_000,)]
    taken(store, call("m4", event="Checkout Started", at=-60), concerns=concerns)
    assert rows(store, customers.c.next_due_at) == [(NOW + 30_000,)]
    taken(store, call("m5", event="Checkout Started"), concerns=concerns)
    assert rows(store, customers.c.next_due_at) == [(NOW,)]


def test_a_customer_who_is_due_already_falls_due_earlier_but_never_later(store: Store) -> None:
    def concerns(kind: str, name: str) -> bool:
        return name == "Checkout Started"

    memory = Memory()
    dues = []
    for message, at in (("m1", -60), ("m2", -90), ("m3", -30), ("m4", -30)):
        taken(store, call(message, event="Checkout Started", at=at), concerns=concerns, memory=memory)
        dues += rows(store, customers.c.next_due_at)
    assert dues == [(NOW + 60_000,), (NOW + 60_000,), (NOW + 30_000,), (NOW + 30_000,)]


def test_what_is_missing_is_null_and_not_an_empty_text(store: Store) -> None:
    taken(store, call("m1"))
    taken(store, call("m2", event="Order Completed"))
    assert rows(store, events.c.channel, events.c.amount, events.c.identity_id) == [
        (None, None, 1),
        (None, None, 1),
    ]
    [row] = table(store)
    empty = [
        "email",
        "phone",
        "country",
        "birthday",
        "registered_at",
        "settled",
        "next_due_at",
        "merged_into",
        "erased_at",
    ]
    assert [row[name] for name in empty] == [None] * len(empty)
    assert (row["first_order_at"], row["entries"]) == (NOW, "{}")


def test_consents_go_to_the_ledger_with_their_proof(store: Store) -> None:
    said = {
        "channel": "email",
        "purpose": "marketing",
        "source": "form",
        "text": "I agree",
        "proof": "double opt-in",
    }
    taken(store, call("m1", event="Consent Granted", properties=said, at=60))
    names = ("channel", "purpose", "state", "wording", "proof", "occurred_at", "event_id")
    entry = ("email", "marketing", "granted", "I agree", "double opt-in", NOW - 60_000, 1)
    assert rows(store, *(consents.c[name] for name in names)) == [entry]


def test_a_bounce_that_names_no_address_suppresses_nothing_and_is_told(store: Store) -> None:
    taken(store, call("m1", kind="identify", traits={"email": "a@x.ch"}))
    result = taken(store, call("m2", event="Email Bounced"), call("m3", event="Email Bounced"))
    assert rows(store, suppressions.c.address) == []
    assert result.unread == {Unread("address", "Email Bounced"): 2}


def test_an_address_that_bounces_twice_is_suppressed_once(store: Store) -> None:
    bounced = {"email": "A@x.ch"}
    taken(store, *(call(f"m{n}", event="Email Bounced", properties=bounced) for n in (1, 2)))
    assert rows(store, suppressions.c.medium, suppressions.c.address, suppressions.c.reason) == [
        ("email", "a@x.ch", "bounce")
    ]


def test_a_batch_that_fails_leaves_nothing_and_the_next_one_reads_anew(store: Store) -> None:
    memory = Memory()
    with suppress(KeyError), store.writing() as connection:
        take(connection, [call("m1", userId="u1")], arrived_at=NOW, memory=memory)
        raise KeyError
    assert taken(store, call("m2", userId="u1"), memory=memory).taken == 1
    assert [row["key"] for row in table(store)] == ["u1"]


def test_what_another_process_wrote_between_two_batches_is_seen(store: Store) -> None:
    memory = Memory()
    order: dict[str, Any] = {"event": "Order Completed", "properties": {"revenue": 1}}
    taken(store, call("m1", **order), memory=memory)
    with Store.open(store.path) as other:
        taken(other, call("m2", **order), call("m9", userId="u9"))
    taken(store, call("m3", **order), call("m8", userId="u8"), memory=memory)
    assert [(row["key"], row["orders"]) for row in table(store)] == [("u1", 3), ("u9", 0), ("u8", 0)]


def test_a_user_id_that_looks_like_a_key_of_another_kind_does_not_collide(store: Store) -> None:
    taken(
        store,
        call("m1", userId=None, anonymousId="a1"),
        call("m2", userId="anonymous:a1"),
        call("m3", userId="merged:1"),
    )
    assert [row["key"] for row in table(store)] == ["anonymous:a1", "user:anonymous:a1", "user:merged:1"]


def test_a_profile_survives_its_row_and_its_text(store: Store) -> None:
    taken(store, call("m1", kind="identify", traits={"email": "a@x.ch", "birthday": "--02-29"}),
        call("m2", event="Order Returned",
          properties={"total": 3, "order_id": "o1"}))  # fmt: skip
    with store.reading() as connection:
        profile = read_profile(connection, 1)
    assert profile_columns(load_profile(dump_profile(profile))) == profile_columns(profile)
    assert (profile.returned, profile.returns) == (300, 1)


message = st.builds(
    lambda number, at, user, what: (number, at, user, what),
    st.integers(0, 40), st.integers(0, 10**6), st.sampled_from(["u1", "u2"]),
    st.sampled_from(["Order Completed", "Order Returned", "Product Viewed", "identify"]),
)  # fmt: skip


def calls(drawn: Sequence[tuple[int, int, str, str]]) -> list[Incoming]:
    made = []
    for number, at, user, what in drawn:
        fields: dict[str, Any] = {"properties": {"revenue": number, "order_id": f"o{number % 3}"}}
        if what == "identify":
            fields = {"kind": "identify", "traits": {"email": f"{user}@x.ch", "plan": number}}
        made.append(call(f"m{number}", at=at, userId=user, event=what, **fields))
    return made


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(message, max_size=14, unique_by=(lambda m: m[0], lambda m: m[1])),
    st.randoms(),
    st.integers(1, 14),
)
def test_neither_the_order_of_arrival_nor_a_second_import_changes_the_profiles(
    drawn: list[tuple[int, int, str, str]], random: Any, size: int
) -> None:
    batch = calls(drawn)
    shuffled = list(batch)
    random.shuffle(shuffled)
    with TemporaryDirectory(dir=MEMORY) as folder:
        found = []
        for name, order in (("a", batch), ("b", shuffled)):
            with Store.create(Path(folder) / f"{name}.db") as store:
                memory = Memory()
                for _ in range(2):
                    for start in range(0, len(order), size):
                        taken(store, *order[start : start + size], memory=memory)
                found.append({row["key"]: profile(row) for row in table(store)})
        assert found[0] == found[1]


def profile(row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name != "id"}
    return kept | {name: orjson.loads(row[name]) for name in ("traits", "detail")}
