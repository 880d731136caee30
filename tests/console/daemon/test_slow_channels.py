"""The scheduler beside a mail server that lies: all else goes on, and it ends soon when it is told to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from time import monotonic

import pytest

from console import clock
from core.instants import HOUR, format_instant
from tests.console.daemons import Daemon, until
from tests.console.lives import BASKET, SETTINGS, act, person, run, workspace
from tests.servers import Lie, LyingServer, dripping, endless, silent

MAIL = """
[channels.newsletter]
kind = "smtp"
medium = "email"
host = "127.0.0.1"
port = {port}
security = "none"
from = "Lives <hello@lives.example>"
[engine]
tick = "1s"
keep_free = "0MB"
"""
BOTH = BASKET.replace('channels = ["email"]', 'channels = ["email", "newsletter"]\nmode = "all"')
LIES: dict[str, Lie] = {
    "drips": dripping(b"220 " + b"x" * 500 + b"\r\n", 0.5),
    "floods": endless(b"220-again and again\r\n"),
    "is silent": silent,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_mail_server_holds_up_neither_the_other_channel_nor_the_end(tmp_path: Path, lie: str) -> None:
    with LyingServer(LIES[lie]) as server:
        folder = workspace(tmp_path / "shop", [])
        (folder / "manometer.toml").write_text(SETTINGS + MAIL.format(port=server.port))
        (folder / "triggers" / "basket.toml").write_text(BOTH)
        assert run("-w", folder, "tick", "--at", "2025-06-01T00:00:00Z") == 0  # puts the playbook in force
        out = folder / "outbox" / "email.ndjson"
        with Daemon(folder) as daemon:
            daemon.wait_for("started")
            for number in (1, 2):
                drop(folder, f"c{number}")
                until(lambda: out.exists() and len(out.read_text().splitlines()) == number)  # noqa: B023
                until(lambda: server.connections > 0)
            began = monotonic()
            assert daemon.end() == 0
            assert monotonic() - began < 30


def drop(folder: Path, customer: str) -> None:
    """A new customer with a basket that was left two hours ago."""
    lines = [person(customer), act(customer, "Checkout Started", format_instant(clock.now() - 2 * HOUR))]
    draft = folder / "inbox" / f".{customer}"
    draft.parent.mkdir(exist_ok=True)
    draft.write_text("".join(json.dumps(line) + "\n" for line in lines))
    os.utime(draft, (0, 0))
    draft.rename(folder / "inbox" / f"{customer}.ndjson")
