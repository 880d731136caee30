"""Telling of a change of the state: once, by command and webhook, and holding up nothing."""

from __future__ import annotations

import fcntl
import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import pytest

from console.health.notifying import MOST_HANGING, TOLD, Notifier
from console.workspace.watch import WatchSettings
from core.health import Health, HealthFinding
from core.instants import SECOND
from tests.console.daemons import until
from tests.console.lives import SETTINGS, run, workspace

WELL = Health("healthy", True, ())
AT = 1_767_225_600_000


def late(number: int, channel: str = "email") -> Health:
    words = f"{channel}: {number} messages overdue"
    return Health("degraded", True, (HealthFinding("late", words, "the oldest for 2m", AT),))


@pytest.fixture
def failures() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def notifier(tmp_path: Path, failures: list[tuple[str, str]]) -> Notifier:
    return Notifier(tmp_path, "shop", lambda way, why: failures.append((way, why)))


def writing(tmp_path: Path) -> WatchSettings:
    """A command that appends what it is told to a file."""
    script = "import sys; open('told', 'a').write(sys.stdin.read() + '\\n')"
    return WatchSettings(command=(sys.executable, "-c", script), deadline=30 * SECOND)


def told(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "told"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def tell(notifier: Notifier, health: Health, settings: WatchSettings, *, at_once: bool = True) -> None:
    for thread in notifier.tell(health, AT, settings, at_once=at_once):
        thread.join(60)


def test_a_change_is_told_once_and_numbers_that_grow_are_none(tmp_path: Path, notifier: Notifier) -> None:
    settings = writing(tmp_path)
    for health in (WELL, WELL, late(3), late(400), late(400, "sms"), WELL):
        tell(notifier, health, settings)
    assert [(each["before"], each["state"]) for each in told(tmp_path)] == [
        (None, "healthy"),
        ("healthy", "degraded"),
        ("degraded", "degraded"),
        ("degraded", "healthy"),
    ]
    (finding,) = told(tmp_path)[1]["findings"]
    assert finding == {
        "sort": "late",
        "what": "email: 3 messages overdue",
        "why": "the oldest for 2m",
        "since": "2026-01-01T00:00:00Z",
    }


def test_a_state_of_one_look_is_not_told_and_a_restart_tells_nothing_twice(
    tmp_path: Path, notifier: Notifier
) -> None:
    settings = writing(tmp_path)
    for health in (WELL, WELL, late(1), WELL, late(1), late(2)):
        tell(notifier, health, settings, at_once=False)
    assert [each["state"] for each in told(tmp_path)] == ["healthy", "degraded"]
    again = Notifier(tmp_path, "shop", lambda way, why: None)
    tell(again, late(5), settings)
    assert len(told(tmp_path)) == 2
    assert (tmp_path / TOLD).exists()


def is_free(file: IO[str]) -> bool:
    """Whether no process holds the lock of the file; takes it where that is so."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def test_a_command_that_hangs_is_ended_with_its_children_and_holds_up_nothing(
    tmp_path: Path, notifier: Notifier, failures: list[tuple[str, str]]
) -> None:
    script = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c',"
        " \"import fcntl, time; f = open('held', 'w'); fcntl.flock(f, 2); time.sleep(60)\"]);"
        " __import__('time').sleep(60)"
    )
    settings = WatchSettings(command=(sys.executable, "-c", script), deadline=2 * SECOND)
    threads = notifier.tell(WELL, AT, settings, at_once=True)
    assert [thread.is_alive() for thread in threads] == [True]
    for thread in threads:
        thread.join(60)
    assert failures == [("command", "no end within 2 s")]
    with (tmp_path / "held").open("a") as held:
        until(lambda: is_free(held))  # its child held it to the end


def test_a_command_that_is_not_there_or_fails_is_complained_of(
    notifier: Notifier, failures: list[tuple[str, str]]
) -> None:
    tell(notifier, WELL, WatchSettings(command=("/no/such/program",)))
    tell(notifier, late(1), WatchSettings(command=(sys.executable, "-c", "raise SystemExit(3)")))
    assert failures == [("command", "FileNotFoundError"), ("command", f"{sys.executable} ended with 3")]


class _Hook(ThreadingHTTPServer):
    """Keeps what is posted; `drips` answers a byte at a time, for ever."""

    def __init__(self, *, drips: bool = False, status: int = 204) -> None:
        posted: list[tuple[str | None, dict[str, Any]]] = []
        leaving = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posted.append((self.headers.get("Authorization"), json.loads(body)))
                while drips and not leaving.wait(0.2):
                    self.wfile.write(b"H")
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.posted, self.leaving = posted, leaving
        self.daemon_threads = True
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_: object) -> None:
        """The client has hung up."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def close(self) -> None:
        self.leaving.set()
        self.shutdown()
        self.server_close()


@pytest.fixture
def hook() -> Iterator[_Hook]:
    hook = _Hook()
    yield hook
    hook.close()


def test_a_webhook_gets_the_state_and_the_token(tmp_path: Path, notifier: Notifier, hook: _Hook) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    (tmp_path / "token").chmod(0o600)
    tell(notifier, late(3), WatchSettings(webhook=hook.address, token={"file": "token"}))
    ((authorization, body),) = hook.posted
    assert authorization == "Bearer s3cret"
    assert (body["workspace"], body["state"]) == ("shop", "degraded")


def test_a_webhook_that_drips_or_refuses_is_complained_of_at_its_deadline(
    notifier: Notifier, failures: list[tuple[str, str]]
) -> None:
    for server in (_Hook(drips=True), _Hook(status=500)):
        try:
            settings = WatchSettings(webhook=server.address, deadline=2 * SECOND)
            begun = time.monotonic()
            tell(notifier, late(1) if failures else WELL, settings)
            assert time.monotonic() - begun < 20
        finally:
            server.close()
    assert failures == [("webhook", "no end within 2 s"), ("webhook", "the webhook answered 500")]


def test_calls_that_hang_are_bounded(
    tmp_path: Path, notifier: Notifier, failures: list[tuple[str, str]]
) -> None:
    script = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.02)"
    sleep = WatchSettings(command=(sys.executable, "-c", script), deadline=60 * SECOND)
    begun = [
        thread
        for number in range(MOST_HANGING + 1)
        for thread in notifier.tell(late(1, f"channel-{'abcd'[number]}"), AT, sleep, at_once=True)
    ]
    assert len(begun) == MOST_HANGING
    assert failures[0][0] == "notify"
    (tmp_path / "go").touch()
    for thread in begun:
        thread.join(60)


def test_status_notifies_from_outside_also_where_the_database_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = workspace(tmp_path / "shop", [])
    program = [sys.executable, "-c", "import sys; open('told', 'a').write(sys.stdin.read() + '\\n')"]
    (shop / "manometer.toml").write_text(SETTINGS + f"[notify]\ncommand = {json.dumps(program)}\n")
    assert run("-w", shop, "tick") == 0
    for _ in range(2):
        assert run("-w", shop, "status", "--notify") == 0
    (shop / "STOP").touch()
    assert run("-w", shop, "status", "--notify") == 1
    (shop / "manometer.db").write_bytes(b"no database at all" * 1000)
    assert run("-w", shop, "status", "--notify") == 2
    assert [each["state"] for each in told(shop)] == ["healthy", "degraded", "down"]
