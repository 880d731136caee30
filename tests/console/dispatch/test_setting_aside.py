"""What cannot be made is set aside by itself: all other messages of the pass go out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import ClassVar

import pytest
from sqlalchemy import select, update

from console.channels.file import FileChannel
from console.dispatch import Dispatched
from core.instants import MINUTE, Instant
from core.model.delivery import Outbound, Result
from core.model.fates import Fate
from core.model.quarantine import SetAside
from storage import overview, quarantine
from storage.outbox import acts
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.messages import messages
from storage.store import Store
from tests.console.dispatch.test_dispatch import NOON, Shop

pytestmark = pytest.mark.filterwarnings(
    # where the limit strikes within a callback of the garbage collector it is swallowed, and strikes again
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.store.close()


def aside(shop: Shop) -> list[SetAside]:
    with shop.store.reading() as connection:
        return list(quarantine.listing(connection))


def release(shop: Shop, thing: SetAside) -> None:
    with shop.store.writing() as connection:
        quarantine.release(connection, thing.id, "ann", NOON)


def test_a_customer_whose_traits_are_broken_holds_one_message_of_a_thousand(shop: Shop) -> None:
    for number in range(1, 1001):
        shop.add(number)
    with shop.store.writing() as connection:
        connection.execute(update(customers).where(customers.c.id == 500).values(traits='{"firstName": '))
    assert shop.dispatch().sent == 999
    (thing,) = aside(shop)
    assert (thing.kind, thing.what, thing.since) == ("customer", "c-500", NOON)
    assert shop.state(500) == ("held", "SET_ASIDE")
    assert shop.row(500).attempts == 1


def test_the_messages_of_a_customer_wait_until_the_customer_is_released(shop: Shop) -> None:
    for number in (1, 2):
        shop.add(number)
    with shop.store.writing() as connection:
        connection.execute(update(customers).where(customers.c.id == 1).values(traits="{"))
    shop.dispatch()
    with shop.store.writing() as connection:
        connection.execute(update(customers).where(customers.c.id == 1).values(traits='{"email": "a@b.ch"}'))
    assert shop.dispatch(NOON + MINUTE) == Dispatched()
    release(shop, aside(shop)[0])
    assert shop.dispatch(NOON + MINUTE) == Dispatched(sent=1)
    assert aside(shop) == []


def test_a_message_whose_cause_cannot_be_read_is_set_aside_where_its_template_asks_for_it(
    shop: Shop,
) -> None:
    for number in range(1, 41):
        shop.add(number)
    shop.add(41, channel="sms")  # whose template does not
    with shop.store.writing() as connection:
        connection.execute(update(events).where(events.c.id.in_([7, 41])).values(properties="{"))
    assert shop.dispatch().sent == 40
    event, thing = aside(shop)
    assert (event.kind, event.what) == ("event", "7 of customer c-7")
    assert (thing.kind, thing.what) == ("message", "7 of template offer")
    assert thing.reason.startswith("Event 7 cannot be read")
    assert shop.state(7) == ("held", "SET_ASIDE")
    with shop.store.writing() as connection:
        connection.execute(update(events).where(events.c.id == 7).values(properties='{"cart_id": "9"}'))
    release(shop, thing)
    assert shop.dispatch(NOON + MINUTE) == Dispatched(sent=1)


def test_a_message_whose_lists_meet_an_event_that_cannot_be_read_goes_without_it(shop: Shop) -> None:
    shop.files["templates/offer/email.txt"] = "{% for each in customer.viewed %}{{ each.name }}{% endfor %}x"
    for number in range(1, 4):
        shop.add(number)
    shop.event(100, 2, "Product Viewed", NOON - MINUTE)
    with shop.store.writing() as connection:
        connection.execute(update(events).where(events.c.id == 100).values(properties="{"))
    assert shop.dispatch() == Dispatched(sent=3)
    assert [(thing.kind, thing.what) for thing in aside(shop)] == [("event", "100 of customer c-2")]


@pytest.mark.parametrize("column", ["{", '[{"nothing": 1}]', "7"])
def test_a_message_whose_steps_cannot_be_read_is_set_aside(shop: Shop, column: str) -> None:
    for number in range(1, 31):
        shop.add(number)
    with shop.store.writing() as connection:
        connection.execute(update(messages).where(messages.c.id == 7).values(digest=column))
    assert shop.dispatch().sent == 29
    (thing,) = aside(shop)
    assert (thing.kind, shop.state(7)) == ("message", ("held", "SET_ASIDE"))
    assert thing.reason.startswith("What message 7 carries cannot be read")


def test_a_message_that_was_dropped_is_cancelled_and_gives_its_room_back(shop: Shop) -> None:
    shop.add(1)
    with shop.store.writing() as connection:
        connection.execute(update(events).values(properties="{"))
    shop.dispatch()
    with shop.store.writing() as connection:
        quarantine.drop(connection, aside(shop)[1].id, "ann", NOON + MINUTE, "lost")
    assert shop.state(1) == ("cancelled", "REJECTED")
    assert shop.row(1).released_at == NOON + MINUTE
    assert [thing.kind for thing in aside(shop)] == ["event"]


def test_a_message_that_expires_meanwhile_is_told_no_more(shop: Shop) -> None:
    shop.add(1, expires_at=NOON + MINUTE)
    with shop.store.writing() as connection:
        connection.execute(update(events).values(properties="{"))
    shop.dispatch()
    assert [thing.kind for thing in aside(shop)] == ["event", "message"]
    shop.dispatch(NOON + 2 * MINUTE)
    assert shop.state(1) == ("expired", "EXPIRED")
    assert [thing.kind for thing in aside(shop)] == ["event"]


# ---- templates ----


@pytest.mark.parametrize(
    "text",
    [
        "{% if customer.revenue > 1e999 %}x{% endif %}",
        "{% if customer.revenue > '1e999'|float %}x{% endif %}",
        "{% if customer.revenue > -1e999 %}x{% endif %}",
        "{% for a in [1] %}{% for b in [1] %}{% endfor %}{% endfor %}",
        "{{ customer.first_name|nothing }}",
    ],
)
def test_a_template_that_can_make_nothing_waits_with_all_its_messages(shop: Shop, text: str) -> None:
    for number in range(1, 201):
        shop.add(number)
        if number % 5:
            with shop.store.writing() as connection:
                connection.execute(update(messages).where(messages.c.id == number).values(template="odd"))
    shop.files["templates/odd/email.txt"] = text
    assert shop.dispatch() == Dispatched(sent=40)
    (thing,) = aside(shop)
    assert (thing.kind, thing.what) == ("template", "odd")
    with shop.store.reading() as connection:
        states = set(connection.execute(select(messages.c.template, messages.c.state).distinct()).all())
    assert states == {("offer", "sent"), ("odd", "planned")}
    shop.files["templates/odd/email.txt"] = "put right"
    assert shop.dispatch(NOON + MINUTE) == Dispatched()
    release(shop, thing)
    assert shop.dispatch(NOON + MINUTE) == Dispatched(sent=160)


def test_a_template_that_made_no_message_of_five_is_set_aside_before_it_fails_a_hundred(shop: Shop) -> None:
    for number in range(1, 101):
        shop.add(number)
    shop.add(101, channel="sms")
    shop.files["templates/offer/email.txt"] = "{{ customer.first_name / 2 }}"
    assert shop.dispatch() == Dispatched(sent=1, failed=4)
    (thing,) = aside(shop)
    assert (thing.kind, thing.what) == ("template", "offer")
    assert "templates/offer/email.txt: it made no message of 5" in thing.reason


def test_a_template_that_made_messages_fails_only_those_whose_values_do_not_fit(shop: Shop) -> None:
    shop.files["templates/offer/email.txt"] = (
        "{% if customer.first_name == 'Eve' %}{{ customer.first_name + 1 }}{% endif %}x"
    )
    for number in range(1, 31):
        shop.add(number, name="Eve" if number > 10 else "Lisa")
    assert shop.dispatch() == Dispatched(sent=10, failed=20)
    assert aside(shop) == []


def test_a_template_that_is_broken_in_one_language_holds_the_messages_in_that_language(shop: Shop) -> None:
    shop.files["templates/offer/fr/email.txt"] = "{{ 1e999 }}"
    for number in range(1, 31):
        shop.add(number)
    with shop.store.writing() as connection:
        french = customers.c.id.in_([1, 2, 3])
        traits = '{"locale": "fr", "email": "a@example.org"}'
        connection.execute(update(customers).where(french).values(traits=traits))
    assert shop.dispatch() == Dispatched(sent=27)
    assert [(thing.kind, thing.what) for thing in aside(shop)] == [
        ("message", f"{number} of template offer") for number in (1, 2, 3)
    ]


def test_what_is_set_aside_waits_for_no_approval(shop: Shop) -> None:
    shop.add(1)
    with shop.store.writing() as connection:
        connection.execute(update(events).values(properties="{"))
    shop.dispatch()
    with shop.store.writing() as connection:
        assert overview.waiting(connection, NOON + MINUTE) == {"email": {Fate.HELD: 1}}
        assert acts.held(connection) == []
        with pytest.raises(acts.OutboxError, match="message 1 is set aside"):
            acts.approve(connection, [1], "ann", NOON)


def test_a_template_that_takes_too_long_is_set_aside_after_two_messages_and_the_others_go(
    shop: Shop,
) -> None:
    for number in range(1, 301):
        shop.add(number)
    with shop.store.writing() as connection:
        slow = messages.c.id.in_(range(50, 150))
        connection.execute(update(messages).where(slow).values(template="odd"))
    body = "{% set a = 'xxxxxxxx' %}" + "{% set a = a ~ a %}" * 14
    body += "{% for i in range(1000) %}{% set b = a|upper|title|lower|title %}{% endfor %}x"
    shop.files["templates/odd/email.txt"] = body
    assert shop.dispatch() == Dispatched(sent=200)
    kinds = [(thing.kind, thing.what) for thing in aside(shop)]
    assert kinds == [("message", "50 of template odd"), ("template", "odd")]
    assert all("takes longer than 1 s" in thing.reason for thing in aside(shop))


# ---- kills ----

KILLED = """
import os, sys
from pathlib import Path
from console.dispatch import dispatch, preparing
from console.messages.handover import Workshop
from tests.console.dispatch.test_dispatch import NOON, FILES, Shop
from storage.store import Store

original = Workshop.make_claimed

def make(self, message, profile, at):
    if message.id == 137:
        os.kill(os.getpid(), 9)
    return original(self, message, profile, at)

Workshop.make_claimed = make
shop = Shop.__new__(Shop)
shop.folder, shop.files = Path(sys.argv[1]), dict(FILES)
shop.store = Store.open(shop.folder / "manometer.db")
dispatch(shop.store, shop.workspace, NOON)
"""


def test_a_message_that_kills_the_process_is_set_aside_after_two_kills_and_all_others_go(shop: Shop) -> None:
    for number in range(1, 251):
        shop.add(number)
    command = [sys.executable, "-c", KILLED, str(shop.folder)]
    ended = [subprocess.run(command, check=False).returncode for _ in range(4)]
    assert ended == [-9, -9, -9, 0]
    (thing,) = aside(shop)
    assert (thing.kind, thing.what) == ("message", "137 of template offer")
    assert shop.state(137) == ("held", "SET_ASIDE")
    assert len({line["key"] for line in shop.sent()}) == len(shop.sent()) == 249
    assert not list(shop.folder.glob("*-note"))


class Killer(FileChannel):
    """A channel that ends the process while it sends: with some messages always, and once with any that comes
    at the wrong time.
    """

    poison: ClassVar[frozenset[str]] = frozenset()
    left: ClassVar[int] = 1_000_000
    """Messages that go until a kill from outside."""

    def send(self, outbound: Outbound) -> Result:
        if outbound.key in self.poison or Killer.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        Killer.left -= 1
        return super().send(outbound)


class RemoteKiller(Killer):
    """The same from the thread that waits for another machine."""

    is_remote = True


def run_until_killed(shop: Shop, channel: type[Killer], left: int, at: Instant) -> bool:
    """One pass in a process of its own; whether it came to its end."""
    shop.store.close()
    child = os.fork()
    if child == 0:
        Killer.left = left
        shop.store = Store.open(shop.folder / "manometer.db")
        shop.send_by(channel)
        shop.dispatch(at)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    shop.store = Store.open(shop.folder / "manometer.db")
    return os.waitstatus_to_exitcode(status) == 0


def test_a_message_that_kills_the_process_while_it_is_sent_is_set_aside_after_two_kills(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Killer, "poison", frozenset({"k500"}))
    for number in range(1, 1002):
        shop.add(number)
    ended = [run_until_killed(shop, RemoteKiller, 10_000, NOON + each) for each in range(3)]
    assert ended == [False, False, True]
    (thing,) = aside(shop)
    assert (thing.kind, thing.what) == ("message", "500 of template offer")
    assert "ended without a word" in thing.reason
    assert shop.state(500) == ("held", "SET_ASIDE")
    assert len({line["key"] for line in shop.sent()}) == len(shop.sent()) == 1000
    monkeypatch.setattr(Killer, "poison", frozenset())
    release(shop, thing)
    assert shop.dispatch(NOON + MINUTE) == Dispatched(sent=1)


def test_all_others_go_before_one_that_was_being_sent_at_a_kill_is_tried_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Killer, "poison", frozenset({"k2"}))
    for number in range(1, 301):
        shop.add(number)
    for each in range(2):
        assert not run_until_killed(shop, Killer, 10_000, NOON + each)
    assert len(shop.sent()) == 299


@pytest.mark.parametrize("channel", [Killer, RemoteKiller])
def test_kills_from_outside_accuse_no_message(shop: Shop, channel: type[Killer]) -> None:
    dice = Random(7)
    first = 1
    for kill in range(15):
        for number in range(first, first + 12):
            shop.add(number)
        first += 12
        run_until_killed(shop, channel, dice.randrange(12), NOON + kill)
    assert aside(shop) == []
    assert run_until_killed(shop, channel, 10_000, NOON + MINUTE)
    assert aside(shop) == []
    assert len({line["key"] for line in shop.sent()}) == len(shop.sent()) == first - 1
