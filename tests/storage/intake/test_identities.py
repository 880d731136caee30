"""Who is who: which identities make one customer, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from core.errors import ManometerError
from storage.customers import resolve
from storage.intake.batch import Memory
from storage.intake.identities import merge, unmerge
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.identities import identities, merges
from storage.schema.intake import arrivals
from storage.schema.messages import messages
from storage.schema.profiles import load_profile
from storage.store import Store
from tests.storage.intake.test_batch import MEMORY, NOW, call, everything, profile, rows, table, taken


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as store:
        yield store


def who(store: Store) -> dict[str, list[str]]:
    """Key of each living customer, and the identities that are hers."""
    columns = (customers.c.key, identities.c.kind, identities.c.value)
    with store.reading() as connection:
        found: dict[str, list[str]] = {}
        joined = (
            select(*columns)
            .join(identities, identities.c.customer_id == customers.c.id)
            .order_by(identities.c.id)
        )
        for key, kind, value in connection.execute(joined):
            found.setdefault(key, []).append(f"{kind}:{value}")
    return found


def mail(address: str) -> dict[str, Any]:
    return {"context": {"traits": {"email": address}}}


def phone(number: str) -> dict[str, Any]:
    return {"context": {"traits": {"phone": number}}}


def alias(message: str, previous: str, user: str) -> Any:
    return call(message, kind="alias", previousId=previous, userId=user)


STRANGER: dict[str, Any] = {"userId": None}

CASES: dict[str, tuple[list[Any], dict[str, list[str]]]] = {
    "a visitor who signs in keeps her past and gets her userId as key": (
        [call("1", userId=None, anonymousId="a1"), call("2", userId="u1", anonymousId="a1")],
        {"u1": ["anonymous:a1", "user:u1"]},
    ),
    "a visitor who turns out to be a known customer goes into her": (
        [call("1", userId="u1"), call("2", userId=None, anonymousId="a1"),
            call("3", userId="u1", anonymousId="a1")],
        {"u1": ["user:u1", "anonymous:a1"]},
    ),
    "a device that two people use goes with the one who used it last": (
        [call("1", userId="u1", anonymousId="a1"), call("2", userId="u2", anonymousId="a1")],
        {"u1": ["user:u1"], "u2": ["anonymous:a1", "user:u2"]},
    ),
    "a device that was used by two known people moves back": (
        [call("1", userId="u1", anonymousId="a1"), call("2", userId="u2", anonymousId="a1"),
            call("3", userId="u1", anonymousId="a1")],
        {"u1": ["user:u1", "anonymous:a1"], "u2": ["user:u2"]},
    ),
    "one mail address is one customer, even with two userIds": (
        [call("1", userId="u1", **mail("a@x.ch")), call("2", userId="u2"),
            call("3", userId="u2", **mail("A@x.ch"))],
        {"u1": ["user:u1", "email:a@x.ch", "user:u2"]},
    ),
    "one loyalty card is one customer": (
        [call("1", userId="u1", properties={"loyalty_id": "7"}),
            call("2", userId="u2", properties={"loyalty_id": "7"})],
        {"u1": ["user:u1", "loyalty:7", "user:u2"]},
    ),
    "a phone of two userIds joins nobody and stays where it is": (
        [call("1", userId="u1", **phone("+41")), call("2", userId="u2", **phone("+41"))],
        {"u1": ["user:u1", "phone:+41"], "u2": ["user:u2"]},
    ),
    "a phone of one userId joins the one who has none": (
        [call("1", **STRANGER, anonymousId="a1", **phone("+41")), call("2", userId="u2"),
            call("3", userId="u2", **phone("+41"))],
        {"u2": ["phone:+41", "anonymous:a1", "user:u2"]},
    ),
    "an alias joins the anonymous past to the user": (
        [call("1", userId=None, anonymousId="a1"), call("2", userId="u1"), alias("3", "a1", "u1")],
        {"u1": ["anonymous:a1", "user:u1"]},
    ),
    "of two userIds an alias keeps the one that it names": (
        [call("1", userId="old"), call("2", userId="new"), alias("3", "old", "new")],
        {"new": ["user:old", "user:new"]},
    ),
    "an alias to a userId that was never seen renames": (
        [call("1", userId="old"), alias("2", "old", "new")],
        {"new": ["user:old", "user:new"]},
    ),
    "an alias of one never seen is remembered": (
        [alias("1", "a1", "u1"), call("2", userId=None, anonymousId="a1")],
        {"u1": ["user:u1", "anonymous:a1"]},
    ),
    "a mail address alone makes a customer until she gets a userId": (
        [call("1", **STRANGER, **mail("a@x.ch")), call("2", userId="u1", **mail("a@x.ch"))],
        {"u1": ["email:a@x.ch", "user:u1"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("at_once", [True, False], ids=["one batch", "a batch each"])
@pytest.mark.parametrize("case", CASES)
def test_identities_make_customers(store: Store, case: str, at_once: bool) -> None:
    batch, expected = CASES[case]
    memory = Memory()
    for part in [batch] if at_once else [[one] for one in batch]:
        taken(store, *part, memory=memory)
    assert {key: sorted(found) for key, found in who(store).items()} == {
        key: sorted(found) for key, found in expected.items()
    }
    living = [row for row in table(store) if row["merged_into"] is None]
    assert sorted(row["key"] for row in living) == sorted(expected)


def test_a_merge_takes_all_over_and_leaves_a_pointer(store: Store) -> None:
    visitor: dict[str, Any] = {"userId": None, "anonymousId": "a1"}
    taken(store, call("1", event="Order Completed", properties={"revenue": 5}))
    taken(
        store,
        call("2", **visitor, event="Order Completed", properties={"revenue": 7}),
        call("3", **visitor, event="Unsubscribed"),
    )
    taken(store, call("4", userId="u1", anonymousId="a1"), concerns=lambda *_: False)
    survivor, merged = table(store)
    assert (survivor["orders"], survivor["revenue"], survivor["next_due_at"]) == (2, 1_200, NOW)
    assert (merged["key"], merged["merged_into"], merged["next_due_at"]) == ("merged:2", 1, None)
    assert {row[0] for row in rows(store, events.c.customer_id)} == {1}
    assert rows(store, consents.c.customer_id) == [(1,)]
    with store.reading() as connection:
        assert [resolve(connection, text) for text in ("u1", "anonymous:a1", "merged:2")] == [1, 1, 1]


def test_what_the_engine_has_to_play_goes_over_with_the_profile_before_it(store: Store) -> None:
    order: dict[str, Any] = {"event": "Order Completed", "properties": {"revenue": 5}}
    taken(store, call("1", userId="u1", **order), call("2", userId=None, anonymousId="a1", **order))
    taken(store, call("3", userId=None, anonymousId="a1", **order), concerns=lambda *_: False)
    taken(store, call("4", userId="u1", anonymousId="a1", **order), concerns=lambda *_: False)
    survivor = table(store)[0]
    assert (survivor["orders"], load_profile(survivor["settled"]).orders) == (4, 2)
    assert sorted(rows(store, arrivals)) == [(1, 3), (1, 4)]


def enrol(connection: Any, customer: int, cause: str, number: int) -> None:
    connection.execute(insert(enrolments).values(
        id=number, customer_id=customer, trigger="birthday", cause_key=cause, cause_at=0, entered_at=0,
        version=1, state="open", step=1,
        planned_at=5, due_at=5,
    ))  # fmt: skip
    connection.execute(insert(messages).values(
        id=number, key=f"k{number}", customer_id=customer, enrolment_id=number, trigger="birthday", step=1,
        channel="email", template="t",
        state="planned", planned_at=5, expires_at=9, lands_at=5, purpose="marketing", weight=1_000, counts=1,
    ))  # fmt: skip
    connection.execute(
        insert(decisions).values(
            id=number,
            at=0,
            customer_id=customer,
            trigger="birthday",
            step=1,
            outcome="send",
            planned_at=5,
            version=1,
        )
    )


def test_journeys_go_over_and_those_for_the_same_cause_end(store: Store) -> None:
    taken(store, call("1", userId="u1"), call("2", userId="u2"))
    with store.writing() as connection:
        for customer, cause, number in ((1, "2026", 1), (2, "2026", 2), (2, "2027", 3)):
            enrol(connection, customer, cause, number)
        merge_id = merge(connection, 1, 2, cause="test", at=NOW, wake=True)
    states = (enrolments.c.id, enrolments.c.customer_id, enrolments.c.state, enrolments.c.due_at)
    assert sorted(rows(store, *states)) == [(1, 1, "open", 5), (2, 2, "exited", None), (3, 1, "open", 5)]
    outbox = (
        messages.c.id,
        messages.c.customer_id,
        messages.c.state,
        messages.c.reason,
        messages.c.released_at,
    )
    cancelled = (2, 1, "cancelled", "CUSTOMER_MERGED", NOW)
    assert rows(store, *outbox) == [(1, 1, "planned", None, None), cancelled, (3, *cancelled[1:])]
    assert {row[0] for row in rows(store, decisions.c.customer_id)} == {1}
    (said,) = rows(store, decisions.c.trigger, decisions.c.step, decisions.c.outcome, decisions.c.reason)[3:]
    assert said == ("birthday", 1, "suppress", "CUSTOMER_MERGED")
    with store.writing() as connection:
        unmerge(connection, merge_id, at=NOW + 1, wake=True)
    assert rows(store, *states) == [(1, 1, "open", 5), (2, 2, "open", 5), (3, 2, "open", 5)]
    assert rows(store, *outbox) == [
        (number, owner, "planned", None, None) for number, owner in ((1, 1), (2, 2), (3, 2))
    ]
    assert sorted(rows(store, decisions.c.customer_id)) == [(1,), (1,), (2,), (2,)]


def test_undoing_a_merge_sends_back_what_came_since_by_the_same_identities(store: Store) -> None:
    order: dict[str, Any] = {"event": "Order Completed", "properties": {"revenue": 5}}
    taken(store, call("1", userId="u1", **order), call("2", userId="u2", **order),
        call("3", userId="u1", **mail("a@x.ch")),
          call("4", userId="u2", **mail("a@x.ch")), call("5", userId="u2", **order),
          call("6", userId="u1", **order))  # fmt: skip
    assert [row["orders"] for row in table(store)] == [4, 1]
    with store.writing() as connection:
        unmerge(connection, 1, at=NOW, wake=False)
    assert [(row["key"], row["orders"], row["merged_into"]) for row in table(store)] == [
        ("u1", 2, None),
        ("u2", 2, None),
    ]
    assert who(store) == {"u1": ["user:u1", "email:a@x.ch"], "u2": ["user:u2"]}


def test_a_merge_is_undone_once_and_the_later_one_first(store: Store) -> None:
    taken(store, call("1", userId="u1"), call("2", userId="u2"), call("3", userId="u3"))
    with store.writing() as connection:
        first = merge(connection, 2, 3, cause="test", at=NOW, wake=False)
        second = merge(connection, 1, 2, cause="test", at=NOW, wake=False)
        with pytest.raises(ManometerError, match="Undo that merge first"):
            unmerge(connection, first, at=NOW, wake=False)
        unmerge(connection, second, at=NOW, wake=False)
        unmerge(connection, first, at=NOW, wake=False)
        with pytest.raises(ManometerError, match="undone already"):
            unmerge(connection, first, at=NOW, wake=False)
    assert [row["key"] for row in table(store)] == ["u1", "u2", "u3"]
    assert all(row[0] is not None for row in rows(store, merges.c.undone_at))


def without_engine(row: dict[str, Any]) -> dict[str, Any]:
    """Her row; the engine may look at her too early, and the order of names in a JSON object means
    nothing.
    """
    return profile(row) | {"settled": bool(row["settled"]), "next_due_at": None}


acts = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2", None]), st.sampled_from(["a1", "a2"]),
        st.sampled_from(["Order Completed", "identify", "Unsubscribed"]), st.integers(0, 10**6),
    ),
    min_size=2, max_size=12, unique_by=lambda act: act[3],
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(acts, st.booleans())
def test_a_merge_undone_leaves_everything_as_it_was(
    drawn: list[tuple[str | None, str, str, int]], waits: bool
) -> None:
    with TemporaryDirectory(dir=MEMORY) as folder, Store.create(Path(folder) / "shop.db") as store:
        for number, (user, device, what, at) in enumerate(drawn):
            fields: dict[str, Any] = {"properties": {"revenue": number}}
            if what == "identify":
                fields = {"kind": "identify", "traits": {"plan": number}}
            one = call(str(number), userId=user, anonymousId=device, event=what, at=at, **fields)
            taken(store, one, concerns=(lambda *_: False) if waits else None)
        living = [row["id"] for row in table(store) if row["merged_into"] is None]
        if len(living) < 2:
            return
        before, profiles = everything(store), [without_engine(row) for row in table(store)]
        with store.writing() as connection:
            merge_id = merge(connection, living[0], living[1], cause="test", at=NOW, wake=False)
            unmerge(connection, merge_id, at=NOW, wake=False)
        after = everything(store)
        assert [without_engine(row) for row in table(store)] == profiles
        assert {name: found for name, found in after.items() if name != "customers"} == {
            name: found for name, found in before.items() if name != "customers"
        }
