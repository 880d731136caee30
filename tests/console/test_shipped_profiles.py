"""Profiles that come with the product, on files in the shape of the real exports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from console.intake.files import IntakeSettings, import_file
from core.instants import parse_instant
from core.sources.connector import SourceFile
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.events import events
from storage.store import Store

NOW = parse_instant("2026-03-01T12:00:00Z")
ORDERS = {
    "shopify-orders": (
        "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,"
        "Discount Code,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
        "Lineitem sku,Billing Name,Billing City,Billing Zip,Billing Country,Id\n"
        "#1050,a@x.ch,paid,2025-05-01 10:00:00 +0200,fulfilled,CHF,95.90,5.00,7.10,100.90,SAVE,0.00,"
        "2025-05-01 09:59:00 +0200,1,Tea 100,62.95,T-100,A X,Bern,'3000,CH,555\n"
        "#1050,,,,,,,,,,,,,1,Tea 50,37.95,T-50,,,,,\n"
        "#1051,b@x.ch,voided,,,CHF,5,0,0,5,,0,2025-05-02 09:59:00 +0200,1,Tea,5,T,B,Bern,3000,CH,556\n",
        "CHF", "2025-05-01T07:59:00Z", 10_090, (3, 2, 1),
    ),
    "woocommerce-orders": (
        "order_number,order_date,status,order_total,order_currency,billing_email,billing_first_name,"
        "billing_last_name,billing_country\n"
        "77,2025-05-01 10:00:00,wc-completed,49.90,CHF,a@x.ch,A,X,CH\n"
        "78,2025-05-01 10:00:00,wc-cancelled,9.90,CHF,a@x.ch,A,X,CH\n",
        "CHF", "2025-05-01T08:00:00Z", 4_990, (2, 1, 1),
    ),
    "shopware-orders": (
        "id;order_number;sales_channel_id;customer_firstname;customer_lastname;customer_email;"
        "billing_address_street;billing_address_zipcode;billing_address_city;amount_total;order_state_id;"
        "line_items;order_date_time\n"
        '0189;10023;98;A;X;a@x.ch;"Gasse 1\nc/o Y";3000;Bern;49.9;5;"1x Tea|2x Cup";'
        "2025-05-01T08:00:00.000+00:00\n",
        None, "2025-05-01T08:00:00Z", 4_990, (1, 1, 0),
    ),
    "magento-orders": (
        '"ID","Purchase Point","Purchase Date","Bill-to Name","Grand Total (Base)","Grand Total (Purchased)",'
        '"Status","Customer Email","Customer Name"\n'
        '"000000299","Main Website","May 1, 2025 10:00:00 AM","A X","$219.40","$1,219.40","Complete",'
        '"a@x.ch","A X"\n',
        "USD", "2025-05-01T08:00:00Z", 121_940, (1, 1, 0),
    ),
    "prestashop-orders": (
        '"reference";"date_add";"total_paid_tax_incl";"iso_code";"email";"firstname";"lastname";"valid"\n'
        '"XKBKN";"2025-05-01 10:00:00";"49.900000";"CHF";"a@x.ch";"A";"X";"1"\n'
        '"XKBKO";"2025-05-01 10:00:00";"9.900000";"CHF";"a@x.ch";"A";"X";"0"\n',
        "CHF", "2025-05-01T08:00:00Z", 4_990, (2, 1, 1),
    ),
    "german-till": (
        "Kasse;Bonnummer;Datum;Uhrzeit;Kundenkarte;Artikelnummer;Bezeichnung;Menge;Einzelpreis;Gutschein;"
        "Originalbon\n"
        "2;4711;01.05.2025;10:00;88;A1;T\xe9e gr\xfcn;2;1.024,95;;\n"
        "2;4711;01.05.2025;10:00;88;A2;Tasse;1;10,00;S\xdcSS;\n",
        None, "2025-05-01T08:00:00Z", 205_990, (2, 2, 0),
    ),
}  # fmt: skip
PEOPLE = {
    "shopify-customers": (
        "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address City,Phone,"
        "Accepts SMS Marketing\n'123,Ann,Ek,A@x.ch,yes,Bern,'+41791234567,no\n",
        {"email": "granted", "sms": "withdrawn"},
    ),
    "woocommerce-customers": (
        "Name,Username,Last Active,Sign Up,Email,Orders,Total Spend,AOV,Country / Region,City,Region,"
        "Postal Code\nAnn Ek,ann,2025-05-01 10:00:00,2025-01-01 10:00:00,a@x.ch,3,9.5,3.17,CH,Bern,BE,3000\n",
        {},
    ),
    "shopware-customers": (
        "id;salutation;customer_number;first_name;last_name;email;active;guest\n"
        "01;mrs;10001;Ann;Ek;a@x.ch;1;0\n",
        {},
    ),
    "magento-customers": (
        "ID,Name,Email,Group,Phone,ZIP,Country,State/Province,\"Customer Since\",\"Web Site\","
        "\"Date of Birth\",Gender\n5,\"Ann Ek\",a@x.ch,General,,3000,Switzerland,,"
        "\"May 1, 2025 10:00:00 AM\",\"Main Website\",,Female\n",
        {},
    ),
    "prestashop-customers": (
        "ID;\"Social title\";\"First name\";\"Last name\";\"Email address\";Sales;Enabled;Newsletter;"
        "\"Partner offers\";Registration;\"Last visit\"\n1;Mrs.;Ann;Ek;a@x.ch;;1;1;0;"
        "\"2025-01-01 10:00:00\";\n",
        {"email": "granted"},
    ),
    "mailchimp-subscribed": (
        "\"Email Address\",\"First Name\",\"Last Name\",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,"
        "LAST_CHANGED,LEID,EUID,NOTES,TAGS\na@x.ch,Ann,Ek,2,2025-03-16 14:40:00,,2025-03-16 14:40:47,"
        "\"2025-03-16 14:40:47\",1,2,,\"\"\"VIP\"\",\"\"Blog\"\"\"\n",
        {"email": "granted"},
    ),
    "mailchimp-unsubscribed": (
        "\"Email Address\",\"First Name\",\"Last Name\",UNSUB_TIME\na@x.ch,Ann,Ek,\"2025-03-16 14:40:47\"\n",
        {"email": "withdrawn"},
    ),
    "klaviyo": (
        "Email,First Name,Last Name,Phone Number,Email Marketing Consent,Email Marketing Consent Timestamp\n"
        "a@x.ch,Ann,Ek,,SUBSCRIBED,2025-05-01T10:00:00Z\nb@x.ch,Bo,Ek,,NEVER_SUBSCRIBED,\n",
        {"email": "granted"},
    ),
    "cleverreach": (
        "email;registered;activated;active;source;firstname;lastname\n"
        "a@x.ch;01.05.2025 10:00:00;01.05.2025 10:05:00;true;Formular;Ann;Ek\n",
        {"email": "granted"},
    ),
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as store:
        yield store


def taken(store: Store, profile: str, text: str) -> tuple[int, int, int]:
    path = store.path.parent / "export.csv"
    path.write_bytes(text.encode("cp1252" if profile == "german-till" else "utf-8"))
    settings = IntakeSettings(ZoneInfo("Europe/Zurich"), path.parent / "rejects", currency="CHF")
    done = import_file(store, SourceFile(path, profile=profile), settings=settings, arrived_at=NOW)
    return done.read, done.taken, done.rejected


@pytest.mark.parametrize("profile", sorted(ORDERS))
def test_orders_of_shops_and_tills_are_read_as_they_are_exported(store: Store, profile: str) -> None:
    text, currency, at, amount, counts = ORDERS[profile]
    assert taken(store, profile, text) == counts
    with store.reading() as connection:
        columns = (events.c.amount, events.c.occurred_at, events.c.properties)
        found = connection.execute(select(*columns).where(events.c.name == "Order Completed")).all()
    ((sum_, occurred_at, properties),) = found
    assert (sum_, occurred_at) == (amount, parse_instant(at))
    assert (f'"currency":"{currency}"' in properties) == (currency is not None)


@pytest.mark.parametrize("profile", sorted(PEOPLE))
def test_lists_of_people_are_read_as_they_are_exported(store: Store, profile: str) -> None:
    text, said = PEOPLE[profile]
    read, took, rejected = taken(store, profile, text)
    assert (took, rejected) == (read, 0)
    with store.reading() as connection:
        first = connection.execute(
            select(customers.c.email, customers.c.first_name, customers.c.last_name).order_by(customers.c.id)
        ).first()
        ledger = connection.execute(select(consents.c.channel, consents.c.state)).all()
    assert first is not None
    assert tuple(first) == ("a@x.ch", "Ann", "Ek")
    assert {row.channel: row.state for row in ledger} == said
