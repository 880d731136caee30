"""A profile proposed for a CSV file: columns by their names in the languages of the trade, the delimiter by
its first lines, decimal sign and order of day and month by all of it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from console.intake.csv_lines import csv_items
from console.intake.csv_profiles import shipped_profiles
from console.intake.csv_records import CsvRecords, Reject, Row
from console.intake.csv_table import SEPARATOR_LINE, CsvTable
from console.intake.physical_lines import open_source, path_text, text_lines_of
from console.intake.watched_bytes import MAX_RATIO
from core.errors import ManometerError
from core.instants import Instant
from core.sources.cells import ColumnError
from core.sources.csv_profile import CsvProfile, read_profile
from core.sources.identities import USUAL, IdentityReading
from core.sources.segment import Incoming
from core.text_folding import spellings

SHOWN: Final = 10
_LOOKED_AT: Final = 200
_TRIED: Final = 5_000
"""So many lines are mapped, to show some of them and count what would be rejected."""
_DELIMITERS: Final = ";,\t|"
_ENCODINGS: Final = ("utf-8", "cp1252")
_PEEKED: Final = 4_096
_VALUE: Final = re.compile(
    r"[^@\s]+@[^@\s]+|[-+]?[0-9][0-9.,']*|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{2,4}.*"
)
"""What no column is named: an address, a number, a day."""
_DAYS: Final = frozenset({"birthday", "createdAt"})
"""Traits that are days."""
_NAMED: Final = 20
_FITS: Final = 0.75
"""Share of a shipped profile's columns that a file must have to be taken for such an export."""
_FITS_PARTLY: Final = 0.5
"""The share that is enough where nearly all columns of the file are the profile's."""

_NAMES: Final[Mapping[str, str]] = {
    "identities.user": "customerid customernumber customerno userid clientid kundennummer kundennr kundenid "
    "numeroclient",
    "identities.email": "email emailaddress emailadresse mail mailadresse customeremail billingemail "
    "kundenemail courriel adressemail adresseemail",
    "identities.phone": "phone phonenumber telephone mobile telefon telefonnummer handy mobil natel "
    "billingphone portable",
    "identities.loyalty": "loyaltycard loyaltyid cardnumber kundenkarte kundenkartennummer karte "
    "kartennummer kartennr cartefidelite",
    "columns.key": "orderid ordernumber orderno order bestellnummer bestellnr auftragsnummer bonnummer bonnr "
    "bon beleg belegnummer belegnr receipt receiptnumber invoice invoiceno invoicenumber rechnungsnummer "
    "numerocommande",
    "columns.at": "date orderdate ordertime orderedat purchasedate invoicedate createdat timestamp datum "
    "bestelldatum kaufdatum belegdatum datecommande datetime",
    "columns.clock": "uhrzeit zeit heure time",
    "columns.amount": "total ordertotal grandtotal amount amounttotal totalamount betrag gesamtbetrag summe "
    "gesamtsumme total ttc totalttc montant",
    "columns.currency": "currency ordercurrency currencycode waehrung devise",
    "columns.name": "event eventname ereignis",
    "products.sku": "sku itemsku lineitemsku articlenumber artikelnummer artikelnr artnr stockcode productid",
    "products.name": "product productname itemname lineitemname description bezeichnung artikelbezeichnung "
    "artikelname artikel produit",
    "products.quantity": "quantity qty pieces lineitemquantity itemquantity menge anzahl stueck stk quantite",
    "products.price": "price unitprice lineitemprice itemprice preis einzelpreis stueckpreis epreis "
    "prixunitaire",
    "properties.coupon": "coupon couponcode discountcode voucher gutschein gutscheincode rabattcode",
    "traits.firstName": "firstname givenname vorname prenom customerfirstname billingfirstname",
    "traits.lastName": "lastname surname familyname nachname nom customerlastname billinglastname",
    "traits.name": "name fullname customername kundenname",
    "traits.gender": "gender sex geschlecht sexe",
    "traits.birthday": "birthday birthdate dateofbirth dob geburtstag geburtsdatum datenaissance",
    "traits.createdAt": "registered registeredat registrationdate customersince signup angelegtam kundeseit",
    "traits.locale": "locale language sprache langue",
    "traits.address.postalCode": "zip zipcode postcode postalcode plz postleitzahl codepostal billingzip",
    "traits.address.city": "city town ort stadt ville billingcity",
    "traits.address.country": "country countrycode land pays billingcountry",
    "consents.email": "newsletter emailconsent emailoptin acceptsmarketing acceptsemailmarketing optin "
    "werbeeinwilligung einwilligung",
    "consents.sms": "smsconsent smsoptin acceptssmsmarketing",
}
"""What a column can be, by the names it goes by, in small letters without blanks and signs."""


@dataclass(frozen=True, slots=True)
class FirstLines:
    """What a profile makes of the first lines of a file: how many they are, the first that are mapped, and
    those that would be rejected.
    """

    read: int = 0
    mapped: Sequence[Incoming] = ()
    """At most `SHOWN`."""
    rejected: Sequence[Reject] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed profile: its TOML, what it makes of the first lines, and what has to be decided by hand.
    `shipped` names the profile that comes with the product where one fits.
    """

    name: str
    toml: str
    lines: FirstLines
    faults: Sequence[str]
    shipped: str | None = None


@dataclass(frozen=True, slots=True)
class GuessSettings:
    """What a workspace says of the values of a file; `now` in ms UTC."""

    zone: ZoneInfo
    now: Instant
    currency: str | None
    reading: IdentityReading = USUAL
    max_ratio: int = MAX_RATIO  # of a compressed file


def propose(path: Path, name: str, settings: GuessSettings) -> Proposal:
    """A profile for a CSV file; ManometerError where no column says who it is."""
    with open_source(path, max_ratio=settings.max_ratio) as opened:
        header = _header(opened.content, path)
        shipped = _shipped_for(header.names)
        if shipped is not None:
            table = tomllib.loads(shipped_profiles()[shipped])
            lines = _first_lines(opened.content, read_profile(shipped, table), path, settings)
            return Proposal(name, shipped_profiles()[shipped], lines, (), shipped)
        table = _table(header, path)
        faults = _settled(table, opened.content, path)
        if faults:
            return Proposal(name, _toml(name, table), FirstLines(), faults)
        lines = _first_lines(opened.content, read_profile(name, table), path, settings)
        summed = _summed(table) if lines.rejected else None
        if summed is not None:
            tried = _first_lines(opened.content, read_profile(name, summed), path, settings)
            if len(tried.rejected) < len(lines.rejected):
                table, lines = summed, tried
    return Proposal(name, _toml(name, table), lines, ())


def _summed(table: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same without a total of the order, where the products have prices: a total that differs from line
    to line of one order is that of the line.
    """
    columns = table.get("columns", {})
    if "amount" not in columns or "price" not in table.get("products", {}):
        return None
    return {**table, "columns": {key: value for key, value in columns.items() if key != "amount"}}


def _first_lines(
    content: BufferedReader, profile: CsvProfile, path: Path, settings: GuessSettings
) -> FirstLines:
    content.seek(0)
    items = csv_items(
        content, profile, zone=settings.zone, arrived_at=settings.now, source=profile.source,
        path=path_text(path), currency=settings.currency, reading=settings.reading,
    )  # fmt: skip
    read, mapped, rejected = 0, list[Incoming](), list[Reject]()
    for lines, item in items:
        read += lines
        if isinstance(item, Reject):
            rejected.append(item)
        elif len(mapped) < SHOWN:
            mapped.append(item)
        if read >= _TRIED:
            break
    return FirstLines(read, mapped, rejected)


# ---- the header ----


@dataclass(frozen=True, slots=True)
class _Header:
    names: Sequence[str]
    delimiter: str


def _header(content: BufferedReader, path: Path) -> _Header:
    if not content.seekable():
        raise ManometerError(f"{path_text(path)}: the file has to be read twice. Copy it to a file.")
    if content.peek(_PEEKED)[:_PEEKED].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        raise ManometerError(
            f"{path_text(path)}: this is JSON, which needs no profile. Import it as it is; with --dry-run it "
            "is only looked at."
        )
    found: tuple[int, int, _Header] | None = None
    for delimiter in _DELIMITERS:
        names, even = _tried(content, delimiter)
        if names and (found is None or (even, len(names)) > found[:2]):
            found = even, len(names), _Header(names, delimiter)
    if found is None:
        content.seek(0)
        is_empty = not content.read(_PEEKED).strip(b"\xef\xbb\xbf \t\r\n")
        raise ManometerError(
            f"{path_text(path)}: the file is empty; it has to begin with a line of column names."
            if is_empty
            else f"{path_text(path)}: its first line is no text. A CSV file is needed, in UTF-8 if possible."
        )
    return found[2]


def _tried(content: BufferedReader, delimiter: str) -> tuple[Sequence[str], int]:
    """The names of the columns under a delimiter, and how many of the first lines have as many fields."""
    content.seek(0)
    records = CsvRecords(text_lines_of(content), _ENCODINGS, delimiter)
    first = records.first_line()
    if first is not None and not isinstance(first, Reject):
        separator = SEPARATOR_LINE.fullmatch(first.text.strip("\r\n\ufeff "))
        if separator is not None:
            records.drop_line()
            if separator[1] != delimiter:
                return (), 0
    header = records.header()
    if not isinstance(header, Row):
        return (), 0
    records.width = len(header.fields)
    even = sum(isinstance(row, Row) for row in islice(records, _LOOKED_AT)) if records.width > 1 else 0
    return [field.strip() for field in header.fields], even


def _shipped_for(names: Sequence[str]) -> str | None:
    """The shipped profile whose columns the file has, the one with the most of them; before all others one
    for those who have left, where the file has all it names: consent that is not there is never proposed.
    """
    there = {name.casefold() for name in names}
    best: tuple[bool, int, str] | None = None
    for name, text in shipped_profiles().items():
        profile = read_profile(name, tomllib.loads(text))
        used = [column.casefold() for column in profile.used_columns()]
        fitting = sum(column in there for column in used)
        has_left = fitting == len(used) and any(consent.always == "no" for consent in profile.consents)
        share = _FITS_PARTLY if fitting >= _FITS * len(there) else _FITS
        has_needed = all(column.casefold() in there for column in profile.needed_columns())
        if fitting >= share * len(used) and has_needed:
            best = max(best or (False, 0, ""), (has_left, fitting, name))
    return None if best is None else best[2]


# ---- the table ----


def _table(header: _Header, path: Path) -> dict[str, Any]:
    roles = _roles(header.names)
    has_order = "columns.key" in roles and ("columns.amount" in roles or "products.price" in roles)
    is_event = "columns.name" in roles and "columns.at" in roles and not has_order
    kind = "orders" if has_order and "columns.at" in roles else "events" if is_event else "customers"
    table: dict[str, Any] = {"kind": kind, "delimiter": header.delimiter, "decimal": "auto"}
    if kind == "customers":
        del table["decimal"]
    parts = {
        "orders": ("columns", "identities", "traits", "products", "properties"),
        "events": ("columns", "identities", "properties"),
        "customers": ("identities", "traits", "consents"),
    }[kind]
    for role, column in roles.items():
        part, _, name = role.partition(".")
        if part in parts and not (part == "columns" and name == "clock"):
            table.setdefault(part, {})[name] = {"column": column} if part == "consents" else column
    if kind != "customers" and "columns.clock" in roles:
        table["columns"]["at"] = [roles["columns.at"], roles["columns.clock"]]
    _repeat_addresses(table, kind)
    if not table.get("identities"):
        raise ManometerError(f"{path_text(path)}: {_nobody(header.names)}")
    return table


def _nobody(names: Sequence[str]) -> str:
    """Why nobody can be told from a file with these names, and what to do."""
    shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    if any(_VALUE.fullmatch(name) for name in names):
        return (
            f"the first line holds values, no names of columns: {shown}. Put a line with names above "
            "it, such as customer_id, email, date."
        )
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        return (
            f"the column {twice!r} stands there twice, so that it says nothing. Give each a name of its own."
        )
    return (
        f"no column is known by its name to say who it is. The file has {shown}. What can be taken in is "
        "lists of customers, orders or events; give the column of one of them a name such as email or "
        "customer number, or write a profile by hand, as docs/intake.md says."
    )


def _repeat_addresses(table: dict[str, Any], kind: str) -> None:
    """An address of a list of customers is also what is written to."""
    if kind == "customers":
        for name in ("email", "phone"):
            if name in table.get("identities", {}):
                table.setdefault("traits", {})[name] = table["identities"][name]


def _roles(names: Sequence[str]) -> dict[str, str]:
    """What each column is, the first that goes by a name; none is two things."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for role, words in _NAMES.items():
        known = words.split()
        for name in names:
            if name and name not in taken and names.count(name) == 1 and _folded(name) in known:
                found[role] = name
                taken.add(name)
                break
    return found


def _folded(name: str) -> str:
    in_two = spellings(name)[-1]
    return "".join(sign for sign in in_two if sign.isalnum())


def _settled(table: dict[str, Any], content: BufferedReader, path: Path) -> list[str]:
    """Sets what all of the file shows: decimal sign, and order of day and month. What it does not show is
    returned as faults.
    """
    content.seek(0)
    try:
        profile = read_profile("proposal", table)
        decided = CsvTable(content, profile, path_text(path)).decided()
    except ColumnError as error:
        return [str(error)]
    signs, orders = set(decided.decimals.values()), set(decided.day_orders.values())
    if len(signs) == 1:
        table["decimal"] = signs.pop()
    if len(orders) == 1 and (profile.date_columns() or _DAYS & table.get("traits", {}).keys()):
        table["dates"] = ["iso", orders.pop()]
    return []


# ---- writing ----


def _toml(name: str, table: Mapping[str, Any]) -> str:
    return "\n".join(_lines(f"profiles.{name}", table)) + "\n"


def _lines(path: str, table: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{path}]"
    for key, value in table.items():
        if not isinstance(value, dict):
            yield f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}"
    for key, value in table.items():
        if isinstance(value, dict):
            yield ""
            yield from _lines(f"{path}.{_key(key)}", value)


def _key(name: str) -> str:
    is_bare = all(sign.isascii() and (sign.isalnum() or sign in "-_") for sign in name) and name
    return name if is_bare else json.dumps(name, ensure_ascii=False)
