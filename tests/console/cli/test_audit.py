"""`manometer audit`: what was done, and whether it stands there as it was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from storage import audit
from storage.sqlite import dbapi
from storage.store import Store
from tests.console.lives import person, run, workspace

Output = pytest.CaptureFixture[str]


@pytest.fixture
def shop(tmp_path: Path, capsys: Output) -> Path:
    """A workspace in which somebody has applied, stopped and gone on."""
    folder = workspace(tmp_path / "shop", [person("ann")])
    for words in (("apply",), ("stop",), ("go",)):
        assert run("-w", folder, *words, "--yes", "--at", "2025-03-03T10:00:00Z") == 0
    capsys.readouterr()
    return folder


def test_an_untouched_audit_holds(shop: Path, capsys: Output) -> None:
    assert run("-w", shop, "audit", "verify") == 0
    assert "As it was written: 3 rows in 1 chain. No anchor yet" in capsys.readouterr().out


def test_the_first_row_that_was_changed_is_named_with_exit_code_1(shop: Path, capsys: Output) -> None:
    raw: Any = dbapi.connect(str(shop / "manometer.db"), isolation_level=None)
    raw.execute("DROP TRIGGER audit_no_update")
    raw.execute("UPDATE audit SET reason = 'planned' WHERE id >= 2")
    raw.close()
    assert run("-w", shop, "audit", "verify") == 1
    assert "Row 2: author, subject, reason or detail were changed." in capsys.readouterr().err
    assert run("-w", shop, "audit", "verify", "--json") == 1
    row = json.loads(capsys.readouterr().out)
    assert (row["holds"], row["row"]) == (False, 2)


def test_an_anchor_of_another_database_is_missed(shop: Path, capsys: Output) -> None:
    assert run("-w", shop, "audit", "verify", "--anchor", "0" * 64) == 1
    assert "the anchor that was kept is not here" in capsys.readouterr().err


def test_the_list_is_as_it_was(shop: Path, capsys: Output) -> None:
    for words in (("audit",), ("audit", "list")):
        assert run("-w", shop, *words, "--subject", "*", "--json") == 0
        actions = [json.loads(line)["action"] for line in capsys.readouterr().out.splitlines()]
        assert actions == ["stop", "go"]


def test_an_act_on_many_is_a_line_for_people_and_a_row_each_in_json(shop: Path, capsys: Output) -> None:
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        details = [(str(number), {"was": "held"}) for number in range(1, 88)]
        audit.record_each(connection, 1, "olga", "outbox approve", details, "looked at")
    assert run("-w", shop, "audit", "--operator", "olga") == 0
    (_, line) = capsys.readouterr().out.splitlines()
    assert "olga" in line
    assert "87 messages" in line
    assert run("-w", shop, "audit", "--kind", "outbox approve", "--until", "1970-01-02", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 87
    assert {row["act"] for row in rows} == {4}
    assert run("-w", shop, "audit", "--act", "4") == 0
    assert len(capsys.readouterr().out.splitlines()) == 88
    assert run("-w", shop, "audit", "--operator", "eve") == 0
    assert capsys.readouterr().out == "No act fits.\n"
