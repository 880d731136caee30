"""The console in a real terminal: whole at the end however it ends, quiet while nothing changes, deaf to what
names command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import orjson
import pytest

from console.main import main
from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from tests.screens.stage import HOSTILE
from tests.terminal import RESTORED, Environment, Terminal

ROOT = str(Path(__file__).parents[3])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a hundred customers, some of whom have given hostile names."""
    place = tmp_path_factory.mktemp("terminal") / "shop"
    assert main(["init", str(place)]) == 0
    events = place / "people.ndjson"
    events.write_bytes(b"\n".join(orjson.dumps(_identify(number)) for number in range(100)))
    assert main(["-w", str(place), "import", str(events), "--json"]) == 0
    assert main(["-w", str(place), "tick", "--at", "2026-03-02T09:00:00Z", "--json"]) == 0
    return place


def _identify(number: int) -> dict[str, object]:
    return {
        "type": "identify", "userId": f"C{number:03d}", "messageId": f"m{number}",
        "timestamp": "2026-03-01T10:00:00Z",
        "traits": {"firstName": HOSTILE[number % len(HOSTILE)], "lastName": f"Muster{number}",
            "email": f"c{number}@example.com"},
    }  # fmt: skip


def console(shop: Path, *more: str, columns: int = 80, rows: int = 24, **environment: str | None) -> Terminal:
    command = [sys.executable, "-m", "console", "-w", str(shop), "console", *more]
    given: Environment = {"PYTHONPATH": ROOT, **environment}
    return Terminal(command, columns, rows, given)


def to_customers(terminal: Terminal) -> None:
    terminal.wait_for(b"Overview")
    terminal.settle(0.5)
    terminal.send(b"2")
    terminal.wait_for(b"Muster")
    terminal.settle(0.5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_it_leaves_the_terminal_whole(shop: Path, number: signal.Signals) -> None:
    with console(shop) as terminal:
        to_customers(terminal)
        os.kill(terminal.pid, number)
        assert terminal.wait() == 0
        assert all(sequence in terminal.output for sequence in RESTORED)


def test_nothing_is_sent_while_nothing_changes_and_names_that_command_a_terminal_do_nothing(
    shop: Path,
) -> None:
    with console(shop, columns=160, rows=48) as terminal:
        to_customers(terminal)
        terminal.settle(1)
        before, end = len(terminal.output), monotonic() + 2
        while monotonic() < end:
            terminal.read(end - monotonic())
        assert len(terminal.output) == before
        for key in (b"\x1b[6~", b"\x1b[6~", b"\r"):
            terminal.press(key)
        assert b"Muster" in terminal.output
        for attack in (b"\x1b]52", b"PWNED\x07", b"\x1b]0;PWNED", b"\x9b2J", "\u202e".encode()):
            assert attack not in terminal.output


def test_what_another_process_does_appears_by_itself(shop: Path) -> None:
    with console(shop) as terminal:
        terminal.wait_for(b"Overview")
        terminal.settle(1)
        terminal.send(b"3")
        terminal.settle(1)
        assert (
            main(["-w", str(shop), "triggers", "pause", "birthday", "--yes", "--at", "2026-03-02T10:00:00Z"])
            == 0
        )
        terminal.forget()
        terminal.wait_for(b"paused")
        assert (
            main(["-w", str(shop), "triggers", "resume", "birthday", "--yes", "--at", "2026-03-02T11:00:00Z"])
            == 0
        )


def test_keys_that_come_in_one_burst_with_the_filter_key_are_the_filter_s(shop: Path) -> None:
    with console(shop) as terminal:
        to_customers(terminal)
        terminal.forget()
        terminal.send(b"/muster42\r")
        terminal.wait_for(b"1 of 100")
        terminal.send(b"q")
        assert terminal.wait() == 0
    assert not (shop / "exports").exists()


@pytest.mark.parametrize(
    ("columns", "rows", "environment"),
    [
        (60, 16, {}),
        (80, 24, {"NO_COLOR": "1"}),
        (80, 24, {"TERM": "linux", "COLORTERM": None}),
        (160, 48, {"COLORTERM": None}),
    ],
)
def test_it_draws_in_any_terminal_and_q_leaves_it_whole(
    shop: Path, columns: int, rows: int, environment: dict[str, str | None]
) -> None:
    with console(shop, columns=columns, rows=rows, **environment) as terminal:
        to_customers(terminal)
        for screen in (b"1", b"3", b"4", b"5", b"6"):
            terminal.send(screen)
            terminal.settle(0.3)
        terminal.send(b"q")
        assert terminal.wait() == 0
        assert all(sequence in terminal.output for sequence in RESTORED)
        assert b"Traceback" not in terminal.output


def test_a_terminal_that_cannot_draw_is_refused_in_words(shop: Path) -> None:
    with console(shop, TERM="dumb") as terminal:
        assert terminal.wait() == 1
        assert b"this terminal (TERM=dumb) cannot draw the console" in terminal.output


def test_without_a_terminal_manometer_alone_says_what_there_is(shop: Path) -> None:
    command = [sys.executable, "-m", "console", "-w", str(shop)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ROOT},
        check=False,
    )
    assert done.returncode == 0
    assert "usage: manometer" in done.stdout


def test_in_a_folder_that_is_no_workspace_it_says_so_and_what_to_do(tmp_path: Path) -> None:
    with Terminal(
        [sys.executable, "-m", "console", "-w", str(tmp_path)], environment={"PYTHONPATH": ROOT}
    ) as terminal:
        assert terminal.wait() == 1
        assert b"is no workspace" in terminal.output
        assert b"\x1b[?1049h" not in terminal.output


@pytest.mark.parametrize(
    ("locale", "encoding", "sign"), [("C", None, "●"), ("de_CH.ISO-8859-1", "latin-1", "# active")]
)
def test_a_terminal_of_another_encoding_gets_letters_that_it_has(
    shop: Path, locale: str, encoding: str | None, sign: str
) -> None:
    with console(shop, LC_ALL=locale, PYTHONUTF8="0", PYTHONIOENCODING=encoding) as terminal:
        terminal.wait_for(b"Overview")
        terminal.send(b"3")
        terminal.wait_for(b"active")
        terminal.settle(0.3)
        assert rb"\u25" not in terminal.output
        assert sign.encode() in terminal.output


def test_what_was_suspended_is_drawn_anew(shop: Path) -> None:
    with console(shop) as terminal:
        to_customers(terminal)
        terminal.suspend()
        assert RESTORED[0] in terminal.output
        terminal.forget()
        terminal.resume()
        terminal.wait_for(b"Muster")


def test_a_database_that_is_taken_away_is_told_and_not_written(shop: Path) -> None:
    aside = shop / "aside.db"
    with console(shop) as terminal:
        to_customers(terminal)
        (shop / "manometer.db").rename(aside)
        try:
            terminal.wait_for(b"removed while")
        finally:
            aside.rename(shop / "manometer.db")


def test_without_the_right_to_write_the_console_is_for_reading_only(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda place, _: place.is_dir())
    service = LocalService(shop)
    assert service.place.read_only == f"you have no right to write {shop / 'manometer.db'}"
    with pytest.raises(ManometerError, match="Nothing was changed"), service.acting():
        pass
    service.close()
