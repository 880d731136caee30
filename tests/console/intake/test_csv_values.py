"""Cells of CSV files: each is the value it says, or its line or its file is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from console.intake.files import ImportResult, IntakeSettings, import_file
from core.errors import ManometerError
from core.instants import parse_instant
from core.sources.connector import SourceFile
from core.sources.feedback import Unread
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.intake import imports
from storage.store import Store

NOW = parse_instant("2026-03-01T12:00:00Z")
ORDERS = {
    "kind": "orders", "delimiter": ";", "columns": {"key": "id", "at": "at"}, "identities": {"user": "who"},
    "products": {"price": "price"},
}  # fmt: skip
PEOPLE = {
    "kind": "customers", "delimiter": ";", "identities": {"user": "who"},
    "traits": {"birthday": "born", "renewal": "renewal"},
    "consents": {"email": {"column": "mail", "unknown": ["vielleicht"]}},
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as store:
        yield store


def run(store: Store, profile: dict[str, Any], text: str | bytes) -> ImportResult:
    path = store.path.parent / "x.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    settings = IntakeSettings(
        ZoneInfo("Europe/Zurich"), path.parent / "rejects", profiles={"mine": profile}, currency="CHF"
    )
    file = SourceFile(path, profile="mine")
    return import_file(store, file, settings=settings, arrived_at=NOW)


def orders(store: Store) -> list[tuple[int | None, dict[str, Any]]]:
    with store.reading() as connection:
        found = connection.execute(
            select(events.c.amount, events.c.properties).where(events.c.kind == "track").order_by(events.c.id)
        )
        return [(amount, json.loads(properties)) for amount, properties in found]


def rejects(result: ImportResult) -> list[tuple[int, str, str]]:
    if result.rejects is None:
        return []
    found = [json.loads(row) for row in result.rejects.read_bytes().splitlines()]
    return [(row["line"], row["reason"], row["text"]) for row in found]


def priced(*prices: str) -> str:
    lines = "".join(f"{number};2026-02-01;u;{price}\n" for number, price in enumerate(prices))
    return f"id;at;who;price\n{lines}"


@pytest.mark.parametrize(
    ("decimal", "price", "amount", "currency"),
    [
        (".", "49.90", 4990, None), (".", "1,234.50", 123_450, None), (".", "1'234.50", 123_450, None),
        (".", "CHF 49.90", 4990, "CHF"), (".", "$49.90", 4990, "USD"), (".", "¥ 500", 500, "JPY"),
        (",", "49,90", 4990, None), (",", "1.234,50", 123_450, None), (",", "1\u202f234,50", 123_450, None),
        (",", "49,90 €", 4990, "EUR"), (",", "1’234,50", 123_450, None), ("auto", "49,90", 4990, None),
        ("auto", "1.234,50", 123_450, None), (".", "0", 0, None),
    ],
)  # fmt: skip
def test_an_amount_is_what_it_says_under_its_decimal_sign(
    store: Store, decimal: str, price: str, amount: int, currency: str | None
) -> None:
    assert run(store, ORDERS | {"decimal": decimal}, priced(price)).taken == 1
    ((found, properties),) = orders(store)
    assert (found, properties.get("currency")) == (amount, currency)


@pytest.mark.parametrize(
    ("decimal", "price"),
    [(".", "49,90"), (",", "49.90"), (".", "1.234,50"), (",", "1,234.50"), (".", "1,23,456"), (".", "free"),
     (".", "4.17E+10"), (".", "")],
)  # fmt: skip
def test_an_amount_that_does_not_fit_rejects_its_line(store: Store, decimal: str, price: str) -> None:
    result = run(store, ORDERS | {"decimal": decimal}, priced("1", price))
    assert (result.taken, result.rejected) == (1, 1)
    assert rejects(result)[0][::2] == (3, f"1;2026-02-01;u;{price}")


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        (("49,90", "5", "49.90"), r"column 'price'.*line 2 \('49,90'\).*line 4 \('49.90'\)"),
        (("1.234", "5"), r"nothing shows .*line 2 \('1.234'\)"),
    ],
)
def test_a_column_that_is_written_in_two_ways_refuses_its_file(
    store: Store, prices: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ManometerError, match=words):
        run(store, ORDERS | {"decimal": "auto"}, priced(*prices))
    with store.reading() as connection:
        assert connection.execute(select(imports)).all() == []


def dated(*days: str) -> str:
    lines = "".join(f"{number};{day};u;5\n" for number, day in enumerate(days))
    return f"id;at;who;price\n{lines}"


def instants(store: Store) -> list[str]:
    with store.reading() as connection:
        found = connection.execute(
            select(events.c.occurred_at).where(events.c.kind == "track").order_by(events.c.id)
        ).scalars()
        return [str(at) for at in found]


@pytest.mark.parametrize(
    ("dates", "days", "found"),
    [
        (["auto"], ["31/01/2026", "02/01/2026"], ["2026-01-30T23:00Z", "2026-01-01T23:00Z"]),
        (["auto"], ["01/31/2026 14:05", "01/02/2026"], ["2026-01-31T13:05Z", "2026-01-01T23:00Z"]),
        (None, ["31.01.2026 14:05"], ["2026-01-31T13:05Z"]),
        (None, ["2026-01-31T14:05:00z"], ["2026-01-31T14:05Z"]),
        (["day first", "short years"], ["31/01/26"], ["2026-01-30T23:00Z"]),
        (["serial"], ["46053.5"], ["2026-01-31T11:00Z"]),
        (["%d.%m.%y"], ["31.01.26"], ["2026-01-30T23:00Z"]),
    ],
)
def test_day_and_month_are_decided_by_the_whole_column(
    store: Store, dates: list[str] | None, days: list[str], found: list[str]
) -> None:
    profile = ORDERS if dates is None else ORDERS | {"dates": dates}
    assert run(store, profile, dated(*days)).rejected == 0
    assert instants(store) == [str(parse_instant(each)) for each in found]


@pytest.mark.parametrize("day", ["31.01.26", "46053", "31.13.2026", "soon"])
def test_a_day_that_the_profile_does_not_speak_of_rejects_its_line(store: Store, day: str) -> None:
    result = run(store, ORDERS, dated("2026-01-01", day))
    assert (result.taken, result.rejected) == (1, 1)
    assert rejects(result)[0][1].startswith("impossible time")


@pytest.mark.parametrize("days", [["01/02/2026"], ["31/01/2026", "01/31/2026"]])
def test_days_that_nothing_decides_refuse_the_file(store: Store, days: list[str]) -> None:
    with pytest.raises(ManometerError, match="column 'at'"):
        run(store, ORDERS, dated(*days))


def test_dates_of_people_are_their_local_days(store: Store) -> None:
    text = (
        "who;born;renewal;mail\n1;1993-01-11T23:00:00.000Z;2024-06-09T22:00:00Z;WAHR\n"
        "2;12.01.1993;10.06.2024;Oui\n3;12.01.;x;non\n4;;;vielleicht\n5;;;abgemeldet\n6;;;kürzlich\n"
    )
    result = run(store, PEOPLE, text)
    assert (result.taken, result.rejected, result.unread) == (6, 0, {Unread("consent", "kürzlich"): 1})
    with store.reading() as connection:
        born = connection.execute(select(customers.c.birthday).order_by(customers.c.id)).scalars().all()
        said = connection.execute(select(consents.c.state).order_by(consents.c.id)).scalars().all()
        told = connection.execute(select(events.c.properties).order_by(events.c.id)).scalars().all()
    assert born == ["1993-01-12", "1993-01-12", "--01-12", None, None, None]
    assert said == ["granted", "granted", "withdrawn", "withdrawn"]
    renewals = [json.loads(one).get("renewal") for one in told[:3]]
    assert renewals == ["2024-06-09T22:00:00Z", "2024-06-10", "x"]


# ---- keys of profiles ----


def test_a_time_may_stand_in_two_columns(store: Store) -> None:
    till = ORDERS | {"columns": {"key": "id", "at": ["Datum", "Uhrzeit"]}, "dates": ["%d.%m.%Y"]}
    result = run(store, till, "id;Datum;Uhrzeit;who;price\n1;31.01.2026;14:05;u;5\n2;31.01.2026;;u;5\n")
    assert (result.taken, result.rejected) == (1, 1)
    assert instants(store) == [str(parse_instant("2026-01-31T13:05:00Z"))]


def test_the_total_of_an_order_is_the_first_filled_cell_of_its_lines(store: Store) -> None:
    shop = ORDERS | {
        "columns": {"key": "id", "at": "at", "amount": "total", "currency": "cur", "channel": "where"},
        "products": {"name": "item", "price": "price"}, "properties": {"coupon": "coupon"},
        "carry_down": ["id", "at", "who"], "constants": {"branch": "Bern", "traits": {"lang": "de"}},
        "values": {"where": {"K": "pos"}},
    }  # fmt: skip
    text = (
        "id;at;who;total;cur;where;item;price;coupon\n"
        "1;2026-01-01;u;620.00;EUR;K;Lamp;540;SAVE\n;;;;;;Bulb;10;\n"
        "2;2026-01-01;v;5;;;Bulb;5;\n;;;6;;;Bulb;5;\n;;;5;;;Bulb;5;\n3;2026-01-02;;7;;;;;\n"
    )
    result = run(store, shop, text)
    assert (result.read, result.taken, result.rejected) == (6, 3, 3)
    assert {line for line, _, _ in rejects(result)} == {4, 5, 6}
    (first, said), (second, _) = orders(store)
    assert (first, second) == (62_000, 700)
    assert said == {
        "order_id": "1", "revenue": 620.0, "currency": "EUR", "coupon": "SAVE", "branch": "Bern",
        "products": [
            {"name": "Lamp", "price": 540, "quantity": 1}, {"name": "Bulb", "price": 10, "quantity": 1},
        ],
    }  # fmt: skip


def test_a_return_names_its_original_receipt(store: Store) -> None:
    till = ORDERS | {"returns": {"column": "price", "below": 0, "order": "of"}}
    run(store, till, "id;at;who;price;of\n7;2026-01-01;u;-5;3\n")
    assert orders(store) == [
        (500, {
            "return_id": "7", "order_id": "3", "revenue": 5.0,
            "products": [{"price": -5, "quantity": 1}],
        })
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["sep=;\nid;at;who;price\n1;2026-01-01;u;5\n", b"id;at;who;price\r1;2026-01-01;u;5\r"]
)
def test_what_spreadsheets_do_to_files_is_understood(store: Store, text: str | bytes) -> None:
    assert run(store, ORDERS | {"delimiter": "auto"}, text).taken == 1


def test_the_lines_of_an_order_that_is_too_large_are_rejected(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.intake.csv_lines.LARGEST_ORDER", 60)
    result = run(store, ORDERS, "id;at;who;price\n" + "1;2026-01-01;u;5\n" * 5 + "2;2026-01-01;u;5\n")
    assert (result.taken, result.rejected) == (1, 5)


def test_an_address_that_is_none_is_kept_as_what_cannot_be_read(store: Store) -> None:
    """Some address books write two numbers into one cell."""
    profile = {"kind": "customers", "identities": {"email": "mail", "phone": "phone"}}
    text = "mail,phone\na@x.ch,+33 6 12 34 56 78 ::: +33 1 42 68 53 00\nnobody,+33 6 12 34 56 79\n"
    assert run(store, profile, text).taken == 2
    with store.reading() as connection:
        rows = connection.execute(select(customers.c.email, customers.c.phone, customers.c.traits))
        found = [(email, phone, json.loads(traits)) for email, phone, traits in rows]
    assert [row[:2] for row in found] == [("a@x.ch", None), (None, "+33612345679")]
    assert found[0][2]["phone_unreadable"] == "+33 6 12 34 56 78 ::: +33 1 42 68 53 00"
    assert found[1][2]["email_unreadable"] == "nobody"


@pytest.mark.parametrize("no_date", ["0000-00-00", "0000-00-00 00:00:00"])
def test_the_zero_date_of_databases_says_nothing(store: Store, no_date: str) -> None:
    profile = {
        "kind": "customers", "identities": {"email": "mail"}, "traits": {"birthday": "born"},
        "consents": {"email": {"column": "yes", "at": "since"}},
    }  # fmt: skip
    assert run(store, profile, f"mail,born,yes,since\na@x.ch,{no_date},yes,{no_date}\n").taken == 1
    with store.reading() as connection:
        (traits,) = connection.execute(select(customers.c.traits)).one()
        basis = connection.execute(select(consents.c.basis)).scalars().all()
    assert "birthday" not in traits
    assert basis == ["imported"]


def test_an_event_without_any_date_is_refused_in_words(store: Store) -> None:
    profile = {
        "kind": "orders", "columns": {"key": "id", "at": "at", "amount": "total"},
        "identities": {"email": "mail"},
    }  # fmt: skip
    done = run(store, profile, "id,at,total,mail\n1,0000-00-00 00:00:00,5,a@x.ch\n")
    assert [reason for _, reason, _ in rejects(done)] == ["no time"]
