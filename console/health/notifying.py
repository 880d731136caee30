"""Telling somebody when the workspace's state changes: a command, a webhook, or both.

It can hold up nothing: each runs in a thread of its own until its deadline, and what still hangs then is
left. What was told last stands in a file of the workspace, so that a restart, and a watchdog beside the
scheduler, tell nothing twice. Durations are ms.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final

from console.health.judgement import finding_row
from console.secrets import read_secret
from console.workspace.watch import WatchSettings
from core.errors import ManometerError
from core.health import Health, HealthFinding
from core.instants import SECOND, Instant, Millis, format_instant

TOLD: Final = ".notified"
"""The file with the state that was told last."""
MOST_HANGING: Final = 3
"""So many calls may hang beyond their deadline; more are not begun."""
_NUMBER: Final = re.compile(r"[0-9]")

Complain = Callable[[str, str], object]
"""Is told which way did not work, and why."""


class Notifier:
    """Tells of changes of one workspace's state."""

    def __init__(self, folder: Path, workspace: str, complain: Complain) -> None:
        self._folder = folder
        self._workspace = workspace
        self._complain = complain
        self._told = self._read()
        self._seen: str | None = None
        self._threads: list[Thread] = []

    def tell(
        self, health: Health, at: Instant, settings: WatchSettings, *, at_once: bool = False
    ) -> Sequence[Thread]:
        """Tell of the state where it is another than was told last; what runs then. A state that was not the
        same at the look before is not told yet, unless `at_once`.
        """
        state = _identity(health)
        is_settled = at_once or state == self._seen
        self._seen = state
        if state == self._told.get("identity") or not is_settled:
            return ()
        if not (settings.command or settings.webhook):
            return ()
        body = self._body(health, at)
        self._keep(state, health.state)
        return self._begin(json.dumps(body, ensure_ascii=False).encode(), settings)

    def _body(self, health: Health, at: Instant) -> dict[str, Any]:
        return {
            "workspace": self._workspace,
            "state": health.state,
            "before": self._told.get("state"),
            "at": format_instant(at),
            "findings": [finding_row(each) for each in health.findings],
        }

    def _begin(self, body: bytes, settings: WatchSettings) -> Sequence[Thread]:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) >= MOST_HANGING:
            self._complain("notify", f"{len(self._threads)} calls hang; this one was not begun")
            return ()
        ways = [("command", _run)] if settings.command else []
        ways += [("webhook", _call)] if settings.webhook else []
        begun = [
            Thread(target=self._tried, args=(name, way, body, settings), name=f"notify-{name}", daemon=True)
            for name, way in ways
        ]
        for thread in begun:
            thread.start()
        self._threads += begun
        return begun

    def _tried(
        self,
        name: str,
        way: Callable[[bytes, WatchSettings, Path], None],
        body: bytes,
        settings: WatchSettings,
    ) -> None:
        try:
            way(body, settings, self._folder)
        except Exception as error:  # the border to what the workspace's settings name
            self._complain(name, str(error) if isinstance(error, ManometerError) else type(error).__name__)

    def _read(self) -> Mapping[str, Any]:
        try:
            found = json.loads((self._folder / TOLD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _keep(self, identity: str, state: str) -> None:
        self._told = {"identity": identity, "state": state}
        part = self._folder / f"{TOLD}.{os.getpid()}"
        with suppress(OSError):  # then it is told again after the next start
            part.write_text(json.dumps(self._told), encoding="utf-8")
            part.replace(self._folder / TOLD)


def _identity(health: Health) -> str:
    """What makes a state another one: the word, and what is wrong with what, without numbers that grow."""
    wrong = {f"{each.sort} {_subject(each)}".strip() for each in health.findings}
    return "; ".join([health.state, *sorted(wrong)])


def _subject(found: HealthFinding) -> str:
    subject = found.words.partition(":")[0]
    return "" if _NUMBER.search(subject) and found.sort not in ("inbox", "silent") else subject


# ---- the ways ----


def _run(body: bytes, settings: WatchSettings, folder: Path) -> None:
    """Start the command with the state as JSON on its standard input; at the deadline it and its children
    are ended.
    """
    process = subprocess.Popen(  # noqa: S603 - what the workspace's owner wrote, and no shell
        settings.command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        cwd=folder, start_new_session=True,
    )  # fmt: skip
    try:
        process.communicate(body, timeout=settings.deadline / SECOND)
    except subprocess.TimeoutExpired:
        raise ManometerError(_late(settings.deadline)) from None
    finally:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        raise ManometerError(f"{settings.command[0]} ended with {process.returncode}")


def _call(body: bytes, settings: WatchSettings, folder: Path) -> None:
    """Post the state; a call that lasts beyond the deadline is reported and left to itself."""
    failed: list[str] = []
    call = Thread(target=_post, args=(body, settings, folder, failed), name="notify-call", daemon=True)
    call.start()
    call.join(settings.deadline / SECOND)
    if call.is_alive():
        raise ManometerError(_late(settings.deadline))
    if failed:
        raise ManometerError(failed[0])


def _post(body: bytes, settings: WatchSettings, folder: Path, failed: list[str]) -> None:
    import httpx  # a seventh of a second, which only a change of state costs

    headers = {"Content-Type": "application/json", "User-Agent": "manometer"}
    try:
        if settings.token is not None:
            headers["Authorization"] = f"Bearer {read_secret(settings.token, 'notify: token', folder)}"
        with (
            httpx.Client(timeout=settings.deadline / SECOND, trust_env=False) as client,
            client.stream("POST", str(settings.webhook), content=body, headers=headers) as reply,
        ):
            if not reply.is_success:
                failed.append(f"the webhook answered {reply.status_code}")
    except (httpx.HTTPError, ManometerError) as error:
        failed.append(str(error) or type(error).__name__)


def _late(deadline: Millis) -> str:
    return f"no end within {deadline / SECOND:g} s"
