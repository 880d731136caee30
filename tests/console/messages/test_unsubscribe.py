"""Unsubscribing: a token that cannot be forged, and a consent that ends however often the link is
followed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from console.channels import adapter_kinds
from console.intake.files import IntakeSettings, import_file
from console.main import main
from console.messages import tokens
from console.messages.tokens import MessageToken
from console.messages.unsubscribe_links import (
    UnsubscribeLinks,
    UnsubscribeSettings,
    UnsubscribeToken,
    make_token,
    read_token,
)
from console.workspace.faults import WorkspaceError
from console.workspace.reading import Workspace, read_files
from core.errors import ManometerError
from core.instants import DAY, HOUR, parse_instant
from core.model.customer import MEDIA
from core.sources.connector import SourceFile
from storage import customers
from storage.intake import identities
from storage.schema.consents import consents
from storage.schema.events import events
from storage.schema.messages import messages
from storage.store import Store

SECRET = b"a secret of enough letters"
K1, K2 = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
CLAIM = UnsubscribeToken(K1, "email")
BEFORE = (
    "WzEsIjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmIiwiZW1haWwiLCJtYXJrZXRpbmciXQ.86ffOgWu5lpoWl7uaSgzSg"
)
"""A token as links of before held one, of the message K1 over mail for marketing, under SECRET."""
NOON = parse_instant("2024-03-05T12:00:00+01:00")
MAIN = """
[workspace]
name = "Muster Mode"
time_zone = "Europe/Zurich"
[unsubscribe]
url = "https://shop.example/u/{token}"
mail = "unsubscribe+{token}@shop.example"
secret = { env = "UNSUBSCRIBE_SECRET" }
[channels.email]
kind = "file"
[channels.newsletter]
kind = "file"
medium = "email"
"""
TRIGGER = """
title = "Basket"
status = "active"
purpose = "marketing"
[when]
kind = "transactional"
event = "Checkout Started"
[[steps]]
channels = ["email"]
template = "offer"
"""
SMTP = 'kind = "smtp"\nhost = "mail.example.ch"\nfrom = "a@example.ch"'


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSUBSCRIBE_SECRET", SECRET.decode())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Store]:
    """A workspace with a customer who has consented to mail and got one, and another known by her address
    only.
    """
    (tmp_path / "manometer.toml").write_text(MAIN)
    with Store.create(tmp_path / "manometer.db") as store:
        take_in(
            store,
            granted({"userId": "c-1"}),
            granted({"context": {"traits": {"email": "eva@example.org"}}, "anonymousId": "a-1"}),
        )
        mailed(store, "c-1", K1)
        mailed(store, "email:eva@example.org", K2)
        yield store


def granted(who: dict[str, Any], at: str = "2024-03-01T10:00:00Z", channel: str = "email") -> dict[str, Any]:
    said = {"channel": channel, "purpose": "marketing"}
    return {"type": "track", "event": "Consent Granted", "timestamp": at, "properties": said} | who


def take_in(store: Store, *calls: dict[str, Any], arrived_at: int = NOON - DAY) -> None:
    path = store.path.parent / "in.ndjson"
    path.write_text("".join(json.dumps(call) + "\n" for call in calls))
    settings = IntakeSettings(
        read_files({"manometer.toml": MAIN}).playbook.zone, store.path.parent / "rejects"
    )
    import_file(store, SourceFile(path), settings=settings, arrived_at=arrived_at)


def mailed(store: Store, customer: str, key: str) -> None:
    """A message of that key has gone out to the customer."""
    with store.writing() as connection:
        row = {
            "key": key, "customer_id": customers.resolve(connection, customer), "enrolment_id": 1,
            "trigger": "basket", "step": 1,
            "channel": "email", "template": "offer", "state": "sent", "planned_at": NOON, "expires_at": NOON,
            "lands_at": NOON,
            "purpose": "marketing", "weight": 1000, "counts": 1,
        }  # fmt: skip
        connection.execute(insert(messages).values(row))


def ledger(store: Store) -> list[tuple[Any, ...]]:
    columns = consents.c
    with store.reading() as connection:
        first = customers.resolve(connection, "c-1")
        rows = connection.execute(
            select(columns.channel, columns.purpose, columns.state, columns.source, columns.proof)
            .where(columns.customer_id == first)
            .order_by(columns.id)
        )
        return [tuple(row) for row in rows]


def unsubscribe(store: Store, token: str, *more: str) -> int:
    return main(
        ["-w", str(store.path.parent), "unsubscribe", token, "--at", "2024-03-05T12:00:00+01:00", *more]
    )


# ---- tokens ----


@given(st.binary(min_size=16, max_size=16), st.sampled_from(MEDIA))
def test_a_token_says_what_it_was_made_of(raw: bytes, medium: str) -> None:
    token = make_token(SECRET, raw.hex(), medium)
    assert token.isalnum()
    assert read_token([b"an older secret of letters", SECRET], token) == (raw.hex(), medium, None)
    assert read_token([SECRET], token.upper()).message == raw.hex()  # mail servers may change the case


def test_a_token_fits_before_the_at_of_a_mail_address() -> None:
    assert len(f"unsubscribe+{make_token(SECRET, K1, 'whatsapp')}".encode()) <= 64


@pytest.mark.parametrize("key", ["k1", K1[:-2], K1 + "00"])
def test_no_token_is_made_of_what_is_no_key_of_a_message(key: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        make_token(SECRET, key, "email")


@pytest.mark.parametrize("token", [make_token(SECRET, K1, "email"), BEFORE], ids=["now", "before"])
@given(place=st.integers(0, 200), letter=st.sampled_from("abcxyz234019-_.ABC"))
def test_a_token_that_was_changed_anywhere_is_refused(token: str, place: int, letter: str) -> None:
    place %= len(token)  # the last letter too, though some of its bits may say nothing
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token and changed.lower() != token:
        with pytest.raises(ManometerError, match="no token of this workspace"):
            read_token([SECRET], changed)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "abc",
        "a.b",
        "ä.ö",
        "W10.AAAA",
        "." * 9_000,
        make_token(b"another secret of letters", K1, "email"),
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ManometerError, match="Nothing was changed"):
        read_token([SECRET], token)


def test_links_hold_a_token_and_no_address(tmp_path: Path) -> None:
    settings = UnsubscribeSettings(
        "https://shop.example/u/{token}", "u+{token}@shop.example", {"env": "UNSUBSCRIBE_SECRET"}
    )
    links = UnsubscribeLinks.of(settings, tmp_path)
    assert links is not None
    url, mail = links.make(K1, "email")
    assert read_token([SECRET], url.removeprefix("https://shop.example/u/")) == CLAIM
    assert read_token([SECRET], mail.removeprefix("u+").removesuffix("@shop.example")) == CLAIM
    assert UnsubscribeLinks.of(UnsubscribeSettings(), tmp_path) is None


def test_a_short_secret_makes_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSUBSCRIBE_SECRET", "geheim")
    settings = UnsubscribeSettings("https://x.ch/{token}", "", {"env": "UNSUBSCRIBE_SECRET"})
    links = UnsubscribeLinks.of(settings, tmp_path)
    assert links is not None
    with pytest.raises(ManometerError, match="shorter than 16 letters"):
        links.make(K1, "email")


# ---- the withdrawal ----


def test_following_a_link_withdraws_the_consent_once(shop: Store, capsys: pytest.CaptureFixture[str]) -> None:
    token = make_token(SECRET, K1, "email")
    assert unsubscribe(shop, token, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "customer": "c-1",
        "medium": "email",
        "purpose": "marketing",
        "withdrawn": True,
    }
    assert ledger(shop)[1:] == [("email", "marketing", "withdrawn", "unsubscribe", K1)]
    assert unsubscribe(shop, token) == 0
    assert "withdrawn already" in capsys.readouterr().out
    assert len(ledger(shop)) == 2
    with shop.reading() as connection:
        (event,) = connection.execute(select(events).where(events.c.name == "Consent Withdrawn")).all()
    assert (event.source, event.occurred_at) == ("unsubscribe", NOON)


def test_an_old_link_ends_a_consent_that_was_given_anew(shop: Store) -> None:
    token = make_token(SECRET, K1, "email")
    unsubscribe(shop, token)
    take_in(
        shop, granted({"userId": "c-1"}, "2024-03-05T12:30:00+01:00", "newsletter"), arrived_at=NOON + HOUR
    )
    assert main(["-w", str(shop.path.parent), "unsubscribe", token, "--at", "2024-03-06T12:00:00+01:00"]) == 0
    assert [row[2] for row in ledger(shop)] == ["granted", "withdrawn", "granted", "withdrawn"]


def test_a_link_of_before_works_still(shop: Store) -> None:
    assert read_token([SECRET], BEFORE) == UnsubscribeToken(K1, "email", "marketing")
    assert unsubscribe(shop, BEFORE) == 0
    assert ledger(shop)[1:] == [("email", "marketing", "withdrawn", "unsubscribe", K1)]


def test_a_token_of_a_survey_under_the_same_secret_withdraws_nothing(shop: Store) -> None:
    assert unsubscribe(shop, tokens.make(SECRET, MessageToken(0x10, K1))) == 1
    assert len(ledger(shop)) == 1


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("forged.token", "no token of this workspace"),
        (make_token(SECRET, "f" * 32, "email"), "is not known here"),
    ],
)
def test_what_cannot_be_withdrawn_is_refused_in_a_sentence(
    shop: Store, capsys: pytest.CaptureFixture[str], token: str, said: str
) -> None:
    assert unsubscribe(shop, token) == 1
    assert said in capsys.readouterr().err
    assert len(ledger(shop)) == 1


def test_the_link_of_a_customer_known_by_her_address_only_holds_no_address_and_works(
    shop: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    token = make_token(SECRET, K2, "email")
    assert bytes.fromhex(K2) == base64.b32decode(token, casefold=True)[1:17]
    assert unsubscribe(shop, token, "--json") == 0
    assert json.loads(capsys.readouterr().out)["customer"] == "email:eva@example.org"
    assert unsubscribe(shop, token) == 0
    assert "withdrawn already" in capsys.readouterr().out


def test_the_link_of_a_customer_who_was_merged_ends_the_consent_of_whom_she_became(
    shop: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with shop.writing() as connection:
        one, other = (customers.resolve(connection, key) for key in ("c-1", "email:eva@example.org"))
        identities.merge(connection, one, other, cause="test", at=NOON - HOUR, wake=False)
    assert unsubscribe(shop, make_token(SECRET, K2, "email"), "--json") == 0
    assert json.loads(capsys.readouterr().out)["customer"] == "c-1"
    assert ledger(shop)[-1] == ("email", "marketing", "withdrawn", "unsubscribe", K2)


# ---- settings ----


def read(main: str) -> Workspace:
    files = {"manometer.toml": main, "triggers/basket.toml": TRIGGER, "templates/offer/email.txt": "Hi"}
    return read_files(files, channel_kinds=adapter_kinds())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("https://shop.example/u/{token}", "https://shop.example/u", "{token} in it"),
        ("https://shop.example/u/{token}", "shop/{token}", "{token} in it"),
        ("unsubscribe+{token}@shop.example", "shop", "is no mail address"),
        ('secret = { env = "UNSUBSCRIBE_SECRET" }', 'secret = "abc"', "plain text"),
        ('secret = { env = "UNSUBSCRIBE_SECRET" }', "", "`secret` is missing"),
        ('secret = { env = "UNSUBSCRIBE_SECRET" }', 'secrets = { env = "X" }', "`secret`"),
    ],
)
def test_faulty_settings_are_told_what_to_write(old: str, new: str, said: str) -> None:
    with pytest.raises(WorkspaceError) as error:
        read(MAIN.replace(old, new))
    assert said in str(error.value)


def test_real_mail_under_a_consent_without_a_way_out_is_a_warning() -> None:
    real = MAIN.replace('kind = "file"', SMTP, 1)
    assert not read(real).warnings
    before, _, after = real.partition("[unsubscribe]")
    (warning,) = read(before + after[after.index("[channels") :]).warnings
    assert "nobody can unsubscribe" in warning.message
    assert warning.line == 5


def test_an_address_of_mail_too_long_for_mail_is_a_warning() -> None:
    (warning,) = read(MAIN.replace("unsubscribe+{token}", "unsubscribe.newsletter+{token}")).warnings
    assert "has 71 letters before the @, and mail allows 64" in warning.message
