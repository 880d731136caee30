"""[notify] and [metrics] of manometer.toml: who is told how the workspace is doing. Durations are ms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from console.secrets import is_reference
from console.workspace.toml_reader import TomlTable, shown
from core.instants import MINUTE, SECOND, Millis

LONGEST: Final[Millis] = MINUTE


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """Whom to tell of a change, and where to leave the numbers; nobody and nowhere by default."""

    command: tuple[str, ...] = ()
    webhook: str | None = None
    token: Mapping[str, object] | None = field(default=None, repr=False)
    deadline: Millis = 10 * SECOND
    file: str | None = None
    """Of the numbers, relative to the workspace."""
    listen: tuple[str, int] | None = None
    """Host and port at which they can be asked for."""


def read_watch(notify: TomlTable, metrics: TomlTable) -> WatchSettings:
    """Both tables; where a fault was noted the value is a stand-in."""
    token = notify.raw("token")
    if token is not None and not is_reference(token):
        notify.wrong("token", 'where the secret is: { env = "NAME" } or { file = "PATH" }')
        token = None
    deadline = notify.duration("deadline")
    if deadline is not None and not SECOND <= deadline <= LONGEST:
        notify.fault("deadline", f"`deadline` is {shown(deadline)} ms", 'Write "1s" to "60s".')
    settings = WatchSettings(
        command=notify.texts("command") or (),
        webhook=notify.parsed("webhook", _address),
        token=token,
        deadline=10 * SECOND if deadline is None else deadline,
        file=metrics.text("file"),
        listen=metrics.parsed("listen", _listen),
    )
    notify.done()
    metrics.done()
    return settings


def _address(text: str) -> str:
    found = urlsplit(text)
    if found.scheme not in ("https", "http") or not found.hostname or found.username is not None:
        raise ValueError(
            f'{shown(text)} cannot be called. Write an address such as "https://alarm.example.ch/hook"; '
            "what authorises belongs into `token`."
        )
    return text


def _listen(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError(f'{shown(text)} is no host and port. Write such as listen = "127.0.0.1:9464".')
    return host.strip("[]"), int(port)
