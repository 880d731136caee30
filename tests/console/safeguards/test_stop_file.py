"""The emergency stop by a file: it needs no database, everybody heeds it, and it reaches the audit later."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from console import clock
from console.safeguards.stop_file import BY_HAND, SPARE, SendingGate, StopFile, StopNote
from console.safeguards.stopping import take_in
from core.errors import ManometerError
from core.instants import DAY, HOUR, format_instant
from core.model.pauses import EVERYTHING
from storage import audit, pauses
from storage.sqlite import BUSY_TIMEOUT
from storage.store import Store
from tests.console.daemons import ROOT
from tests.console.lives import act, person, run, workspace

NOTE = StopNote(1_700_000_000_000, "ann", "wrong prices", transactional=False)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """One message waits to be handed over."""
    folder = workspace(tmp_path / "shop", [person("anna")])
    assert run("-w", folder, "tick", "--at", format_instant(clock.now() - DAY)) == 0
    basket = act("anna", "Checkout Started", format_instant(clock.now() - 2 * HOUR))
    (folder / "new.ndjson").write_text(json.dumps(basket) + "\n")
    assert run("-w", folder, "import", folder / "new.ndjson") == 0
    assert run("-w", folder, "tick", "--no-dispatch") == 0
    return folder


def asked(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    run("-w", folder, *words, "--json")
    answer: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return answer


def acts(folder: Path) -> list[tuple[object, ...]]:
    with Store.open(folder / "manometer.db", writer=False) as store, store.reading() as connection:
        rows = [(row["action"], row["author"], row["reason"]) for row in audit.entries(connection)]
    return [row for row in rows if row[0] in ("stop", "go")]


def handed_over(folder: Path) -> bool:
    assert run("-w", folder, "tick") == 0
    path = folder / "outbox" / "email.ndjson"
    return path.exists() and bool(path.read_text())


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another process holds the database in an exclusive transaction."""
    script = (
        "import sys; from storage.sqlite import dbapi; c = dbapi.connect(sys.argv[1]);"
        "c.isolation_level = None; c.execute('BEGIN EXCLUSIVE');"
        "print('locked', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(folder / "manometer.db")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            other.communicate()


# ---- the file by itself ----


def test_what_was_written_is_read(tmp_path: Path) -> None:
    file = StopFile(tmp_path)
    assert (file.mark(), file.read()) == (None, None)
    file.write(NOTE)
    assert file.mark() is not None
    assert file.read() == NOTE
    file.remove()
    assert file.mark() is None
    file.remove()


def make_empty(path: Path) -> None:
    path.touch()


def make_garbage(path: Path) -> None:
    path.write_bytes(b'{"at": "now"}\xff')


def make_folder(path: Path) -> None:
    path.mkdir()


def make_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [make_empty, make_garbage, make_folder, make_dangling_link, make_pipe])
def test_whatever_has_the_name_stops_everything_and_can_be_taken_away(tmp_path: Path, make: Any) -> None:
    file = StopFile(tmp_path)
    make(file.path)
    note = file.read()
    assert file.mark() is not None
    assert note is not None
    assert (note.transactional, note.reason) == (True, BY_HAND)
    assert abs(note.at - time.time() * 1000) < 60_000
    file.remove()
    assert file.mark() is None


def test_a_long_reason_leaves_a_file_that_can_be_read(tmp_path: Path) -> None:
    file = StopFile(tmp_path)
    file.write(StopNote(1, "ann", "ü" * 120_000, transactional=False))
    found = file.read()
    assert found is not None
    assert (found.at, found.transactional, found.reason) == (1, False, "ü" * 500)


def test_where_nothing_new_can_be_written_the_spare_becomes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = StopFile(tmp_path)
    file.keep_spare()
    file.keep_spare()
    monkeypatch.setattr(file, "_written", refusing)
    file.write(NOTE)
    assert file.read() == NOTE
    assert not (tmp_path / SPARE).exists()
    file.remove()
    file.write(NOTE)  # without a spare, an empty one
    found = file.read()
    assert found is not None
    assert (found.transactional, found.reason) == (True, BY_HAND)


def refusing(_: bytes) -> None:
    raise OSError(28, "No space left on device")


def test_where_no_file_can_be_made_it_says_why(tmp_path: Path) -> None:
    with pytest.raises(ManometerError, match="cannot be made"):
        StopFile(tmp_path / "missing").write(NOTE)


def test_a_gate_opens_for_the_very_file_that_the_database_knows(tmp_path: Path) -> None:
    file = StopFile(tmp_path)
    gate = SendingGate(file)
    assert not gate.is_shut()
    file.write(NOTE)
    assert gate.is_shut()
    gate.know(file.mark())
    assert not gate.is_shut()
    file.write(StopNote(NOTE.at + 1, "ann"))
    assert gate.is_shut()


# ---- with the commands ----


def test_a_file_made_by_hand_stops_the_next_pass_and_reaches_the_audit(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "STOP").touch()
    row = asked(shop, capsys, "status")
    assert (row["state"], row["stop_file"]) == ("degraded", True)
    assert run("-w", shop, "preview") == 0
    assert "All sending is stopped, by the file STOP" in capsys.readouterr().out
    assert not handed_over(shop)
    assert "by the file STOP too" in capsys.readouterr().out
    ((action, _, reason),) = acts(shop)
    assert (action, reason) == ("stop", BY_HAND)
    assert run("-w", shop, "go", "--yes") == 0
    assert not (shop / "STOP").exists()
    assert handed_over(shop)


def test_stop_makes_both_halves_and_go_ends_both(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = asked(shop, capsys, "stop", "--yes", "--reason", "fire")
    assert (row["file"], row["row"], row["messages"]) == (True, True, 1)
    assert StopFile(shop).read() is not None
    with Store.open(shop / "manometer.db") as store, store.reading() as connection:
        stopped = pauses.current(connection, row_instant(shop))[EVERYTHING]
    assert (stopped.reason, stopped.pause.transactional) == ("fire", False)
    assert run("-w", shop, "stop", "--yes") == 1
    assert run("-w", shop, "stop", "--yes", "--transactional") == 0
    assert run("-w", shop, "go", "--yes") == 0
    assert not (shop / "STOP").exists()
    assert [each[0] for each in acts(shop)].count("go") == 1


def test_a_stop_before_the_last_pass_is_refused_since_what_went_out_is_out(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-w", shop, "tick", "--at", "2099-03-05T12:00:00Z") == 0
    for words in (("--yes",), ()):
        assert run("-w", shop, "stop", "--at", "2099-03-05T11:59:59Z", *words) == 1
        assert "the last pass ran at 2099-03-05T12:00:00Z" in capsys.readouterr().err
    assert acts(shop) == []
    assert run("-w", shop, "stop", "--at", "2099-03-05T12:00:00Z", "--yes") == 0


def row_instant(folder: Path) -> int:
    note = StopFile(folder).read()
    assert note is not None
    return note.at


def test_a_stop_that_is_ended_while_its_file_is_read_is_not_begun_anew(shop: Path) -> None:
    assert run("-w", shop, "stop", "--yes") == 0

    class Overtaken(StopFile):
        def read(self) -> StopNote | None:
            note = super().read()
            assert run("-w", shop, "go", "--yes") == 0
            return note

    with Store.open(shop / "manometer.db") as store:
        assert take_in(store, SendingGate(Overtaken(shop)), clock.now(), ZoneInfo("UTC")) is None
        with store.reading() as connection:
            assert pauses.current(connection, clock.now()) == {}


def test_stop_works_in_no_time_while_another_process_has_the_database(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with locked(shop):
        begun = time.monotonic()
        row = asked(shop, capsys, "stop", "--yes", "--reason", "fire")
        assert time.monotonic() - begun < BUSY_TIMEOUT  # it waited so long, and then failed
        assert (row["file"], row["row"], row["messages"]) == (True, False, None)
        capsys.readouterr()
        assert run("-w", shop, "stop", "--yes") == 0
        assert "by the file STOP alone" in capsys.readouterr().err
    assert not handed_over(shop)
    assert [each[0] for each in acts(shop)] == ["stop"]


def test_stop_works_where_the_playbook_and_the_database_are_broken(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "manometer.toml").write_text("[workspace\n")
    (shop / "manometer.db").write_bytes(b"no database at all" * 1000)
    row = asked(shop, capsys, "stop", "--yes")
    assert (row["file"], row["row"]) == (True, False)
    assert StopFile(shop).mark() is not None


def test_stop_leaves_no_file_where_there_is_no_workspace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-w", tmp_path, "stop", "--yes") == 1
    assert "is no workspace" in capsys.readouterr().err
    assert not (tmp_path / "STOP").exists()


def test_stop_says_which_half_did_not_work(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "STOP").mkdir()
    (shop / "STOP" / "kept").touch()
    assert run("-w", shop, "stop", "--yes") == 0
    assert "without the file STOP" in capsys.readouterr().err
    assert run("-w", shop, "go", "--yes") == 1
    assert "stays stopped until it is gone" in capsys.readouterr().err
    assert [each[0] for each in acts(shop)] == ["stop", "stop"]  # the folder holds transactional ones too


def test_go_ends_a_stop_that_was_a_file_alone(shop: Path) -> None:
    (shop / "STOP").touch()
    assert run("-w", shop, "go", "--yes", "--policy", "overdue") == 0
    assert [each[0] for each in acts(shop)] in (["go", "stop"], ["stop", "go"])
    assert handed_over(shop)
