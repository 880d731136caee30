"""What cannot be decided is set aside by itself: everybody else is decided for in the same pass."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from console.quarantine.work_notes import WorkNote
from storage.sqlite import dbapi
from tests.console.lives import act, person, run, workspace

pytestmark = pytest.mark.filterwarnings(
    # where the limit strikes within a callback of the garbage collector it is swallowed, and strikes again
    "ignore::pytest.PytestUnraisableExceptionWarning"
)

EVENING = "2025-03-03T19:00:00Z"
NEXT_DAY = "2025-03-04T19:00:00Z"


def shop(tmp_path: Path, number: int) -> Path:
    """So many customers, each of whom has left a basket behind after the playbook was applied."""
    folder = workspace(tmp_path / "shop", [person(f"c{each}") for each in range(number)])
    assert run("-w", folder, "tick", "--at", "2025-03-03T08:00:00Z") == 0
    calls = [act(f"c{each}", "Checkout Started", "2025-03-03T17:00:00Z") for each in range(number)]
    (folder / "more.ndjson").write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert run("-w", folder, "import", folder / "more.ndjson", "--at", "2025-03-03T17:00:00Z") == 0
    return folder


def change(folder: Path, statement: str, *values: object) -> None:
    raw = dbapi.connect(str(folder / "manometer.db"))
    raw.execute(statement, values)
    raw.commit()
    raw.close()


def ask(folder: Path, capsys: pytest.CaptureFixture[str], *words: object) -> list[Mapping[str, Any]]:
    capsys.readouterr()
    run("-w", folder, *map(str, words), "--json")
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def books(told: Mapping[str, Any]) -> tuple[bool, int]:
    """Whether they balance, and how many events wait."""
    return told["conservation"]["holds"], told["conservation"]["events"]["waiting"]


POISONS = {
    "traits": "UPDATE customers SET settled = NULL, traits = '{\"firstName\": ' WHERE key = 'c7'",
    "settled": "UPDATE customers SET settled = '[' WHERE key = 'c7'",
    "detail": "UPDATE customers SET settled = NULL, detail = '[1, 2]' WHERE key = 'c7'",
    "entries": "UPDATE customers SET entries = 'nothing' WHERE key = 'c7'",
}


@pytest.mark.parametrize("poison", POISONS)
def test_a_customer_who_cannot_be_read_is_set_aside_and_a_thousand_others_are_decided_for(
    poison: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path, 1000 if poison == "traits" else 30)
    change(folder, POISONS[poison])
    rows = ask(folder, capsys, "tick", "--no-dispatch", "--at", EVENING)
    assert {row["customer"] for row in rows} == {
        f"c{each}" for each in range(1000 if poison == "traits" else 30)
    } - {"c7"}
    (thing,) = ask(folder, capsys, "quarantine")
    assert (thing["kind"], thing["what"], thing["since"]) == ("customer", "c7", EVENING)
    assert "trace" in thing["reason"]


def test_status_counts_and_names_who_is_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shop(tmp_path, 3)
    change(folder, "UPDATE customers SET settled = NULL, traits = '{' WHERE key = 'c1'")
    run("-w", folder, "tick", "--no-dispatch", "--at", EVENING)
    (told,) = ask(folder, capsys, "status", "--at", EVENING)
    assert (told["state"], told["quarantine"], told["overdue"]) == ("degraded", {"customer": 1}, 0)
    capsys.readouterr()
    assert run("-w", folder, "status", "--at", EVENING) == 1
    assert "1 customer set aside (c1)" in capsys.readouterr().out


def test_who_was_put_right_and_released_is_decided_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path, 3)
    change(folder, "UPDATE customers SET settled = NULL, traits = '{' WHERE key = 'c1'")
    run("-w", folder, "tick", "--no-dispatch", "--at", EVENING)
    (thing,) = ask(folder, capsys, "quarantine")
    change(
        folder,
        "UPDATE customers SET settled = NULL, traits = '{\"email\": \"c1@example.ch\"}' WHERE key = 'c1'",
    )
    assert ask(folder, capsys, "tick", "--no-dispatch", "--at", EVENING) == []
    assert run("-w", folder, "quarantine", "release", str(thing["id"]), "--at", EVENING) == 0
    (row,) = ask(folder, capsys, "tick", "--no-dispatch", "--at", EVENING)
    assert (row["customer"], row["outcome"]) == ("c1", "send")
    assert ask(folder, capsys, "quarantine") == []
    (line,) = [row for row in ask(folder, capsys, "audit") if row["action"] == "quarantine release"]
    assert line["subject"] == str(thing["id"])


def test_who_was_dropped_is_named_no_more_and_never_decided_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path, 3)
    change(folder, "UPDATE customers SET settled = NULL, traits = '{' WHERE key = 'c1'")
    run("-w", folder, "tick", "--no-dispatch", "--at", EVENING)
    (thing,) = ask(folder, capsys, "quarantine")
    assert run("-w", folder, "quarantine", "drop", str(thing["id"]), "--reason", "lost", "--at", EVENING) == 0
    assert ask(folder, capsys, "quarantine") == []
    run("-w", folder, "status", "--json", "--at", EVENING)
    told = json.loads(capsys.readouterr().out)
    assert (told["quarantine"], [each["sort"] for each in told["findings"]]) == ({}, ["late"])
    assert ask(folder, capsys, "tick", "--no-dispatch", "--at", NEXT_DAY) == []


def test_an_event_that_cannot_be_read_is_left_out_and_its_customer_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path, 30)
    calls = [act("c7", "Product Viewed", "2025-03-03T17:30:00Z", sku="1")]
    (folder / "more.ndjson").write_text(json.dumps(calls[0]) + "\n")
    assert run("-w", folder, "import", folder / "more.ndjson", "--at", "2025-03-03T17:30:00Z") == 0
    change(folder, "UPDATE events SET properties = '{\"sku\": ' WHERE name = 'Product Viewed'")
    rows = ask(folder, capsys, "tick", "--no-dispatch", "--at", EVENING)
    assert {row["customer"] for row in rows} == {f"c{each}" for each in range(30)}
    (thing,) = ask(folder, capsys, "quarantine")
    assert thing["kind"] == "event"
    assert thing["what"].endswith("of customer c7")


def test_an_event_that_caused_an_entry_is_played_once_it_is_released(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path, 3)
    change(
        folder,
        "UPDATE events SET properties = '{' WHERE name = 'Checkout Started' AND customer_id = "
        "(SELECT id FROM customers WHERE key = 'c1')",
    )
    rows = ask(folder, capsys, "tick", "--no-dispatch", "--at", EVENING)
    assert {row["customer"] for row in rows} == {"c0", "c2"}
    (thing,) = ask(folder, capsys, "quarantine")
    (told,) = ask(folder, capsys, "status", "--at", EVENING)
    assert books(told) == (True, 1)
    change(folder, "UPDATE events SET properties = '{}' WHERE properties = '{'")
    assert run("-w", folder, "quarantine", "release", str(thing["id"]), "--at", EVENING) == 0
    (row,) = ask(folder, capsys, "tick", "--no-dispatch", "--at", EVENING)
    assert (row["customer"], row["outcome"]) == ("c1", "send")
    (told,) = ask(folder, capsys, "status", "--at", EVENING)
    assert books(told) == (True, 0)


def test_an_event_that_was_dropped_is_waited_for_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path, 3)
    change(folder, "UPDATE events SET properties = '{' WHERE customer_id = 2 AND name = 'Checkout Started'")
    run("-w", folder, "tick", "--no-dispatch", "--at", EVENING)
    (thing,) = ask(folder, capsys, "quarantine")
    assert run("-w", folder, "quarantine", "drop", str(thing["id"]), "--reason", "lost", "--at", EVENING) == 0
    assert ask(folder, capsys, "tick", "--no-dispatch", "--at", EVENING) == []
    (told,) = ask(folder, capsys, "status", "--at", EVENING)
    assert books(told) == (True, 0)


def test_the_whole_trace_is_for_the_owner_alone_and_the_list_quotes_no_customer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path, 3)
    change(folder, "UPDATE customers SET settled = NULL, traits = '\"secret@example.ch' WHERE key = 'c1'")
    run("-w", folder, "tick", "--no-dispatch", "--at", EVENING)
    (thing,) = ask(folder, capsys, "quarantine")
    assert "secret" not in thing["reason"]
    (trace,) = (folder / "manometer.db.traces").iterdir()
    assert trace.stem in thing["reason"]
    assert trace.stat().st_mode & 0o777 == 0o600
    assert "Traceback" in trace.read_text()


def test_only_what_is_set_aside_can_be_released_or_dropped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workspace(tmp_path / "shop", [person("ann")])
    assert run("-w", folder, "quarantine", "release", "7") == 1
    assert "Nothing with the number 7 is set aside" in capsys.readouterr().err


def test_an_import_takes_all_lines_but_those_of_a_customer_who_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path, 3)
    change(folder, "UPDATE customers SET settled = NULL, traits = '{' WHERE key = 'c1'")
    calls = [
        act(f"c{each % 50}", "Product Viewed", f"2025-03-03T18:{each % 60:02}:00Z") for each in range(1000)
    ]
    (folder / "views.ndjson").write_text("".join(json.dumps(call) + "\n" for call in calls))
    unique = {call["messageId"]: call["userId"] for call in calls}
    theirs = sum(user == "c1" for user in unique.values())
    (told,) = ask(folder, capsys, "import", folder / "views.ndjson", "--at", EVENING)
    assert (told["taken"], told["rejected"]) == (len(unique) - theirs, 20)
    assert told["taken"] + told["duplicate"] + told["rejected"] == 1000
    (thing,) = ask(folder, capsys, "quarantine")
    assert (thing["kind"], thing["what"]) == ("customer", "c1")
    reasons = {json.loads(line)["reason"] for line in Path(told["rejects"]).read_text().splitlines()}
    assert reasons == {"cannot be taken: The customer c1 cannot be read; `manometer quarantine` says why."}


# ---- what others say of it ----


def test_a_preview_names_who_cannot_be_read_and_leaves_out_who_is_set_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path, 3)
    change(folder, "UPDATE customers SET settled = NULL, traits = '{' WHERE key = 'c1'")
    span = ("--at", "2025-03-03T17:20:00Z", "--days", "1")
    assert run("-w", folder, "preview", *span) == 1
    assert "The customer c1 cannot be read" in capsys.readouterr().err
    run("-w", folder, "tick", "--no-dispatch", "--at", "2025-03-03T17:30:00Z")
    assert {row["customer"] for row in ask(folder, capsys, "preview", *span)} == {"c0", "c2"}
    assert run("-w", folder, "preview", *span) == 0
    assert "1 customer is set aside and left out" in capsys.readouterr().out


def test_why_says_that_a_customer_is_set_aside_and_how_that_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path, 3)
    change(folder, "UPDATE customers SET settled = NULL, traits = '{' WHERE key = 'c1'")
    run("-w", folder, "tick", "--no-dispatch", "--at", EVENING)
    capsys.readouterr()
    assert run("-w", folder, "why", "c1", "basket", "--at", EVENING) == 1
    told = capsys.readouterr().err
    assert "The customer is set aside" in told
    assert "`manometer quarantine release 1` ends that" in told


# ---- kills ----

KILLED = """
import os, sys
from console.main import main
from console.runs import isolation

original = isolation.advance

def advance(dossier, *others, **more):
    if dossier.key == "c7":
        os.kill(os.getpid(), 9)
    return original(dossier, *others, **more)

isolation.advance = advance
sys.exit(main(sys.argv[1:]))
"""


def test_who_kills_the_process_is_set_aside_after_two_kills_alone_and_all_others_are_decided_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path, 250)
    command = [sys.executable, "-c", KILLED, "-w", str(folder), "tick", "--no-dispatch", "--at", EVENING]
    ended = [subprocess.run(command, check=False, capture_output=True).returncode for _ in range(4)]
    assert ended == [-9, -9, -9, 0]
    (thing,) = ask(folder, capsys, "quarantine")
    assert (thing["kind"], thing["what"]) == ("customer", "c7")
    assert thing["reason"].startswith("the process ended without a word while it worked on this")
    decided = ask(folder, capsys, "decisions")
    assert {row["customer"] for row in decided} == {f"c{each}" for each in range(250)} - {"c7"}
    assert len(decided) == 249


def test_kills_at_different_customers_accuse_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path, 20)
    for key in ("c3", "c5", "c9"):
        killed = KILLED.replace('"c7"', f'"{key}"')
        command = [sys.executable, "-c", killed, "-w", str(folder), "tick", "--no-dispatch", "--at", EVENING]
        subprocess.run(command, check=False)
        with WorkNote.open(folder / "manometer.db", "tick"):
            pass  # a pass that came to its end
    run("-w", folder, "tick", "--no-dispatch", "--at", EVENING)
    assert ask(folder, capsys, "quarantine") == []
    assert len(ask(folder, capsys, "decisions")) == 20


def test_a_condition_without_end_is_cut_off_for_its_customer_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path, 30)
    endless = KILLED.replace("os.kill(os.getpid(), 9)", "while True: pass")
    command = [sys.executable, "-c", endless, "-w", str(folder), "tick", "--no-dispatch", "--at", EVENING]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    (thing,) = ask(folder, capsys, "quarantine")
    assert (thing["kind"], thing["what"]) == ("customer", "c7")
    assert "longer than 3 s" in thing["reason"]
    assert len(ask(folder, capsys, "decisions")) == 29
