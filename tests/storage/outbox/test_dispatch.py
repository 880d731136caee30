"""The outbox: who may claim what, what gives room back, and what an operator may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, text

from core.instants import DAY, HOUR, MINUTE, parse_instant
from storage.outbox import acts as outbox_acts
from storage.outbox import dispatch as outbox
from storage.outbox.acts import OutboxError
from storage.outbox.dispatch import ApprovalBatch, OutcomeMark
from storage.outbox.listing import MessageFilter, stream
from storage.schema.customers import customers
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.messages import messages
from storage.schema.operations import audit
from storage.store import Store

ZURICH = ZoneInfo("Europe/Zurich")
NOON = parse_instant("2024-03-05T12:00:00+01:00")
LEASE = 5 * MINUTE


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "manometer.db") as made:
        yield made


def add(store: Store, number: int, **values: Any) -> int:
    """A customer with one enrolment and one message, all with the same number."""
    row = {
        "id": number, "key": f"k{number}", "customer_id": number, "enrolment_id": number,
        "trigger": "basket", "step": 1,
        "channel": "email", "template": "offer", "address": "a@example.org", "state": "planned",
        "planned_at": NOON,
        "expires_at": NOON + DAY, "lands_at": NOON,
        "purpose": "marketing", "weight": 1000, "counts": 1,
    } | values  # fmt: skip
    with store.writing() as connection:
        connection.execute(insert(customers).values(id=number, key=f"c-{number}"))
        connection.execute(
            insert(enrolments).values(
                id=number, customer_id=number, trigger="basket", cause_key=f"event:{number}",
                cause_at=NOON - HOUR, cause_event=number,
                entered_at=NOON - HOUR, version=1, state="open", step=2, planned_at=NOON, key_value="cart-1",
            )
        )  # fmt: skip
        connection.execute(
            insert(events).values(
                id=number, dedup=number.to_bytes(16), customer_id=number, kind="track",
                name="Checkout Started", occurred_at=NOON - HOUR,
                arrived_at=NOON - HOUR, source="shop", properties='{"cart_id": "cart-1"}',
            )
        )  # fmt: skip
        connection.execute(insert(messages).values(row))
    return number


def states(store: Store) -> dict[int, str]:
    with store.reading() as connection:
        return {row.id: row.state for row in connection.execute(select(messages.c.id, messages.c.state))}


def row(store: Store, number: int) -> Any:
    with store.reading() as connection:
        return connection.execute(select(messages).where(messages.c.id == number)).one()


def next_due(store: Store, number: int) -> int | None:
    with store.reading() as connection:
        found: int | None = connection.execute(
            select(customers.c.next_due_at).where(customers.c.id == number)
        ).scalar_one()
        return found


def claim(
    store: Store,
    now: int = NOON,
    owner: str = "me",
    limit: int = 50,
    channel: str = "email",
    spread: bool = False,
    **others: Any,
) -> list[outbox.Claimed]:
    with store.writing() as connection:
        allowed = outbox.Allowed(channel, **others)
        return outbox.claim(connection, now, owner, LEASE, limit, allowed, spread=spread)


def mark(store: Store, *marks: OutcomeMark, owner: str = "me", at: int = NOON) -> list[OutcomeMark]:
    with store.writing() as connection:
        return outbox.mark(connection, owner, marks, at)


# ---- claiming ----


def test_a_claim_brings_the_message_with_its_cause(store: Store) -> None:
    add(store, 1)
    (claimed,) = claim(store)
    assert (claimed.customer, claimed.cause_name, claimed.cause_properties, claimed.key_value) == (
        "c-1", "Checkout Started", {"cart_id": "cart-1"}, "cart-1",
    )  # fmt: skip
    assert (claimed.attempts, claimed.was, row(store, 1).claimed_until) == (1, "planned", NOON + LEASE)


@pytest.mark.parametrize(
    ("values", "claimed"),
    [
        ({}, True),
        ({"state": "due"}, True),
        ({"planned_at": NOON + 1}, False),
        ({"state": "due", "claimed_until": NOON + 1}, False),
        ({"state": "due", "claimed_until": NOON}, True),
        *[
            ({"state": state}, False)
            for state in (
                "held",
                "sent",
                "cancelled",
                "failed",
                "expired",
                "uncertain",
                "delivered",
                "bounced",
            )
        ],
        ({"channel": "letter"}, False),
        ({"trigger": "paused"}, False),
        ({"purpose": "other"}, False),
    ],
)
def test_only_what_is_due_and_allowed_is_claimed(store: Store, values: dict[str, Any], claimed: bool) -> None:
    add(store, 1, **values)
    assert bool(claim(store, waiting={"paused"}, purposes={"marketing"})) is claimed


def test_the_earliest_goes_first_whatever_its_state(store: Store) -> None:
    add(store, 1, planned_at=NOON - 1, state="due")
    add(store, 2, planned_at=NOON - 3)
    add(store, 3, planned_at=NOON - 2, state="due")
    add(store, 4, planned_at=NOON - 2)
    assert [claimed.id for claimed in claim(store, limit=3)] == [2, 3, 4]
    assert [claimed.id for claimed in claim(store)] == [1]


def test_a_channel_gives_no_more_than_its_room(store: Store) -> None:
    for number in range(1, 6):
        add(store, number, channel="sms" if number == 5 else "email")
    assert [claimed.id for claimed in claim(store, room=2)] == [1, 2]
    assert [claimed.id for claimed in claim(store, channel="sms", room=0)] == []
    assert [claimed.id for claimed in claim(store, channel="sms")] == [5]


def test_triggers_take_turns_so_that_none_waits_for_all_of_another(store: Store) -> None:
    for number in range(1, 9):
        add(store, number, planned_at=NOON - 100 + number)
    add(store, 9, trigger="receipt", planned_at=NOON - 1)
    add(store, 10, trigger="receipt", planned_at=NOON)
    assert [claimed.id for claimed in claim(store, limit=4)] == [1, 9, 2, 10]
    assert [claimed.id for claimed in claim(store, limit=50)] == [3, 4, 5, 6, 7, 8]


def test_what_is_tried_again_takes_every_fourth_place_while_others_wait(store: Store) -> None:
    for number in range(1, 4):
        add(store, number, state="due", attempts=1, planned_at=NOON - 100)
    for number in range(4, 11):
        add(store, number)
    assert [claimed.id for claimed in claim(store)] == [4, 5, 6, 1, 7, 8, 9, 2, 10, 3]


def test_probes_are_as_unlike_as_can_be(store: Store) -> None:
    for number in range(1, 6):
        add(store, number, planned_at=NOON - 100 + number)
    add(store, 6, state="due", attempts=2, planned_at=NOON - 200)
    add(store, 7, trigger="receipt", planned_at=NOON - 10)
    assert {claimed.id for claimed in claim(store, limit=3, spread=True)} == {1, 6, 7}


def test_a_probe_is_first_of_all_one_that_was_never_tried(store: Store) -> None:
    for number in range(1, 6):
        add(store, number, state="due", attempts=2, planned_at=NOON - 200 + number)
    add(store, 6, state="due", trigger="receipt", planned_at=NOON - 10)
    assert [claimed.id for claimed in claim(store, limit=1, spread=True)] == [6]


def test_what_is_due_on_a_channel_is_known(store: Store) -> None:
    add(store, 1, planned_at=NOON + 1)
    add(store, 2, state="held")
    with store.reading() as connection:
        assert not outbox.has_due(connection, "email", NOON)
        assert outbox.has_due(connection, "email", NOON + 1)
        assert not outbox.has_due(connection, "sms", NOON + 1)


def test_two_dispatchers_never_claim_the_same_message(store: Store) -> None:
    for number in range(1, 101):
        add(store, number)
    found: dict[str, list[int]] = {"a": [], "b": []}
    start = Barrier(2)

    def run(owner: str) -> None:
        start.wait()
        while portion := claim(store, owner=owner, limit=7):
            found[owner].extend(claimed.id for claimed in portion)

    threads = [Thread(target=run, args=(owner,)) for owner in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found["a"] + found["b"]) == list(range(1, 101))


def test_claiming_uses_the_index_of_what_waits(store: Store) -> None:
    query = outbox._due("planned", NOON, 50, outbox.Allowed("email", None, (), {"marketing"}), "basket")
    with store.reading() as connection:
        plan = " ".join(
            row[-1]
            for row in connection.execute(
                text(
                    f"EXPLAIN QUERY PLAN {query.compile(connection, compile_kwargs={'literal_binds': True})}"
                )
            )
        )
    index = "ix_messages_queue (channel=? AND state=? AND trigger=? AND planned_at<?)"
    assert f"SEARCH messages USING INDEX {index}" in plan
    assert "TEMP B-TREE" not in plan


def test_nothing_due_is_no_work(store: Store) -> None:
    add(store, 1, planned_at=NOON + 1)
    add(store, 2, state="sent")
    with store.reading() as connection:
        assert (outbox.has_work(connection, NOON), outbox.has_work(connection, NOON + 1)) == (False, True)


# ---- marking ----


def test_only_the_owner_of_a_claim_marks_it(store: Store) -> None:
    add(store, 1)
    claim(store, owner="other")
    assert mark(store, OutcomeMark(1, 1, "sent", sent_at=NOON)) == []
    assert states(store) == {1: "claimed"}
    assert mark(store, OutcomeMark(1, 1, "sent", sent_at=NOON), owner="other") != []
    assert mark(store, OutcomeMark(1, 1, "failed"), owner="other") == []
    assert states(store) == {1: "sent"}


@pytest.mark.parametrize(
    ("state", "released"),
    [("cancelled", True), ("expired", True), ("failed", True), ("sent", False), ("uncertain", False)],
)
def test_what_did_not_go_out_gives_its_room_back_and_wakes_the_customer(
    store: Store, state: str, released: bool
) -> None:
    add(store, 1)
    claim(store)
    mark(store, OutcomeMark(1, 1, state), at=NOON + 5)
    assert row(store, 1).released_at == (NOON + 5 if released else None)
    assert next_due(store, 1) == (NOON + 5 if released else None)


@pytest.mark.parametrize(("existing", "expected"), [(None, NOON), (NOON - 1, NOON - 1), (NOON + 1, NOON)])
def test_waking_makes_a_customer_due_no_later(store: Store, existing: int | None, expected: int) -> None:
    add(store, 1)
    with store.writing() as connection:
        connection.execute(customers.update().values(next_due_at=existing))
        outbox.wake(connection, {1}, NOON)
    assert next_due(store, 1) == expected


def test_a_message_that_lands_later_wakes_the_customer_too(store: Store) -> None:
    add(store, 1)
    claim(store)
    mark(store, OutcomeMark(1, 1, "sent", sent_at=NOON + HOUR, lands_at=NOON + HOUR), at=NOON + HOUR)
    assert (row(store, 1).lands_at, next_due(store, 1)) == (NOON + HOUR, NOON + HOUR)


def test_a_message_given_back_unattempted_is_as_before(store: Store) -> None:
    add(store, 1)
    before = row(store, 1)
    claim(store)
    mark(store, OutcomeMark(1, 1, "planned", attempted=False))
    assert row(store, 1) == before


# ---- after a crash ----


@pytest.mark.parametrize(
    ("now", "gone", "taken"),
    [(NOON, False, False), (NOON + LEASE - 1, False, False), (NOON + LEASE, False, True), (NOON, True, True)],
)
@pytest.mark.parametrize(("channels", "after"), [({"email"}, "due"), (set(), "uncertain")])
def test_what_a_dispatcher_left_is_taken_over(
    store: Store, now: int, gone: bool, taken: bool, channels: set[str], after: str
) -> None:
    add(store, 1)
    claim(store)
    with store.writing() as connection:
        found = outbox.recover(connection, now, lambda owner: gone, channels, {})
    assert states(store) == {1: after if taken else "claimed"}
    assert (found.again, found.uncertain.total()) == ((int(taken), 0) if channels else (0, int(taken)))
    if taken and channels:
        assert claim(store, now)[0].attempts == 2
    if taken and not channels:
        assert (row(store, 1).reason, row(store, 1).released_at) == ("CHANNEL_ERROR", None)


# ---- expiry, approval, capacity ----


@pytest.mark.parametrize("state", ["planned", "held", "due"])
def test_what_waits_past_its_time_expires(store: Store, state: str) -> None:
    add(store, 1, state=state, expires_at=NOON + 10)
    with store.writing() as connection:
        assert outbox.expire(connection, NOON + 10) == 0
        assert outbox.expire(connection, NOON + 11) == 1
    assert (states(store)[1], row(store, 1).reason, row(store, 1).released_at) == (
        "expired",
        "EXPIRED",
        NOON + 11,
    )
    assert next_due(store, 1) == NOON + 11


def hold(store: Store, batch: ApprovalBatch, now: int = NOON) -> int:
    with store.writing() as connection:
        return outbox.hold_large(connection, [batch], now, ZURICH)


def test_a_batch_above_its_number_is_held_as_a_whole(store: Store) -> None:
    for number in range(1, 4):
        add(store, number, planned_at=NOON + number * HOUR)
    add(store, 4, planned_at=parse_instant("2024-03-06T00:00:00+01:00"))
    add(store, 5, trigger="other")
    now = NOON + HOUR
    assert hold(store, ApprovalBatch("basket", 3), now) == 0
    assert hold(store, ApprovalBatch("basket", 2), now) == 3
    assert states(store) == {1: "held", 2: "held", 3: "held", 4: "planned", 5: "planned"}
    assert row(store, 1).reason == "APPROVAL"


def test_a_batch_not_yet_due_is_not_judged(store: Store) -> None:
    add(store, 1, planned_at=NOON + 1)
    assert (hold(store, ApprovalBatch("basket", 0)), hold(store, ApprovalBatch("basket", 0), NOON + 1)) == (
        0,
        1,
    )


def test_what_an_operator_has_let_go_is_not_held_again(store: Store) -> None:
    for number in (1, 2):
        add(store, number)
    hold(store, ApprovalBatch("basket", 1))
    with store.writing() as connection:
        outbox_acts.approve(connection, [1], "olga", NOON)
    assert hold(store, ApprovalBatch("basket", 1)) == 0
    assert states(store) == {1: "due", 2: "held"}


def test_what_does_not_count_makes_no_batch(store: Store) -> None:
    add(store, 1)
    add(store, 2, state="cancelled", released_at=NOON)
    assert hold(store, ApprovalBatch("basket", 1)) == 0


@pytest.mark.parametrize(
    ("batch", "held"),
    [
        (ApprovalBatch("basket", 1, step=2), 2),
        (ApprovalBatch("basket", 1, channel="sms"), 0),
        (ApprovalBatch("basket", 0, channel="sms"), 1),
    ],
)
def test_a_batch_may_be_of_one_step_or_channel(store: Store, batch: ApprovalBatch, held: int) -> None:
    add(store, 1, step=1, channel="email")
    add(store, 2, step=2, channel="email")
    add(store, 3, step=2, channel="sms")
    assert hold(store, batch) == held


def test_a_capacity_counts_what_was_handed_over_and_what_is_claimed(store: Store) -> None:
    for number in range(1, 4):
        add(store, number)
    claim(store, limit=1)
    with store.writing() as connection:
        outbox.count_handed_over(connection, "email", "day", NOON, ZURICH, 2)
        outbox.count_handed_over(connection, "email", "day", NOON + HOUR, ZURICH, 3)
        assert outbox.room(connection, "email", (10, "day"), NOON, ZURICH) == 4
        assert outbox.room(connection, "email", (2, "day"), NOON, ZURICH) == 0
        assert outbox.room(connection, "email", (10, "day"), NOON + DAY, ZURICH) == 9
        assert outbox.room(connection, "sms", (10, "day"), NOON, ZURICH) == 10


@pytest.mark.parametrize(
    ("unit", "at", "start"),
    [
        ("day", "2024-03-31T23:30:00+02:00", "2024-03-31T00:00:00+01:00"),
        ("hour", "2024-03-05T12:34:56+05:30", "2024-03-05T12:00:00+05:30"),
        ("minute", "2024-03-05T12:34:56Z", "2024-03-05T12:34:00Z"),
    ],
)
def test_a_period_begins_by_the_local_clock(unit: str, at: str, start: str) -> None:
    zone = ZoneInfo("Asia/Kolkata") if "05:30" in at else ZURICH
    assert outbox.period_start(parse_instant(at), unit, zone) == parse_instant(start)


# ---- operators ----


@pytest.mark.parametrize(
    ("action", "allowed", "after"),
    [
        (outbox_acts.approve, {"held"}, "due"),
        (outbox_acts.reject, {"held"}, "cancelled"),
        (outbox_acts.cancel, {"planned", "held", "due", "uncertain"}, "cancelled"),
        (outbox_acts.retry, {"failed", "uncertain"}, "due"),
    ],
)
@pytest.mark.parametrize(
    "state", ["planned", "held", "due", "claimed", "sent", "cancelled", "failed", "expired", "uncertain"]
)
def test_an_operator_may_do_what_the_state_allows_and_leaves_an_audit_line(
    store: Store, action: Any, allowed: set[str], after: str, state: str
) -> None:
    add(store, 1, state=state, attempts=4, error="x")
    name = action.__name__
    if state not in allowed:
        with (
            pytest.raises(OutboxError, match=f"Cannot {name}: message 1 is {state}; it must be"),
            store.writing() as connection,
        ):
            action(connection, [1], "olga", NOON, "why")
    else:
        with store.writing() as connection:
            assert action(connection, [1, 1], "olga", NOON, "why") == 1
    with store.reading() as connection:
        lines = connection.execute(
            select(
                audit.c.at, audit.c.author, audit.c.action, audit.c.subject, audit.c.reason, audit.c.detail
            )
        ).all()
    done = state in allowed
    assert states(store) == {1: after if done else state}
    assert [tuple(line) for line in lines] == (
        [(NOON, "olga", f"outbox {name}", "1", "why", json.dumps({"key": "k1", "was": state}))]
        if done
        else []
    )


def test_one_refusal_refuses_all(store: Store) -> None:
    add(store, 1, state="held")
    add(store, 2, state="sent")
    for ids, words in (
        ([1, 2], "message 2 is sent"),
        ([1, 3], "there is no message 3"),
        ([1, 2**70], "there is no message"),
        ([-(2**70)], "no message -"),
    ):
        with pytest.raises(OutboxError, match=words), store.writing() as connection:
            outbox_acts.approve(connection, ids, "olga", NOON)
    assert states(store) == {1: "held", 2: "sent"}


@pytest.mark.parametrize(("action", "state"), [(outbox_acts.approve, "held"), (outbox_acts.retry, "failed")])
def test_what_would_come_too_late_is_not_let_go(store: Store, action: Any, state: str) -> None:
    add(store, 1, state=state, expires_at=NOON)
    with (
        pytest.raises(OutboxError, match="message 1 expired 2024-03-05T11:00:00Z"),
        store.writing() as connection,
    ):
        action(connection, [1], "olga", NOON + 1)


def test_a_cancelled_message_gives_its_room_back_and_a_retried_one_takes_it_again(store: Store) -> None:
    add(store, 1, state="uncertain", attempts=3)
    with store.writing() as connection:
        outbox_acts.cancel(connection, [1], "olga", NOON)
    assert (row(store, 1).released_at, next_due(store, 1), row(store, 1).reason) == (NOON, NOON, "REJECTED")
    add(store, 2, state="failed", attempts=3, released_at=NOON)
    with store.writing() as connection:
        outbox_acts.retry(connection, [2], "olga", NOON)
    assert (row(store, 2).released_at, row(store, 2).attempts) == (None, 1)
    assert claim(store)[0].attempts == 2


# ---- lists ----


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (MessageFilter(), [1, 2, 3, 4]),
        (MessageFilter(state="sent"), [2]),
        (MessageFilter(trigger="other"), [3]),
        (MessageFilter(channel="sms"), [4]),
        (MessageFilter(customer="c-2"), [2]),
        (MessageFilter(since=NOON + 1, until=NOON + 3), [2, 3]),
    ],
)
def test_the_listing_is_filtered_and_streamed_by_number(
    store: Store, filters: MessageFilter, found: list[int]
) -> None:
    add(store, 1)
    add(store, 2, state="sent", planned_at=NOON + 1, sent_at=NOON + 1, subject="Hi")
    add(store, 3, trigger="other", planned_at=NOON + 2)
    add(store, 4, channel="sms", planned_at=NOON + 3)
    with store.reading() as connection:
        assert [listed.id for listed in stream(connection, filters, page=2)] == found
