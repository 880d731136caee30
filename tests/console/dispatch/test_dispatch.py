"""The dispatcher: what is due goes out once, as of its instant, after a last look; everything else says why
not.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Barrier, Thread
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from console import dispatch as dispatching
from console.channels import adapter_class, adapter_kinds
from console.channels.file import FileChannel
from console.clock import now
from console.dispatch import (
    Dispatched,
    DispatchPorts,
    dispatch,
    is_gone,
    numeric_approvals,
    process_name,
    retry_delay,
)
from console.dispatch.preparing import LEAVING
from console.main import main
from console.messages.unsubscribe_links import read_token
from console.workspace.reading import Workspace, read_files
from core.instants import DAY, HOUR, MINUTE, SECOND, Instant, parse_instant
from core.model.delivery import ConfigError, Outbound, Permanent, Result, Retry, Uncertain
from core.model.pauses import Pause, parse_target
from storage import pauses, segments, status
from storage.brakes import ChannelBackoff, channel_backoffs
from storage.outbox import acts as outbox_acts
from storage.outbox.dispatch import ApprovalBatch
from storage.schema.consents import suppressions
from storage.schema.customers import customers
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.messages import messages
from storage.store import Store
from storage.suppressions import Report, suppress
from tests.servers import DROP_ACCEPTED, Answer, MailServer, WebServer

NOON = parse_instant("2024-03-05T12:00:00+01:00")
MAIN = """
[workspace]
name = "Muster Mode"
time_zone = "Europe/Zurich"
currency = "CHF"
[consent]
policy = "assumed"
[channels.email]
kind = "file"
send_window = ["Mon-Sun 07:00-21:00"]
EMAIL_SETTINGS
[channels.sms]
kind = "file"
"""
TRIGGER = """
title = "Basket left behind"
status = "active"
purpose = "PURPOSE"
APPROVAL
[when]
kind = "transactional"
event = "Checkout Started"
[exit]
on = ["Order Completed"]
[[steps]]
channels = ["email", "sms"]
template = "offer"
"""
FILES = {
    "manometer.toml": MAIN.replace("EMAIL_SETTINGS", ""),
    "triggers/basket.toml": TRIGGER.replace("PURPOSE", "marketing").replace("APPROVAL", ""),
    "triggers/receipt.toml": TRIGGER.replace("PURPOSE", "transactional").replace("APPROVAL", ""),
    "templates/offer/subject.txt": "For {{ customer.first_name }}",
    "templates/offer/email.txt": "{{ customer.first_name }}, your basket {{ event.properties.cart_id }}",
    "templates/offer/sms.txt": "Your basket",
}


class Shop:
    """A workspace in a folder with its store, and what a test does to it."""

    def __init__(self, folder: Path, files_adapter: type[FileChannel] = FileChannel) -> None:
        self.folder = folder
        self.store = Store.create(folder / "manometer.db")
        self.files = dict(FILES)
        self.ports = DispatchPorts()
        self.send_by(files_adapter)

    def send_by(self, files_adapter: type[FileChannel]) -> None:
        """From now on another adapter takes what goes to files."""
        self.ports = replace(
            self.ports, adapter_class=lambda kind: files_adapter if kind == "file" else adapter_class(kind)
        )

    @property
    def workspace(self) -> Workspace:
        return read_files(self.files, self.folder, channel_kinds=adapter_kinds())

    def settings(self, *lines: str) -> None:
        self.files["manometer.toml"] = MAIN.replace("EMAIL_SETTINGS", "\n".join(lines))

    def trigger(self, line: str) -> None:
        self.files["triggers/basket.toml"] = TRIGGER.replace("PURPOSE", "marketing").replace("APPROVAL", line)

    def add(self, number: int, *, name: str = "Lisa", **values: Any) -> int:
        row = {
            "id": number, "key": f"k{number}", "customer_id": number, "enrolment_id": number,
            "trigger": "basket", "step": 1,
            "channel": "email", "template": "offer", "address": "old@example.org", "state": "planned",
            "planned_at": NOON,
            "expires_at": NOON + DAY, "lands_at": values.get("planned_at", NOON), "purpose": "marketing",
            "weight": 1000, "counts": 1,
        } | values  # fmt: skip
        traits = json.dumps({"firstName": name, "email": f"c{number}@example.org", "phone": "+41791234567"})
        with self.store.writing() as connection:
            connection.execute(insert(customers).values(id=number, key=f"c-{number}", traits=traits))
            connection.execute(
                insert(enrolments).values(
                    id=number, customer_id=number, trigger=row["trigger"], cause_key=f"event:{number}",
                    cause_at=NOON - HOUR,
                    cause_event=number, entered_at=NOON - HOUR, version=1, state="done", step=2,
                    planned_at=NOON,
                )
            )  # fmt: skip
            connection.execute(insert(messages).values(row))
        self.event(number, number, "Checkout Started", NOON - HOUR)
        return number

    def event(self, number: int, customer: int, name: str, at: Instant) -> None:
        with self.store.writing() as connection:
            connection.execute(
                insert(events).values(
                    id=number, dedup=number.to_bytes(16), customer_id=customer, kind="track", name=name,
                    occurred_at=at, arrived_at=at,
                    source="shop", properties='{"cart_id": "cart-1"}',
                )
            )  # fmt: skip

    def dispatch(
        self, now: Instant | Callable[[], Instant] = NOON, owner: str = "me", stops: tuple[Pause, ...] = ()
    ) -> Dispatched:
        workspace = self.workspace
        stopped = replace(workspace, playbook=replace(workspace.playbook, pauses=stops))
        return dispatch(self.store, stopped, now, owner, ports=self.ports)

    def sent(self, channel: str = "email") -> list[dict[str, Any]]:
        path = self.folder / "outbox" / f"{channel}.ndjson"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def row(self, number: int) -> Any:
        with self.store.reading() as connection:
            return connection.execute(select(messages).where(messages.c.id == number)).one()

    def state(self, number: int) -> tuple[str, str | None]:
        return self.row(number).state, self.row(number).reason


class ForgetfulChannel(FileChannel):
    """Cannot tell whether it had a message before."""

    idempotent_by_key = False


def answering(result: Result) -> type[FileChannel]:
    """A channel that says the same of each message."""

    class AnsweringChannel(FileChannel):
        def send(self, outbound: Outbound) -> Result:
            return result

    return AnsweringChannel


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.store.close()


# ---- handing over ----


def test_what_is_due_goes_out_with_the_facts_of_its_cause_and_her_address_of_today(shop: Shop) -> None:
    shop.add(1, name="Zoë\r\nBcc: x")
    shop.add(2, planned_at=NOON + 1)
    assert shop.dispatch() == Dispatched(sent=1)
    (line,) = shop.sent()
    assert (line["key"], line["address"], line["subject"]) == ("k1", "c1@example.org", "For Zoë Bcc: x")
    assert line["parts"] == {"email.txt": "Zoë\r\nBcc: x, your basket cart-1"}
    row = shop.row(1)
    assert (row.state, row.sent_at, row.subject, row.address) == (
        "sent",
        NOON,
        "For Zoë Bcc: x",
        "c1@example.org",
    )
    assert (row.claimed_by, row.lands_at, row.attempts) == (None, NOON, 1)
    assert shop.state(2) == ("planned", None)


def test_a_second_pass_sends_nothing_again(shop: Shop) -> None:
    shop.add(1)
    shop.dispatch()
    assert shop.dispatch(NOON + MINUTE) == Dispatched()
    assert len(shop.sent()) == 1


def test_many_messages_go_out_in_order_of_their_instants(shop: Shop) -> None:
    for number in range(1, 121):
        shop.add(number, planned_at=NOON - number)
    assert shop.dispatch().sent == 120
    assert [line["id"] for line in shop.sent()] == list(range(120, 0, -1))


@pytest.mark.parametrize(
    ("delay", "lands"), [(0, 3 * DAY), (5 * MINUTE, 3 * DAY), (5 * MINUTE + 1, 3 * DAY + 5 * MINUTE + 1)]
)
def test_a_message_later_than_the_grace_counts_at_its_hand_over(shop: Shop, delay: int, lands: int) -> None:
    shop.add(1, lands_at=NOON + 3 * DAY)
    assert shop.dispatch(NOON + delay).sent == 1
    assert shop.row(1).lands_at == NOON + lands


def test_a_late_message_waits_for_its_send_window_and_one_in_time_does_not(shop: Shop) -> None:
    nine = NOON + 9 * HOUR
    shop.add(1, planned_at=nine - 1)
    shop.add(2, planned_at=nine - 6 * MINUTE)
    shop.add(3, planned_at=nine - 7 * MINUTE, expires_at=nine + HOUR)
    done = shop.dispatch(nine)
    assert (done.sent, done.expired) == (1, 1)
    assert (shop.state(1), shop.state(2), shop.state(3)) == (
        ("sent", None),
        ("due", None),
        ("expired", "EXPIRED"),
    )
    assert shop.dispatch(nine + 10 * HOUR - 1) == Dispatched()
    assert shop.dispatch(nine + 10 * HOUR) == Dispatched(sent=1)


def test_a_message_that_is_tried_again_waits_for_its_send_window_however_little_late(shop: Shop) -> None:
    nine = NOON + 9 * HOUR
    shop.add(1, planned_at=nine - 1, state="due", attempts=1)
    assert shop.dispatch(nine) == Dispatched()
    assert (shop.state(1), shop.row(1).claimed_until, shop.row(1).attempts) == (
        ("due", None),
        nine + 10 * HOUR,
        1,
    )


# ---- the last look ----


def test_a_purchase_after_the_decision_cancels_the_message_and_gives_its_room_back(shop: Shop) -> None:
    shop.add(1)
    shop.event(99, 1, "Order Completed", NOON - MINUTE)
    assert shop.dispatch() == Dispatched(cancelled=1)
    assert shop.state(1) == ("cancelled", "GOAL_REACHED")
    assert shop.row(1).released_at == NOON
    assert not shop.sent()


def test_a_suppressed_address_cancels_the_message(shop: Shop) -> None:
    shop.add(1)
    with shop.store.writing() as connection:
        report = Report("email", "c1@example.org", "bounced", NOON - 1, NOON - 1, "test")
        suppress(connection, [report])
    shop.dispatch()
    assert shop.state(1) == ("cancelled", "ADDRESS_SUPPRESSED")


def test_a_trigger_that_is_gone_from_the_files_sends_nothing(shop: Shop) -> None:
    shop.add(1, trigger="former")
    shop.dispatch()
    assert shop.state(1) == ("cancelled", "TRIGGER_RETIRED")


@pytest.mark.parametrize(("now", "state"), [(NOON + DAY, "sent"), (NOON + DAY + 1, "expired")])
def test_a_message_goes_out_until_it_expires(shop: Shop, now: Instant, state: str) -> None:
    shop.add(1)
    shop.dispatch(now)
    assert shop.row(1).state == state


# ---- pauses ----


def test_a_paused_trigger_waits_as_it_was_and_the_others_go_on(shop: Shop) -> None:
    shop.add(1)
    shop.add(2, trigger="receipt", purpose="transactional")
    before = shop.row(1)
    assert shop.dispatch(stops=(Pause(parse_target("basket"), NOON - 1),)) == Dispatched(sent=1)
    assert shop.row(1) == before


@pytest.mark.parametrize(("transactional", "sent"), [(False, 1), (True, 0)])
def test_the_emergency_stop_lets_transactional_messages_go_unless_asked(
    shop: Shop, transactional: bool, sent: int
) -> None:
    shop.add(1)
    shop.add(2, trigger="receipt", purpose="transactional")
    assert (
        shop.dispatch(stops=(Pause(parse_target("*"), NOON - 1, transactional=transactional),)).sent == sent
    )
    assert shop.state(1) == ("planned", None)


def test_a_stop_that_comes_within_a_portion_acts_within_a_second(shop: Shop) -> None:
    for number in range(1, 11):
        shop.add(number)
    clock = iter(range(NOON, NOON + HOUR, 200))

    class StoppedAtTheSecond(FileChannel):
        def send(self, outbound: Outbound) -> Result:
            if outbound.message_id == 2:
                with shop.store.writing() as connection:
                    pauses.pause(connection, Pause(parse_target("*"), NOON), "olga", "wrong prices")
            return super().send(outbound)

    shop.send_by(StoppedAtTheSecond)
    done = shop.dispatch(lambda: next(clock))
    assert 2 <= done.sent <= 7
    assert {shop.row(number).state for number in range(done.sent + 1, 11)} == {"planned"}


def test_a_paused_segment_whose_condition_takes_too_long_holds_its_members_and_nobody_else(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SECONDS_IN_A_PASS", 0.0)
    monkeypatch.setattr(segments, "STEPS", 100)
    for number in range(1, 401):
        shop.add(number, name="Eve" if number % 4 == 0 else "Lisa")
    with shop.store.writing() as connection:
        connection.execute(
            update(customers).values(first_name=func.json_extract(customers.c.traits, "$.firstName"))
        )
    shop.files["segments.toml"] = """[segments.eves]
title = "Eves"
where = "lower(first_name) == 'eve'"
"""
    with shop.store.writing() as connection:
        pauses.pause(connection, Pause(parse_target("segment:eves"), NOON), "olga", None)
    with shop.store.writing() as connection, pytest.raises(segments.ConditionTimeError, match="'eves'"):
        pauses.waiting_under(
            connection, Pause(parse_target("segment:eves"), NOON), shop.workspace.playbook, NOON
        )
    assert shop.dispatch().sent == 300
    assert {shop.row(number).state for number in range(4, 401, 4)} == {"planned"}
    assert {shop.row(number).attempts for number in range(4, 401, 4)} == {0}
    with shop.store.writing() as connection:
        row = pauses.current(connection, NOON)["segment:eves"]
        pauses.resume(connection, row, NOON, "overdue", "olga", None)
    assert shop.dispatch(NOON + MINUTE).sent == 100


# ---- approval and capacity ----


def test_a_large_batch_is_held_until_an_operator_lets_it_go(shop: Shop) -> None:
    shop.trigger("approval = 2")
    for number in range(1, 4):
        shop.add(number)
    shop.add(4, trigger="receipt", purpose="transactional")
    assert shop.dispatch() == Dispatched(held=3, sent=1)
    assert shop.state(1) == ("held", "APPROVAL")
    with shop.store.writing() as connection:
        outbox_acts.approve(connection, [1, 2], "olga", NOON)
        outbox_acts.reject(connection, [3], "olga", NOON)
    assert shop.dispatch(NOON + MINUTE) == Dispatched(sent=2)
    assert shop.state(3) == ("cancelled", "REJECTED")


def test_numbers_may_stand_on_trigger_step_and_channel_and_yes_is_no_number(shop: Shop) -> None:
    shop.trigger("approval = 5")
    shop.settings("approval = 7")
    assert numeric_approvals(shop.workspace.playbook) == [
        ApprovalBatch("basket", 5), ApprovalBatch("basket", 7, channel="email"),
        ApprovalBatch("receipt", 7, channel="email"),
    ]  # fmt: skip
    shop.trigger("approval = true")
    assert ApprovalBatch("basket", 1) not in numeric_approvals(shop.workspace.playbook)


def test_a_held_message_expires(shop: Shop) -> None:
    shop.add(1, state="held")
    assert shop.dispatch(NOON + DAY + 1) == Dispatched(expired=1)


def test_what_is_over_the_capacity_waits_for_the_next_local_day(shop: Shop) -> None:
    shop.settings('capacity = "3/day"')
    for number in range(1, 6):
        shop.add(number, expires_at=NOON + 3 * DAY)
    shop.add(6, channel="sms")
    assert shop.dispatch() == Dispatched(sent=4)
    assert shop.dispatch(NOON + HOUR) == Dispatched()
    assert [shop.row(number).state for number in range(1, 7)] == [
        "sent",
        "sent",
        "sent",
        "planned",
        "planned",
        "sent",
    ]
    assert shop.dispatch(parse_instant("2024-03-06T07:00:00+01:00")) == Dispatched(sent=2)


# ---- failures ----


def test_a_template_that_cannot_be_made_fails_its_message_only(shop: Shop) -> None:
    shop.files["templates/offer/email.txt"] = (
        "{% if customer.first_name == 'Eve' %}{{ customer.first_name + 1 }}{% endif %}x"
    )
    shop.add(1, name="Eve")
    shop.add(2)
    assert shop.dispatch() == Dispatched(sent=1, failed=1)
    assert shop.state(1) == ("failed", "TEMPLATE_ERROR")
    assert shop.row(1).error.startswith("templates/offer/email.txt: ")
    assert shop.row(1).released_at == NOON
    with shop.store.reading() as connection:
        seen = status.figures(connection, NOON, MINUTE)
    assert (seen.failed_lately, seen.failed_of) == (1, (shop.row(1).trigger,))


@pytest.mark.parametrize(
    ("result", "state", "done"),
    [
        (Retry("busy"), ("due", None), Dispatched(retried=1)),
        (Retry("busy", after=2 * DAY), ("failed", "CHANNEL_ERROR"), Dispatched(failed=1)),
        (Permanent("no"), ("due", None), Dispatched(retried=1)),
        (Permanent("gone", suppress_address=True), ("failed", "CHANNEL_ERROR"), Dispatched(failed=1)),
        (Permanent("no text", before_asking=True), ("failed", "CHANNEL_ERROR"), Dispatched(failed=1)),
        (ConfigError("not for you", of_message=True), ("due", None), Dispatched(retried=1)),
        (Uncertain("cut off"), ("uncertain", "CHANNEL_ERROR"), Dispatched(uncertain=1)),
        (ConfigError("wrong password"), ("planned", None), Dispatched(halted={"email": "wrong password"})),
    ],
)
def test_each_result_of_a_channel_has_its_state(
    shop: Shop, result: Result, state: tuple[str, str | None], done: Dispatched
) -> None:
    shop.send_by(answering(result))
    shop.add(1)
    assert shop.dispatch() == done
    assert shop.state(1) == state
    assert shop.row(1).attempts == (0 if done.halted else 1)


def test_a_dead_address_is_suppressed(shop: Shop) -> None:
    shop.send_by(answering(Permanent("unknown user", suppress_address=True)))
    shop.add(1)
    shop.dispatch()
    with shop.store.reading() as connection:
        rows = connection.execute(
            select(
                suppressions.c.medium, suppressions.c.address, suppressions.c.reason, suppressions.c.source
            )
        ).all()
    assert [tuple(row) for row in rows] == [("email", "c1@example.org", "unknown user", "channel email")]


def test_a_halted_channel_keeps_its_queue_and_the_others_go_on(shop: Shop) -> None:
    shop.add(1)
    shop.add(2, channel="sms")
    (shop.folder / "outbox").mkdir()
    (shop.folder / "outbox" / "email.ndjson").mkdir()
    done = shop.dispatch()
    assert (done.sent, list(done.halted)) == (1, ["email"])
    assert shop.state(1) == ("planned", None)
    (shop.folder / "outbox" / "email.ndjson").rmdir()
    assert shop.dispatch(NOON + MINUTE) == Dispatched(sent=1)


def test_retries_back_off_and_end_with_the_budget(shop: Shop) -> None:
    shop.send_by(answering(Retry("busy")))
    shop.add(1, expires_at=NOON + 30 * DAY, channel="sms")
    now, tries = NOON, 0
    while shop.row(1).state != "failed":
        shop.dispatch(now)
        tries += 1
        assert shop.dispatch(now) == Dispatched()
        now = shop.row(1).claimed_until or now
    assert (tries, shop.row(1).attempts) == (dispatching.MOST_ATTEMPTS, dispatching.MOST_ATTEMPTS)
    assert shop.row(1).error == "busy (given up after 10 attempts)"


def test_the_wait_grows_with_the_attempts_and_is_the_same_each_time() -> None:
    waits = [[retry_delay(f"k{key}", attempts) for key in range(200)] for attempts in (1, 3, 9, 60)]
    assert [
        max(each) <= limit + 10 * SECOND for each, limit in zip(waits, (MINUTE, 4 * MINUTE, HOUR, HOUR))
    ] == [True] * 4
    assert min(min(each) for each in waits) >= 10 * SECOND
    assert len(set(waits[0])) > 190
    assert retry_delay("k", 2) == retry_delay("k", 2)


# ---- crashes and rivals ----


def test_a_crash_between_writing_and_marking_writes_nothing_twice(shop: Shop) -> None:
    class KilledBeforeTheMarks(FileChannel):
        def flush(self) -> None:
            raise KeyboardInterrupt

    for number in range(1, 4):
        shop.add(number)
    shop.send_by(KilledBeforeTheMarks)
    with pytest.raises(KeyboardInterrupt):
        shop.dispatch()
    shop.send_by(FileChannel)
    assert len(shop.sent()) == 3
    assert shop.state(1) == ("claimed", None)
    assert shop.dispatch(NOON + MINUTE) == Dispatched(sent=3)
    assert [(shop.row(number).sent_at, shop.row(number).attempts) for number in (1, 2, 3)] == [(NOON, 1)] * 3
    assert len(shop.sent()) == 3


def test_a_crash_while_writing_marks_what_was_written_and_tries_the_rest_again(shop: Shop) -> None:
    class KilledAtTheSecond(FileChannel):
        def send(self, outbound: Outbound) -> Result:
            result = super().send(outbound)
            if outbound.message_id == 2 and outbound.attempt == 1:
                raise KeyboardInterrupt
            return result

    for number in range(1, 4):
        shop.add(number)
    shop.send_by(KilledAtTheSecond)
    with pytest.raises(KeyboardInterrupt):
        shop.dispatch()
    assert [shop.row(number).state for number in (1, 2, 3)] == ["sent", "claimed", "claimed"]
    assert shop.dispatch(NOON + MINUTE).sent == 2
    assert [line["id"] for line in shop.sent()] == [1, 2, 3]
    assert [shop.row(number).attempts for number in (1, 2, 3)] == [1, 2, 1]


def test_what_may_have_gone_out_is_never_said_to_have_expired(shop: Shop) -> None:
    class KilledWhileSending(FileChannel):
        def send(self, outbound: Outbound) -> Result:
            super().send(outbound)
            raise KeyboardInterrupt

    shop.add(1)
    shop.send_by(KilledWhileSending)
    with pytest.raises(KeyboardInterrupt):
        shop.dispatch()
    shop.send_by(FileChannel)
    shop.dispatch(shop.row(1).expires_at + HOUR)
    row = shop.row(1)
    assert (row.state, row.reason, row.error) == (
        "uncertain",
        "CHANNEL_ERROR",
        "an earlier attempt may have gone out",
    )
    assert row.released_at is None, "the contact counts on"
    assert len(shop.sent()) == 1


def test_a_pass_from_the_command_line_claims_under_its_process_and_sees_time_go_by(shop: Shop) -> None:
    begun = now()
    shop.add(1, planned_at=begun, expires_at=begun + DAY)
    seen: list[Any] = []

    def behave(stage: str, line: str) -> None:
        if stage == "text":
            seen.append(shop.row(1))

    with MailServer(behave) as server:
        with_smtp(shop, server.port)
        for path, text in shop.files.items():
            (shop.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (shop.folder / path).write_text(text)
        assert main(["-w", str(shop.folder), "tick"]) == 0
    (claimed,) = seen
    assert claimed.claimed_by == process_name()
    assert begun < shop.row(1).sent_at < claimed.claimed_until


def test_what_no_one_can_tell_is_uncertain(shop: Shop) -> None:
    shop.add(1, state="claimed", claimed_by="gone", claimed_until=NOON - 1, attempts=1)
    shop.send_by(ForgetfulChannel)
    assert shop.dispatch() == Dispatched(uncertain=1)
    assert shop.state(1) == ("uncertain", "CHANNEL_ERROR")
    assert not shop.sent()


KILLED = """
import os, sys
from pathlib import Path
from console.channels.file import FileChannel
from console.dispatch import DispatchPorts, dispatch
from console.workspace.reading import read_files
from tests.console.dispatch.test_dispatch import FILES, NOON
from storage.store import Store
class KilledAtTheSixtieth(FileChannel):
    def send(self, outbound):
        result = super().send(outbound)
        if outbound.message_id == 60:
            os.kill(os.getpid(), 9)
        return result
folder = Path(sys.argv[1])
workspace = read_files(FILES, folder)
ports = DispatchPorts(adapter_class=lambda kind: KilledAtTheSixtieth)
dispatch(Store.open(folder / "manometer.db"), workspace, NOON, ports=ports)
"""


def test_after_a_kill_the_next_pass_goes_on_at_once_and_each_message_is_there_once(shop: Shop) -> None:
    for number in range(1, 81):
        shop.add(number)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(shop.folder)], check=False)
    assert killed.returncode == -9
    assert len(shop.sent()) == 60
    assert shop.dispatch(owner="other").sent == 80
    assert sorted(line["id"] for line in shop.sent()) == list(range(1, 81))


def test_two_dispatchers_at_once_send_each_message_once(shop: Shop) -> None:
    for number in range(1, 301):
        shop.add(number)
    start, done = Barrier(2), []
    workspace = shop.workspace

    def run(owner: str) -> None:
        with Store.open(shop.folder / "manometer.db") as store:
            start.wait()
            done.append(dispatch(store, workspace, NOON, owner).sent)

    rivals = [Thread(target=run, args=(owner,)) for owner in "ab"]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    assert sum(done) == 300
    assert sorted(line["id"] for line in shop.sent()) == list(range(1, 301))


def test_a_channel_that_cannot_make_sure_is_tried_again(shop: Shop) -> None:
    class BrokenDisk(FileChannel):
        def flush(self) -> None:
            raise OSError("input/output error")

    shop.add(1)
    shop.send_by(BrokenDisk)
    assert shop.dispatch() == Dispatched(retried=1)
    shop.send_by(FileChannel)
    assert shop.dispatch(NOON + HOUR) == Dispatched(sent=1)
    assert len(shop.sent()) == 1


def test_who_lost_the_claim_does_not_mark_it(shop: Shop) -> None:
    class Overtaken(FileChannel):
        def send(self, outbound: Outbound) -> Result:
            with shop.store.writing() as connection:
                connection.execute(update(messages).values(claimed_by="other"))
            return super().send(outbound)

    shop.add(1)
    shop.send_by(Overtaken)
    assert shop.dispatch() == Dispatched()
    assert shop.row(1).claimed_by == "other"


def test_a_process_is_gone_once_it_has_ended() -> None:
    assert not is_gone(process_name())
    ended = subprocess.run(
        [sys.executable, "-c", "from console.dispatch import process_name as p; print(p())"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert is_gone(ended.stdout.strip())
    assert is_gone(f"{socket.gethostname()}:{os.getpid()}:12345")
    for name in ("elsewhere:1:1", "me", "", f"{socket.gethostname()}:x:1"):
        assert not is_gone(name)


# ---- channels that really send ----

SMTP = """kind = "smtp"
host = "127.0.0.1"
port = PORT
security = "none"
timeout = "2s"
from = "Muster Mode <hallo@muster.example>"
"""
CLOSED = 1
"""A port at which nobody listens."""


def with_smtp(shop: Shop, port: int, more: str = "") -> None:
    main = MAIN.replace('kind = "file"', SMTP.replace("PORT", str(port)), 1).replace("EMAIL_SETTINGS", "")
    shop.files["manometer.toml"] = main + more


def backoffs(shop: Shop) -> dict[str, ChannelBackoff]:
    with shop.store.reading() as connection:
        return channel_backoffs(connection)


def test_mail_goes_out_once_and_says_how_to_unsubscribe(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKS", "a secret of enough letters")
    keys = [f"{number:032x}" for number in range(1, 132)]
    for number, key in enumerate(keys[:130], 1):
        shop.add(number, key=key)
    shop.add(131, key=keys[130], trigger="receipt", purpose="transactional")
    shop.files["templates/offer/email.txt"] = "Bye: {{ unsubscribe_url }}"
    with MailServer(per_connection=40) as server:
        with_smtp(
            shop, server.port, '[unsubscribe]\nurl = "https://x.ch/u/{token}"\nsecret = { env = "LINKS" }\n'
        )
        assert shop.dispatch() == Dispatched(sent=131)
    assert set(server.counts.values()) == {1}
    assert len(server.counts) == 131
    link = server.received[0].message["List-Unsubscribe"].strip("<>")
    claim = read_token([b"a secret of enough letters"], link.removeprefix("https://x.ch/u/"))
    assert claim == (keys[0], "email", None)
    assert server.received[0].message.get_content().strip() == f"Bye: {link}"
    receipt = next(mail for mail in server.received if mail.recipients == ("c131@example.org",))
    assert (receipt.message["List-Unsubscribe"], receipt.message.get_content().strip()) == (None, "Bye:")


def test_without_the_secret_of_its_links_nothing_leaves_under_a_consent(shop: Shop) -> None:
    shop.add(1)
    shop.add(2, trigger="receipt", purpose="transactional", channel="sms")
    shop.files["manometer.toml"] = MAIN.replace("EMAIL_SETTINGS", "") + (
        '[unsubscribe]\nurl = "https://x.ch/u/{token}"\nsecret = { env = "NO_SUCH_VARIABLE" }\n'
    )
    done = shop.dispatch()
    assert done.sent == 1
    assert "NO_SUCH_VARIABLE is not set" in done.halted["email"]
    assert shop.state(1) == ("planned", None)


def test_a_server_that_is_down_uses_up_no_attempts_and_is_asked_again_ever_more_rarely(shop: Shop) -> None:
    for number in range(1, 61):
        shop.add(number)
    with_smtp(shop, CLOSED)
    asked: list[Instant] = []
    now = NOON
    for _ in range(40):
        if (
            shop.dispatch(now)
            and backoffs(shop)["email"].until > now
            and (not asked or backoffs(shop)["email"].until != asked[-1])
        ):
            asked.append(backoffs(shop)["email"].until)
        now += MINUTE
    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert waits == sorted(waits)
    assert max(waits) == 15 * MINUTE
    assert backoffs(shop)["email"].since == NOON
    assert (shop.row(1).state, shop.row(1).attempts) == ("planned", 0)
    assert "mail server 127.0.0.1" in (shop.row(1).error or "")
    with MailServer() as server:
        with_smtp(shop, server.port)
        assert shop.dispatch(backoffs(shop)["email"].until).sent == 60
    assert backoffs(shop) == {}


def test_a_wrong_password_halts_the_channel_until_it_is_right_and_says_why(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "falsch")
    for number in range(1, 4):
        shop.add(number)
    shop.add(9, channel="sms")
    with MailServer(auth=("shop", "geheim")) as server:
        with_smtp(shop, server.port)
        signed = 'username = "shop"\npassword = { env = "SMTP_PASSWORD" }\n'
        shop.files["manometer.toml"] = shop.files["manometer.toml"].replace(
            'timeout = "2s"\n', f'timeout = "2s"\n{signed}'
        )
        done = shop.dispatch()
        assert (done.sent, "535" in done.halted["email"], server.connections) == (1, True, 1)
        assert "535" in backoffs(shop)["email"].reason
        assert shop.dispatch(NOON + SECOND).halted == done.halted
        assert server.connections == 1  # no second try within the minute
        monkeypatch.setenv("SMTP_PASSWORD", "geheim")
        assert shop.dispatch(NOON + MINUTE) == Dispatched(sent=3)
    assert backoffs(shop) == {}


def test_a_server_that_loses_mails_is_left_alone_before_it_loses_all(shop: Shop) -> None:
    for number in range(1, 31):
        shop.add(number)
    with MailServer(lambda stage, line: DROP_ACCEPTED if stage == "text" else None) as server:
        with_smtp(shop, server.port)
        done = shop.dispatch()
        assert done.halted
        assert done.uncertain == dispatching.MOST_LOST
        assert len(server.received) == done.uncertain


def test_once_it_is_to_stop_a_pass_gives_back_what_it_has_not_handed_over(shop: Shop) -> None:
    for number in range(1, 41):
        shop.add(number)
    with MailServer(delay=0.01) as server:
        with_smtp(shop, server.port)
        workspace = shop.workspace
        done = dispatch(shop.store, workspace, NOON, "me", stopping=lambda: len(server.received) >= 10)
        assert 10 <= done.sent <= 11
        assert len(server.received) == done.sent
    with shop.store.reading() as connection:
        states = [row.state for row in connection.execute(select(messages.c.state))]
    assert (states.count("sent"), states.count("planned")) == (done.sent, 40 - done.sent)


def test_an_emergency_stop_reaches_mails_that_were_made_while_a_slow_one_was_under_way(shop: Shop) -> None:
    for number in range(1, 11):
        shop.add(number)
    begun = monotonic()

    def behave(stage: str, line: str) -> None:
        if stage == "text" and len(server.received) == 1:
            with shop.store.writing() as connection:
                pauses.pause(connection, Pause(parse_target("*"), NOON), "anna", None)
            sleep(LEAVING / SECOND)

    with MailServer(behave) as server:
        with_smtp(shop, server.port)
        done = shop.dispatch(lambda: NOON + int((monotonic() - begun) * SECOND))
        assert done.sent == 2
    left = [shop.row(number).state for number in range(1, 11)]
    assert (left.count("sent"), left.count("planned")) == (done.sent, 10 - done.sent)


def test_a_wait_that_the_endpoint_asks_for_is_kept_by_later_passes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "whsec_" + "A" * 32)
    for number in range(1, 4):
        shop.add(number)
    with WebServer([Answer(429, headers={"Retry-After": "1800"}), Answer(200)]) as server:
        hook = (
            f'kind = "webhook"\nurl = "{server.url}"\nsecret = {{ env = "HOOK" }}\nallow_hosts = '
            '["localhost"]\n'
        )
        shop.files["manometer.toml"] = MAIN.replace('kind = "file"', hook, 1).replace("EMAIL_SETTINGS", "")
        assert "429" in shop.dispatch().halted["email"]
        assert shop.dispatch(NOON + 30 * MINUTE - 1).sent == 0
        assert len(server.received) == 1
        assert shop.dispatch(NOON + 30 * MINUTE).sent == 3
    assert [request.headers["webhook-id"] for request in server.received] == ["k1", "k1", "k2", "k3"]
