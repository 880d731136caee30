"""What commands say to people: local time of the workspace, and numbers of those to whom something
happens.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from console.tui.answers.local_service import LocalService
from screens.cells import decisions as rows
from screens.ports.terms import LogFilter
from tests.console.lives import BASKET, SETTINGS, act, person, run, workspace

Output = pytest.CaptureFixture[str]
SHORT = BASKET.replace('after = "1h"\n', 'after = "2h"\n').replace('expires = "3d"', 'expires = "2h"')


@pytest.fixture
def shop(tmp_path: Path, capsys: Output) -> Path:
    """Anna's reminder comes up at 12:00 in Zurich, and two hours later one that no rule leaves room for; Beat
    has nothing to come.
    """
    calls = [person("anna"), person("beat"), act("anna", "Checkout Started", "2025-07-07T09:00:00Z")]
    calls.append(act("beat", "Product Viewed", "2025-07-07T09:00:00Z"))
    folder = workspace(tmp_path, calls, {"basket": BASKET, "second": SHORT})
    (folder / "manometer.toml").write_text(SETTINGS.replace('"UTC"', '"Europe/Zurich"'))
    assert (
        run(
            "-w",
            folder,
            "replay",
            "--from",
            "2025-07-07T00:00:00Z",
            "--to",
            "2025-07-07T09:30:00Z",
            "--into",
            folder / "p",
        )
        == 0
    )
    capsys.readouterr()
    return folder / "p"


def said(output: Output, folder: Path, *words: str) -> str:
    output.readouterr()
    run("-w", folder, *words)
    printed = output.readouterr()
    return printed.out + printed.err


def test_no_instant_for_people_is_in_utc(shop: Path, capsys: Output) -> None:
    run("-w", shop, "stop", "--yes")
    held = said(capsys, shop, "tick", "--at", "2025-07-07T10:30:00Z", "--no-dispatch")
    assert "hold STOPPED" in held
    texts = [
        said(capsys, shop, *words)
        for words in (
            ("preview",),
            ("why", "anna", "basket"),
            ("stop", "--yes"),
            ("go", "--yes"),
            ("go", "--yes"),
            ("triggers", "resume", "basket"),
        )
    ]
    assert not re.search(r"\d{2}:\d{2}Z", "".join(texts))
    assert texts[0].startswith("Preview of Mon 07 Jul 2025 12:30 CEST to Mon 21 Jul 2025 12:30 CEST")
    assert "(all sending stopped since Mon 07 Jul 2025 11:30)" in texts[1]
    assert "As things stand Mon 07 Jul 2025 12:30 CEST:" in texts[1]
    assert "All sending has been stopped since Mon 07 Jul 2025 11:30 CEST by" in texts[2]
    assert "Sending is not stopped as of Mon 07 Jul 2025 12:30 CEST." in texts[4]


def test_json_keeps_the_instants_of_scripts(shop: Path, capsys: Output) -> None:
    run("-w", shop, "stop", "--yes")
    run("-w", shop, "tick", "--at", "2025-07-07T10:30:00Z", "--no-dispatch")
    why = json.loads(said(capsys, shop, "why", "anna", "basket", "--json"))
    assert why["at"] == "2025-07-07T10:30:00Z"
    assert (
        json.loads(said(capsys, shop, "decisions", "--json").splitlines()[0])["at"] == "2025-07-07T10:25:00Z"
    )


def test_a_customer_who_is_woken_for_nothing_is_looked_at_and_not_counted(shop: Path, capsys: Output) -> None:
    before = said(capsys, shop, "preview")
    assert "1 customer looked at, 2 decisions for 1 customer." in before
    run("-w", shop, "triggers", "pause", "basket", "--yes")
    assert said(capsys, shop, "tick", "--no-dispatch").startswith(
        "1 customer was looked at, nothing to decide."
    )
    assert said(capsys, shop, "tick", "--no-dispatch").startswith("Nothing was due.")


def test_an_expiry_shows_the_pressure_behind_it_in_the_list(shop: Path) -> None:
    run("-w", shop, "tick", "--at", "2025-07-07T13:00:00Z", "--no-dispatch")
    local = LocalService(shop)
    listed = local.decisions.ids(LogFilter(), lambda: False)
    shown = {
        row.trigger: (row.reason, row.behind)
        for row in local.decisions.rows(listed.ids, lambda: False).values()
    }
    cells = [
        rows.cells(row, 0, local.place.zone)[2]
        for row in local.decisions.rows(listed.ids, lambda: False).values()
    ]
    local.close()
    assert shown["second"] == ("EXPIRED", "PRESSURE")
    assert "expired, waiting for pressure" in cells


@pytest.mark.parametrize(
    "words", ["customers find", "customers show", "customers timeline", "why", "orders --customer"]
)
def test_a_search_of_any_length_is_answered_in_words(
    tmp_path: Path, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workspace(tmp_path / "shop", [person("ann")])
    for text in ("x" * 100_000, "x" * 5_000, "%" * 30_000):
        code = run("-w", folder, *words.split(), text)
        told = capsys.readouterr()
        assert "LIKE" not in told.err
        assert "There is no customer" in told.err if code else "No customer" in told.out
