"""The texts of messages as they went out: packed without loss, and gone when they are to be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from core.instants import DAY, Instant
from storage.outbox import texts
from storage.outbox.texts import BasePacker, KeptText
from storage.schema.messages import messages
from storage.schema.texts import sent_texts, text_bases
from storage.store import Store

NOW: Instant = 1_700_000_000_000
SOURCES = (
    "Hi {{ customer.first_name }}",
    "<html><p>Dear {{ customer.first_name }}, three pullovers in your basket still wait to be bought. "
    "We keep them until Monday evening at eight; from Tuesday on others may have them.</p></html>",
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as made:
        yield made


def add(store: Store, number: int, made_at: Instant, subject: str = "Hi", **parts: str) -> None:
    """A message that was sent, with its text."""
    row: dict[str, Any] = {
        "id": number, "key": f"k{number}", "customer_id": number, "enrolment_id": number, "trigger": "basket",
        "step": 1, "channel": "email", "template": "offer", "state": "sent", "planned_at": made_at,
        "expires_at": made_at, "lands_at": made_at, "purpose": "marketing", "weight": 1000, "counts": 1,
    }  # fmt: skip
    base = texts.base_of(SOURCES)
    with store.writing() as connection:
        connection.execute(insert(messages), row)
        number_of_base = texts.keep_base(connection, base, made_at)
        said = KeptText(made_at, number_of_base, BasePacker(base).pack(subject, parts))
        texts.keep(connection, {number: said})


def kept(store: Store) -> list[int]:
    with store.reading() as connection:
        return list(connection.execute(select(sent_texts.c.message_id)).scalars())


@pytest.mark.parametrize(
    ("subject", "parts"),
    [
        ("", {}),
        ("Für Zoë 🎂", {"email.txt": "a\r\n\x00\x1b[2J", "email.html": "<p>" + "ü" * 100_000 + "</p>"}),
        ('"quoted" \\ {"json": 1}', {"webpush.json": '{"a": "b"}'}),
    ],
)
def test_a_text_is_read_as_it_was_kept(store: Store, subject: str, parts: dict[str, str]) -> None:
    add(store, 1, NOW, subject, **parts)
    with store.reading() as connection:
        found = texts.of_message(connection, 1)
        assert found is not None
        assert (found.made_at, found.subject, dict(found.parts)) == (NOW, subject, parts)
        assert texts.of_message(connection, 2) is None


def test_a_lone_surrogate_that_utf_8_cannot_hold_keeps_no_text_from_being_kept(store: Store) -> None:
    add(store, 1, NOW, "a\ud800b")
    with store.reading() as connection:
        found = texts.of_message(connection, 1)
    assert found is not None
    assert found.subject == "a?b"


def test_what_a_template_says_is_kept_once_and_takes_no_room_in_its_mails() -> None:
    base = BasePacker(texts.base_of(SOURCES))
    said = {"email.html": SOURCES[1].replace("{{ customer.first_name }}", "Lisa")}
    assert len(base.pack("Hi Lisa", said)) * 3 < len(BasePacker(b"").pack("Hi Lisa", said)) * 2


def test_a_base_holds_the_last_of_what_zlib_can_look_back_at() -> None:
    assert texts.base_of(["x" * 100_000, "end"]).endswith(b'"end"')
    assert len(texts.base_of(["x" * 100_000])) == texts.LONGEST_BASE


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_text_that_is_damaged_is_told_as_such(store: Store, damage: bytes | None) -> None:
    add(store, 1, NOW, "Hi")
    with store.writing() as connection:
        if damage is None:  # packed against another base
            other = texts.keep_base(connection, b"other", NOW)
            connection.execute(update(sent_texts).values(base=other))
        else:
            connection.execute(update(sent_texts).values(packed=damage))
        with pytest.raises(ValueError, match="damaged"):
            texts.of_message(connection, 1)


def test_texts_end_the_oldest_first_and_bases_after_them(store: Store) -> None:
    for number in range(1, 6):
        add(store, number, NOW + number * DAY)
    with store.writing() as connection:
        assert not texts.has_older(connection, NOW + DAY)
        assert texts.has_older(connection, NOW + DAY + 1)
        assert texts.end_older(connection, NOW + 4 * DAY, most=2) == 2
        assert texts.end_older(connection, NOW + 4 * DAY, most=2) == 1
        assert texts.end_older(connection, NOW + 4 * DAY) == 0
        assert connection.execute(select(text_bases.c.id)).all() != []
    assert kept(store) == [4, 5]
    with store.writing() as connection:
        assert texts.end_older(connection, NOW + 60 * DAY) == 2
        assert connection.execute(select(text_bases.c.id)).all() == []


def test_a_base_that_is_used_again_is_made_sure_of_and_stays(store: Store) -> None:
    base = texts.base_of(SOURCES)
    number = texts.base_number(base)
    with store.writing() as connection:
        assert not texts.is_base_fresh(connection, number, NOW)
        texts.keep_base(connection, base, NOW)
        assert texts.is_base_fresh(connection, number, NOW + DAY - 1)
        assert not texts.is_base_fresh(connection, number, NOW + DAY)
        texts.keep_base(connection, base, NOW + 90 * DAY)
        texts.keep_base(connection, base, NOW)
        texts.end_older(connection, NOW + 91 * DAY)
        assert texts.is_base_fresh(connection, number, NOW + 90 * DAY)


def test_an_erasure_ends_the_texts_of_its_customers_alone(store: Store) -> None:
    for number in (1, 2, 3):
        add(store, number, NOW)
    with store.writing() as connection:
        assert texts.forget(connection, [1, 3, 99]) == 2
    assert kept(store) == [2]
