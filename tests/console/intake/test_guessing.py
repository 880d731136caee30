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
