"""Profiles proposed for files that nobody has described."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.main import main

EXPORTS = Path(__file__).parents[2] / "fixtures" / "exports"
AT = ["--at", "2025-06-01T12:00:00Z"]
TILL = (
    "Bon-Nr.;Datum;Uhrzeit;Kundenkarte;Artikelnr;Bezeichnung;Menge;Einzelpreis\n"
    "1;01.05.2025;10:00;88;A1;Tee gr\xfcn;2;1.024,95\n2;02.05.2025;11:30;;A2;Tasse;1;10,00\n"
)


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["init", str(tmp_path / "shop")]) == 0
    capsys.readouterr()
    return tmp_path / "shop"


def file(folder: Path, text: str) -> Path:
    path = folder / "x.csv"
    path.write_bytes(text.encode("cp1252"))
    return path


def test_a_profile_is_proposed_shown_written_and_used(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file(tmp_path, TILL)
    before = (shop / "manometer.toml").read_text()
    assert main(["-w", str(shop), "import", str(path), "--guess", *AT]) == 0
    said = capsys.readouterr().out
    assert 'at = ["Datum", "Uhrzeit"]' in said
    assert 'dates = ["iso", "day first"]' in said
    assert "2025-05-01 10:00  Order Completed  loyalty:88  2049.90" in said
    assert (shop / "manometer.toml").read_text() == before
    assert main(["-w", str(shop), "import", str(path), "--guess", "--write", "bon", *AT]) == 0
    assert main(["-w", str(shop), "check"]) == 0
    assert main(["-w", str(shop), "import", str(path), "--profile", "bon", *AT]) == 0
    assert "2 taken" in capsys.readouterr().out
    assert main(["-w", str(shop), "import", str(path), "--guess", "--write", "bon", *AT]) == 1


@pytest.mark.parametrize("export", sorted(EXPORTS.glob("*.csv")), ids=lambda path: path.stem)
def test_each_export_is_known_by_its_header(
    shop: Path, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-w", str(shop), "import", str(export), "--guess", "--json", *AT]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["profile"], row["faults"]) == (export.stem, [])


def test_an_export_that_a_shipped_profile_reads_is_recognised(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    consent = "Email Marketing Consent,Email Marketing Consent Timestamp"
    header = f"Email,First Name,Last Name,Phone Number,{consent}\n"
    path = file(tmp_path, f"{header}a@x.ch,Ann,Ek,,SUBSCRIBED,2025-05-01T10:00:00Z\n")
    assert main(["-w", str(shop), "import", str(path), "--guess", "--json", *AT]) == 0
    row = json.loads(capsys.readouterr().out)
    assert list(row) == ["profile", "toml", "lines", "faults"]
    assert (row["profile"], len(row["lines"]), row["faults"]) == ("klaviyo", 1, [])


def test_what_the_file_does_not_show_is_said(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file(tmp_path, "Order ID,Date,Email,Total\n1,01/02/2025,a@x.ch,5.00\n")
    assert main(["-w", str(shop), "import", str(path), "--guess", *AT]) == 1
    assert "column 'Date': nothing shows" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
def test_a_file_that_says_nobody_is_refused(
    shop: Path, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-w", str(shop), "import", str(file(tmp_path, text)), "--guess", *AT]) == 1


def test_a_total_of_each_line_is_no_total_of_the_order(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        (
            "BonNr;Datum;Artikelnr;Menge;Einzelpreis;Betrag\n"
            "1;01.05.2025;A1;2;10,00;20,00\n1;01.05.2025;A2;1;5,50;5,50\n"
        )
        .replace("Artikelnr", "Kundenkarte;Artikelnr")
        .replace("2025;", "2025;88;")
    )
    assert main(["-w", str(shop), "import", str(file(tmp_path, text)), "--guess", *AT]) == 0
    said = capsys.readouterr().out
    assert "Order Completed  loyalty:88  25.50" in said
    assert "2 lines tried: 2 could be taken, 0 not." in said
    assert "amount" not in said


def test_mapped_lines_come_before_what_would_be_rejected(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = "".join(f"{n},2025-01-{n:02},a{n}@x.ch,{n}.50\n" for n in range(1, 13))
    bad = "".join(f"{n},never,a{n}@x.ch,1.50\n" for n in range(20, 27))
    path = file(tmp_path, "Order ID,Date,Email,Total\n" + bad + good)
    assert main(["-w", str(shop), "import", str(path), "--guess", *AT]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert ["rejected" in line for line in said] == [False] * 10 + [True] * 5
    assert "email:a1@x.ch  1.50" in said[0]


def test_the_consents_of_a_list_are_shown(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file(tmp_path, "E-Mail;Newsletter\na@x.ch;ja\nb@x.ch;nein\nc@x.ch;abgemeldet\n")
    assert main(["-w", str(shop), "import", str(path), "--guess", *AT]) == 0
    said = capsys.readouterr().out
    assert "dates" not in said
    for words in ("email:a@x.ch  email granted", "email:b@x.ch  email no", "email:c@x.ch  email withdrawn"):
        assert words in said


ODD = {
    "no names": (b"1;2026-03-01;a@x.ch;0,50\n", "the first line holds values, no names of columns"),
    "a column twice": (b"email,email\na@x.ch,b@x.ch\n", "the column 'email' stands there twice"),
    "a list of goods": (b"sku,name,stock\nA,Tea,5\n", "lists of customers, orders or events"),
    "JSON": (b'\n {"type": "track"}\n', "this is JSON, which needs no profile"),
    "a workbook": (b"PK\x03\x04" + bytes(range(256)), "this is a workbook of a spreadsheet"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "this is a workbook of a spreadsheet"),
    "no text": (bytes(range(128, 256)) + b"\n1\n", "its first line is no text"),
    "UTF-16": ("email\na@x.ch\n".encode("utf-16"), "the text is UTF-16"),
    "blank lines": (b"\n\r\n \n", "the file is empty"),
}


@pytest.mark.parametrize(("content", "said"), ODD.values(), ids=list(ODD))
def test_a_file_of_which_no_profile_can_be_made_is_told_what_it_needs(
    shop: Path, tmp_path: Path, content: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    assert main(["-w", str(shop), "import", str(path), "--guess", *AT]) == 1
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""


def test_names_without_lines_show_nothing(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file(tmp_path, "email,firstname")
    assert main(["-w", str(shop), "import", str(path), "--guess", *AT]) == 0
    assert "There are no lines below the names" in capsys.readouterr().out
    unclear = file(tmp_path, "Order ID,Date,Email,Total\n1,01/02/2025,a@x.ch,5.00\n")
    assert main(["-w", str(shop), "import", str(unclear), "--guess", "--write", "mine", *AT]) == 1
    assert "Nothing was written." in capsys.readouterr().err


def test_a_phone_is_read_in_the_workspaces_country(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert '"CH"' in (shop / "manometer.toml").read_text()
    path = file(tmp_path, "E-Mail;Telefon\na@x.ch;079 123 45 67\n")
    assert main(["-w", str(shop), "import", str(path), "--guess", *AT]) == 0
    assert "+41791234567" in capsys.readouterr().out
