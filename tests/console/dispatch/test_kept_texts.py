"""What a message says is kept with its outcome, and told as it was however the pass ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from console.dispatch import dispatch
from console.dispatch.journal import folder_of
from console.messages.kept_texts import end_old_texts
from core.instants import DAY, SECOND
from core.model.delivery import Outbound, Permanent, Result, Uncertain
from core.model.retention import RetentionSettings
from storage.outbox import texts
from storage.outbox.texts import SentText
from storage.schema.customers import customers
from storage.schema.messages import messages
from storage.store import Store
from tests.console.dispatch.test_dispatch import NOON, ForgetfulChannel, Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path, ForgetfulChannel)
    with closing(made.store):
        yield made


def text_of(shop: Shop, number: int) -> SentText | None:
    with shop.store.reading() as connection:
        return texts.of_message(connection, number)


def answering(result: Result) -> type[ForgetfulChannel]:
    class Answering(ForgetfulChannel):
        def send(self, outbound: Outbound) -> Result:
            return result

    return Answering


def test_a_message_is_kept_as_it_was_sent_whatever_changes_afterwards(shop: Shop) -> None:
    shop.add(1, name="Lisa")
    shop.dispatch()
    with shop.store.writing() as connection:
        connection.execute(update(customers).values(first_name="Mona"))
    shop.files["templates/offer/email.txt"] = "something else"
    found = text_of(shop, 1)
    assert found is not None
    assert (found.made_at, found.subject) == (NOON, "For Lisa")
    assert found.parts["email.txt"].startswith("Lisa, your basket")


@pytest.mark.parametrize(
    ("result", "is_kept"),
    [(Uncertain("the line broke"), True), (Permanent("no such user", suppress_address=True), False)],
)
def test_what_may_have_gone_out_is_kept_and_what_did_not_is_not(
    shop: Shop, result: Result, is_kept: bool
) -> None:
    shop.send_by(answering(result))
    shop.add(1)
    shop.dispatch()
    assert (text_of(shop, 1) is not None) is is_kept


def test_nothing_is_kept_where_the_workspace_says_so(shop: Shop) -> None:
    shop.files["manometer.toml"] += '[retention]\ntexts = "0d"\n'
    shop.add(1)
    shop.dispatch()
    assert text_of(shop, 1) is None


@pytest.mark.skipif(not Path("/proc/sys/kernel/random/boot_id").exists(), reason="no boot to be named")
@pytest.mark.parametrize(("dies", "state"), [("within", "uncertain"), ("before marking", "sent")])
def test_a_message_that_was_on_its_way_at_a_kill_is_kept_by_the_next_pass(
    shop: Shop, dies: str, state: str
) -> None:
    class Killed(ForgetfulChannel):
        def send(self, outbound: Outbound) -> Result:
            if dies == "within":
                os._exit(9)
            return super().send(outbound)

        def flush(self) -> None:
            os._exit(9)

    shop.send_by(Killed)
    shop.add(1, name="Lisa")
    shop.store.close()
    child = os.fork()
    if child == 0:
        try:
            shop.store = Store.open(shop.store.path)
            dispatch(shop.store, shop.workspace, NOON, "killed", ports=shop.ports)
        finally:
            os._exit(1)
    os.waitpid(child, 0)
    shop.store = Store.open(shop.store.path)
    assert list(folder_of(shop.store.path).iterdir())
    dispatch(shop.store, shop.workspace, NOON + SECOND, "next", stopping=lambda: True, ports=shop.ports)
    with shop.store.reading() as connection:
        row: Any = connection.execute(messages.select()).one()
    found = text_of(shop, 1)
    assert row.state == state
    assert found is not None
    assert (found.made_at, found.subject) == (NOON, "For Lisa")


def test_texts_end_once_they_were_kept_long_enough(shop: Shop) -> None:
    shop.add(1)
    shop.dispatch()
    retention = RetentionSettings(7 * DAY)
    assert end_old_texts(shop.store, retention, NOON + 7 * DAY) == 0
    assert text_of(shop, 1) is not None
    assert end_old_texts(shop.store, retention, NOON + 7 * DAY + 1) == 1
    assert text_of(shop, 1) is None
