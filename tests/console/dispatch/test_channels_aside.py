"""A channel that fails by itself twice is set aside by name, and all others go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import ClassVar

import pytest

from console.channels import adapter_class
from console.channels.file import FileChannel
from core.instants import MINUTE, SECOND
from core.model.delivery import ChannelAdapter, Outbound, Result
from core.model.quarantine import SetAside
from core.playbook.playbook import Channel
from storage import brakes, quarantine, status
from tests.console.dispatch.test_dispatch import MAIN, NOON, SMTP, Shop


class Unbuildable(FileChannel):
    """A channel with a fault in its construction."""

    def __init__(self, channel: Channel, folder: Path) -> None:
        raise RuntimeError("lisa@example.org")


class Unsendable(FileChannel):
    """A channel with a fault in its sending, for these messages or for all."""

    only: ClassVar[frozenset[str] | None] = None

    def send(self, outbound: Outbound) -> Result:
        if self.only is None or outbound.key in self.only:
            raise RuntimeError("lisa@example.org")
        return super().send(outbound)


class Unclosable(FileChannel):
    """A channel that raises as it is closed."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        raise RuntimeError("lisa@example.org")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.store.close()


def two_kinds(shop: Shop, email: type[ChannelAdapter] | Exception) -> None:
    """Mail by that adapter, text messages to a file."""
    shop.files["manometer.toml"] = MAIN.replace("EMAIL_SETTINGS", "").replace(
        'kind = "file"', SMTP.replace("PORT", "1"), 1
    )

    def of_kind(kind: str) -> type[ChannelAdapter]:
        if kind != "smtp":
            return adapter_class(kind)
        if isinstance(email, Exception):
            raise email
        return email

    shop.ports = replace(shop.ports, adapter_class=of_kind)


def aside(shop: Shop) -> list[SetAside]:
    with shop.store.reading() as connection:
        return list(quarantine.listing(connection))


def fill(shop: Shop, mails: int) -> None:
    for number in range(1, mails + 1):
        shop.add(number)
    for number in range(mails + 1, mails + 11):
        shop.add(number, channel="sms")


@pytest.mark.parametrize("email", [Unbuildable, SyntaxError("no"), Unclosable, Unsendable])
def test_a_channel_that_raises_twice_is_set_aside_by_name_and_the_others_go(
    shop: Shop, email: type[ChannelAdapter] | Exception
) -> None:
    fill(shop, 30)
    two_kinds(shop, email)
    assert shop.dispatch().sent >= 10
    assert len(shop.sent("sms")) == 10
    shop.add(100, planned_at=NOON + MINUTE)
    shop.dispatch(NOON + 2 * MINUTE)
    (thing,) = aside(shop)
    assert (thing.kind, thing.what) == ("channel", "email")
    assert "lisa" not in thing.reason
    shop.add(200, channel="sms", planned_at=NOON + 3 * MINUTE)
    done = shop.dispatch(NOON + 3 * MINUTE)
    assert done.sent == 1
    assert done.halted == {"email": thing.reason}
    with shop.store.reading() as connection:
        figures = status.figures(connection, NOON + 3 * MINUTE, MINUTE)
        assert [(each.kind, each.what) for each in figures.quarantine] == [("channel", "email")]
    two_kinds(shop, FileChannel)
    assert shop.dispatch(NOON + 4 * MINUTE).sent == 0
    with shop.store.writing() as connection:
        quarantine.release(connection, thing.id, "ann", NOON + 4 * MINUTE)
    shop.dispatch(NOON + 3 * 60 * MINUTE)
    assert len({line["key"] for line in shop.sent()}) == 31


def test_messages_for_which_sending_raises_do_not_set_the_channel_aside_that_takes_others(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Unsendable, "only", frozenset(f"k{number}" for number in range(1, 16)))
    fill(shop, 30)
    two_kinds(shop, Unsendable)
    for passed in range(0, 60, 5):
        shop.dispatch(NOON + passed * SECOND)
    assert aside(shop) == []
    assert len(shop.sent()) == 15


def test_what_a_channel_refuses_or_cannot_reach_does_not_set_it_aside(shop: Shop) -> None:
    fill(shop, 30)
    shop.files["manometer.toml"] = MAIN.replace("EMAIL_SETTINGS", "").replace(
        'kind = "file"', SMTP.replace("PORT", "1"), 1
    )
    for minute in range(0, 40, 4):
        assert "email" in shop.dispatch(NOON + minute * MINUTE).halted
    assert aside(shop) == []


def test_a_failure_is_forgotten_once_the_channel_takes_a_message(shop: Shop) -> None:
    for minute in (0, 4):
        two_kinds(shop, Unbuildable)
        shop.add(1 + minute)
        assert "email" in shop.dispatch(NOON + minute * MINUTE).halted
        with shop.store.writing() as connection:
            brakes.release(connection, "email")
        two_kinds(shop, FileChannel)
        assert shop.dispatch(NOON + (minute + 2) * MINUTE).sent == 1
    assert aside(shop) == []
