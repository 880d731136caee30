"""The scheduler is killed at random points again and again: afterwards nothing is lost, nothing went out
twice, and the books balance.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select

from console import clock
from console.dispatch.journal import folder_of
from console.main import main
from console.operating.quarantine import release
from core.instants import DAY, HOUR, format_instant
from storage import quarantine, status
from storage.outbox import dispatch as outbox
from storage.schema.decisions import decisions
from storage.schema.events import events
from storage.schema.messages import messages
from storage.store import Store
from tests.console.daemons import Daemon, until
from tests.console.lives import BASKET, SETTINGS, act, person, workspace
from tests.servers import MailServer

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
ENDED = {"sent", "failed", "uncertain"}


@dataclass
class Loop:
    """A workspace whose scheduler is killed while files of new customers and their baskets keep coming."""

    folder: Path
    dice: Random
    each: int  # customers a file
    files: int = 0
    kills: int = 0
    in_a_pass: int = 0  # kills of which a journal was left
    released: int = 0  # things that were being worked on at two kills

    @property
    def customers(self) -> int:
        return self.files * self.each

    def drop(self) -> None:
        """One more file of customers, each of whom left a basket."""
        calls: list[dict[str, Any]] = []
        for number in range(self.each):
            user = f"c{self.files}-{number}"
            calls += [person(user), act(user, "Checkout Started", format_instant(clock.now() - 2 * HOUR))]
        part = self.folder / "inbox" / ".coming"
        part.parent.mkdir(exist_ok=True)
        part.write_text("".join(json.dumps(call) + "\n" for call in calls))
        os.utime(part, (0, 0))
        part.rename(part.with_name(f"{self.files}.ndjson"))
        self.files += 1

    def kill_once(self, server: MailServer) -> None:
        """Start it, and kill it somewhere on its way; every second time only once mail goes out, however long
        this machine takes for that.
        """
        self.drop()
        had = len(server.received)
        with Daemon(self.folder) as daemon:
            daemon.wait_for("started")
            if self.kills % 2:
                until(lambda: len(server.received) > had)
                time.sleep(self.dice.uniform(0.0, 0.1))
            else:
                time.sleep(self.dice.uniform(0.0, 0.5))
            daemon.end(signal.SIGKILL)
        self.kills += 1
        self.in_a_pass += any(folder_of(self.folder / "manometer.db").glob("*.journal"))

    def finish(self) -> None:
        """Let it come to the end of its work; what was being worked on at two of the kills, and so was set
        aside, is released.
        """
        with Daemon(self.folder) as daemon:
            daemon.wait_for("started")
            until(self.is_finished, 120)
            assert daemon.end() == 0

    def release(self) -> None:
        """Release what is set aside, as an operator would."""
        with Store.open(self.folder / "manometer.db") as store:
            with store.reading() as connection:
                aside = quarantine.listing(connection)
            for thing in aside:
                release(store, thing.id, "anna", clock.now())
        self.released += len(aside)

    def is_finished(self) -> bool:
        self.release()
        with Store.open(self.folder / "manometer.db", writer=False) as store, store.reading() as connection:
            sends = connection.execute(
                select(func.count()).select_from(decisions).where(decisions.c.outcome == "send")
            ).scalar_one()
            waiting = connection.execute(select(messages.c.id).where(outbox.WAITING).limit(1)).first()
        return sends == 2 * self.customers and waiting is None

    # ---- what must hold ----

    def check(self, server: MailServer, seed: int) -> None:
        with Store.open(self.folder / "manometer.db") as store, store.reading() as connection:
            books = status.conservation(connection)
            rows = [
                tuple(row)
                for row in connection.execute(select(messages.c.channel, messages.c.state, messages.c.key))
            ]
            taken = connection.execute(select(func.count()).select_from(events)).scalar_one()
        assert books["holds"], (seed, books)
        assert taken == 1 + 2 * self.customers, "an event was lost or came twice"
        assert len(rows) == 2 * self.customers, "a decision was lost or taken twice"
        assert {state for _, state, _ in rows} <= ENDED
        self.check_file([(state, key) for channel, state, key in rows if channel == "email"])
        self.check_mail(server, Counter(state for channel, state, _ in rows if channel == "newsletter"))

    def check_file(self, rows: list[tuple[str, str]]) -> None:
        """The file takes a key twice for once: everything is in it exactly once."""
        keys = [
            json.loads(line)["key"]
            for line in (self.folder / "outbox" / "email.ndjson").read_text().splitlines()
        ]
        assert len(keys) == len(set(keys)), "the file holds a message twice"
        assert {state for state, _ in rows} == {"sent"}
        assert set(keys) == {key for _, key in rows}

    def check_mail(self, server: MailServer, states: Counter[str]) -> None:
        """A mail server does not: nothing was sent twice, and of the one mail under way at a kill nobody
        knows the end.
        """
        assert max(server.counts.values()) == 1, "the mail server got a message twice"
        received = len(server.counts)
        assert states["sent"] <= received <= states["sent"] + states["uncertain"]
        assert states["uncertain"] <= self.in_a_pass, (
            "more than the one mail that was on its way became uncertain"
        )
        assert states["sent"] + states["uncertain"] == self.customers, "a mail was lost"
        assert self.in_a_pass >= self.kills // 5, "too few kills came while mail went out to prove anything"
        assert not any(folder_of(self.folder / "manometer.db").iterdir()), (
            "a journal was left of which nothing is to be taken over"
        )
        print(
            f"{self.kills} kills, {self.in_a_pass} of them in the middle of sending, {self.released} things "
            f"released: {states}, {received} received"
        )


def crash_loop(folder: Path, kills: int, each: int, seed: int) -> None:
    with MailServer(delay=0.005) as server:
        workspace(folder, [person("first")])
        (folder / "manometer.toml").write_text(SETTINGS + MAIL.format(port=server.port))
        (folder / "pressure.toml").write_text("")
        (folder / "triggers" / "basket.toml").write_text(BOTH)
        assert main(["-w", str(folder), "tick", "--at", format_instant(clock.now() - DAY)]) == 0
        loop = Loop(folder, Random(seed), each)
        for _ in range(kills):
            loop.kill_once(server)
        loop.finish()
        loop.check(server, seed)


def test_five_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    crash_loop(tmp_path / "shop", kills=5, each=60, seed=5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 3))
def test_forty_kills_lose_nothing_and_double_nothing(tmp_path: Path, seed: int) -> None:
    crash_loop(tmp_path / "shop", kills=40, each=100, seed=seed)
