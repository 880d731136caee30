"""The scheduler as a process: it decides and sends by itself, is the only one, obeys signals, and lives
through what passes.
"""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from console import clock
from console.cli.exit_codes import LATER
from console.daemon.jobs import JobContext, Jobs, WorkDone
from console.daemon.leadership import Clocks, Leadership
from console.daemon.log import opened_log
from console.daemon.notify import notify, watchdog
from console.daemon.ticker import PeriodicJob, Ticker
from console.daemon.troubles import Troubles
from console.daemon.unit import unit
from console.main import main
from console.workspace.reading import read_workspace
from core.instants import DAY, HOUR, MINUTE, SECOND, format_instant
from storage import leases, status
from storage.leases import TTL
from storage.outbox import texts
from storage.outbox.texts import KeptText
from storage.schema.messages import messages
from storage.schema.texts import sent_texts
from storage.schema.workspace import leases as lease_table
from storage.store import Store, TransientStoreError, meta, set_meta
from tests.console.daemons import PATIENCE, ROOT, Daemon, Lateness, heed_signals, until
from tests.console.lives import SETTINGS, act, person, run, workspace
from tests.servers import MailServer

QUICK = SETTINGS + '[engine]\ntick = "1s"\n'


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Three customers, and a trigger that has been active for a day: what a basket of an hour ago leads to is
    due at once.
    """
    return furnished(tmp_path / "shop", QUICK)


def furnished(folder: Path, settings: str) -> Path:
    workspace(folder, [person(name) for name in ("anna", "ben", "cleo")])
    (folder / "manometer.toml").write_text(settings)
    assert main(["-w", str(folder), "tick", "--at", format_instant(clock.now() - DAY)]) == 0
    return folder


def drop(folder: Path, name: str, calls: list[dict[str, Any]]) -> Path:
    """Put a file into the inbox as a careful program does: written elsewhere, then renamed, old enough to be
    whole.
    """
    inbox = folder / "inbox"
    inbox.mkdir(exist_ok=True)
    part = (inbox / name).with_name(f".{Path(name).name}")
    part.write_text("".join(json.dumps(call) + "\n" for call in calls))
    old = time.time() - 60
    os.utime(part, (old, old))
    return part.rename(inbox / name)


def basket(user: str, ago: int = HOUR + HOUR // 2) -> dict[str, Any]:
    return act(user, "Checkout Started", format_instant(clock.now() - ago))


def sent(folder: Path) -> list[dict[str, Any]]:
    path = folder / "outbox" / "email.ndjson"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    main(["-w", str(folder), "status", "--json"])
    row: dict[str, Any] = json.loads(capsys.readouterr().out)
    return row


# ---- the whole road ----


def test_a_dropped_event_is_taken_in_decided_and_sent_by_itself(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Daemon(shop) as daemon:
        daemon.wait_for("started", term=1)
        drop(shop, "day.ndjson", [basket("anna")])
        assert daemon.wait_for("import")["taken"] == 1
        assert daemon.wait_for("tick")["decided_send"] == 1
        assert daemon.wait_for("dispatch")["sent"] == 1
        row = asked(shop, capsys)
        assert row["leader"].split(":")[1] == str(daemon.process.pid)
        assert (row["state"], row["conservation"]["holds"], row["conservation"]["fates"]["sent"]) == (
            "healthy",
            True,
            1,
        )
        assert daemon.end() == 0
    assert (shop / "inbox" / "done" / "day.ndjson").exists()
    assert [line["customer"] for line in sent(shop)] == ["anna"]
    row = asked(shop, capsys)
    assert (row["state"], row["leader"]) == ("idle", None)
    assert run("-w", shop, "status") == 0
    assert "idle: the scheduler was stopped, and nothing has ticked since" in capsys.readouterr().out
    assert run("-w", shop, "tick") == 0
    assert asked(shop, capsys)["state"] == "healthy"


def test_log_lines_hold_no_personal_data(shop: Path) -> None:
    with Daemon(shop, "--log-level", "debug") as daemon:
        drop(shop, "day.ndjson", [basket("anna")])
        daemon.wait_for("dispatch", sent=1)
        assert daemon.end() == 0
    assert "anna" not in json.dumps(daemon.lines)
    assert all({"ts", "level", "event"} <= line.keys() for line in daemon.lines)
    assert not daemon.other


def test_idle_passes_say_nothing(shop: Path) -> None:
    with Daemon(shop) as daemon:
        daemon.wait_for("started")
        ticked(daemon, shop)
        ticked(daemon, shop, since=clock.now())
        assert daemon.end() == 0
    events = [line["event"] for line in daemon.lines if line["event"] != "audit_anchor"]
    assert events == ["started", "in_force", "stopping", "stopped"]


def test_the_audit_is_anchored_in_the_log_once_a_day(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Daemon(shop) as daemon:
        kept = daemon.wait_for("audit_anchor")["anchor"]
        assert daemon.end() == 0
    with Daemon(shop) as daemon:
        daemon.wait_for("started")
        ticked(daemon, shop, since=clock.now())
        assert daemon.end() == 0
    assert daemon.find("audit_anchor") is None
    capsys.readouterr()
    assert run("-w", shop, "audit", "verify", "--anchor", kept, "--json") == 0
    proof = json.loads(capsys.readouterr().out)
    assert (proof["holds"], proof["anchors"], proof["anchor"], proof["rows"]) == (True, 1, kept, 1)


def test_texts_of_messages_that_were_kept_long_enough_are_ended(shop: Path) -> None:
    old, young = clock.now() - 91 * DAY, clock.now() - 89 * DAY
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        base = texts.keep_base(connection, b"", young)
        texts.keep(connection, {number: KeptText(at, base, b"x") for number, at in ((1, old), (2, young))})
    with Daemon(shop) as daemon:
        assert daemon.wait_for("texts_ended")["messages"] == 1
        assert daemon.end() == 0
    with Store.open(shop / "manometer.db") as store, store.reading() as connection:
        assert connection.execute(select(sent_texts.c.message_id)).scalars().all() == [2]


def ticked(daemon: Daemon, folder: Path, since: int | None = None) -> None:
    """Wait for a pass that begins after the scheduler did, or after an instant."""
    daemon.wait_for("started")
    begun = clock.now() - MINUTE if since is None else since
    until(lambda: last_tick(folder) >= begun)


def last_tick(folder: Path) -> int:
    with Store.open(folder / "manometer.db", writer=False) as store, store.reading() as connection:
        return int(meta(connection, status.LAST_TICK_AT) or 0)


# ---- the only one ----


def test_a_second_scheduler_is_refused_and_told_who_leads(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Daemon(shop) as first:
        first.wait_for("started")
        with Daemon(shop) as second:
            assert second.wait() == LATER
        assert f":{first.process.pid}:" in second.other[0]
        assert "--standby" in second.other[0]
        assert re.search(r"which leads since \w{3} \d\d \w{3} \d{4} \d\d:\d\d UTC\.", second.other[0])
        assert first.end() == 0


def test_one_that_stands_by_takes_over_from_one_that_was_killed(shop: Path) -> None:
    with Daemon(shop) as first:
        first.wait_for("started")
        with Daemon(shop, "--standby") as second:
            second.wait_for("standing_by")
            first.end(signal.SIGKILL)
            assert second.wait_for("started")["term"] == 2
            assert second.end() == 0


def test_one_that_stands_by_can_be_stopped(shop: Path) -> None:
    with Daemon(shop) as first:
        first.wait_for("started")
        with Daemon(shop, "--standby") as second:
            second.wait_for("standing_by")
            assert second.end() == 0
        assert first.end() == 0


def test_of_three_that_start_at_once_one_leads(shop: Path) -> None:
    with Daemon(shop) as one, Daemon(shop) as two, Daemon(shop) as three:
        together = (one, two, three)
        until(lambda: sum(daemon.process.poll() is None for daemon in together) == 1)
        (leader,) = (daemon for daemon in together if daemon.process.poll() is None)
        leader.wait_for("started")
        assert leader.end() == 0
        assert sorted(daemon.wait() for daemon in together) == [0, 75, 75], "to be tried later"


def test_a_scheduler_that_slept_through_its_lease_writes_nothing_more(shop: Path) -> None:
    with Daemon(shop) as daemon:
        ticked(daemon, shop)
        daemon.process.send_signal(signal.SIGSTOP)
        with Store.open(shop / "manometer.db") as store:
            depose(store, daemon)
            daemon.process.send_signal(signal.SIGCONT)
            assert daemon.wait() == 1
            with store.reading() as connection:
                lease = leases.current(connection)
                assert meta(connection, status.LAST_TICK_AT) == "7"
    assert lease is not None
    assert (lease.owner, lease.term) == ("elsewhere:1:1", 7)
    assert "term 7" in daemon.wait_for("ended")["reason"]


def depose(store: Store, daemon: Daemon) -> None:
    """Let somebody else take over from a stopped scheduler; where it was stopped in the middle of a
    transaction, at the next attempt.
    """
    while True:
        try:
            with store.writing() as connection:
                connection.execute(
                    update(lease_table).values(owner="elsewhere:1:1", term=7, expires_at=clock.now() + HOUR)
                )
                set_meta(connection, status.LAST_TICK_AT, "7")
        except TransientStoreError:
            daemon.process.send_signal(signal.SIGCONT)
            time.sleep(0.1)
            daemon.process.send_signal(signal.SIGSTOP)
        else:
            return


def test_the_lease_of_another_container_that_is_gone_is_waited_for(shop: Path) -> None:
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        leases.acquire(connection, "old-container:1:1", clock.now() - TTL + 3 * SECOND)
    with Daemon(shop) as daemon:
        assert daemon.wait_for("started")["term"] == 2
        assert daemon.end() == 0


# ---- signals ----


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(shop: Path, number: int) -> None:
    with Daemon(shop) as daemon:
        daemon.wait_for("started")
        assert daemon.end(number) == 0
    assert daemon.lines[-1]["event"] == "stopped"
    assert daemon.wait_for("stopping")["signal"] == signal.Signals(number).name


def test_stopped_in_the_middle_of_a_batch_nothing_stays_claimed_and_nothing_goes_twice(shop: Path) -> None:
    people = [f"p{number}" for number in range(400)]
    drop(shop, "people.ndjson", [person(user) for user in people])
    drop(shop, "the-baskets.ndjson", [basket(user) for user in people])
    with Daemon(shop) as daemon:
        until(lambda: len(sent(shop)) > 20)
        assert daemon.end() == 0
    with Store.open(shop / "manometer.db") as store, store.reading() as connection:
        assert not connection.execute(select(messages.c.id).where(messages.c.state == "claimed")).all()
    with Daemon(shop) as daemon:
        until(lambda: len(sent(shop)) == 400)
        assert daemon.end() == 0
    assert len({line["key"] for line in sent(shop)}) == 400


def test_a_message_on_its_way_to_a_slow_mail_server_comes_to_its_end_before_it_stops(tmp_path: Path) -> None:
    with MailServer(delay=1.0) as server:
        mail = (
            f'kind = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\nfrom = '
            '"a@example.ch"'
        )
        shop = furnished(tmp_path / "shop", QUICK.replace('kind = "file"', mail, 1))
        drop(shop, "day.ndjson", [basket(user) for user in ("anna", "ben", "cleo")])
        with Daemon(shop) as daemon:
            until(lambda: server.commands["DATA"] == 1)
            assert daemon.end() == 0
        with Store.open(shop / "manometer.db") as store, store.reading() as connection:
            states = sorted(row[0] for row in connection.execute(select(messages.c.state)))
        assert (states, len(server.received)) == (["planned", "planned", "sent"], 1)


@pytest.mark.parametrize("delay", [0.01, 0.4])
def test_no_mail_begins_more_than_a_second_after_the_emergency_stop(tmp_path: Path, delay: float) -> None:
    begun: list[float] = []

    def behave(stage: str, line: str) -> None:
        if stage == "MAIL":
            begun.append(time.monotonic())
        elif stage == "text":
            time.sleep(delay)

    with MailServer(behave) as server:
        mail = (
            f'kind = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\nfrom = '
            '"a@example.ch"'
        )
        shop = furnished(tmp_path / "shop", QUICK.replace('kind = "file"', mail, 1))
        several = [person(f"c{number}") for number in range(600)] + [
            basket(f"c{number}") for number in range(600)
        ]
        drop(shop, "day.ndjson", several)
        with Daemon(shop) as daemon, Lateness() as late:
            until(lambda: len(begun) >= 4)
            asked = time.monotonic()
            assert main(["-w", str(shop), "stop", "--yes"]) == 0
            stopped = time.monotonic()
            time.sleep(2.5)
            assert daemon.end() == 0
    after = max(begun) - stopped
    print(
        f"stop: returned after {stopped - asked:.2f} s, the last mail began {after:+.2f} s after that, "
        f"{len(begun)} of 600 begun; this machine was late by {late.most:.2f} s"
    )
    assert after <= 1.0 + 3 * late.most
    assert len(begun) < 600


def test_a_file_stops_a_running_scheduler_and_go_lets_it_send_again(shop: Path) -> None:
    with Daemon(shop) as daemon:
        daemon.wait_for("started")
        (shop / "STOP").touch()
        daemon.wait_for("stopped_by_file")
        drop(shop, "day.ndjson", [basket("anna")])
        daemon.wait_for("tick", customers=1)
        time.sleep(1)
        assert sent(shop) == []
        assert main(["-w", str(shop), "go", "--yes", "--policy", "overdue"]) == 0
        daemon.wait_for("dispatch", sent=1)
        assert daemon.end() == 0
    assert [line["customer"] for line in sent(shop)] == ["anna"]


def test_hup_takes_the_settings_anew_and_keeps_the_old_while_there_are_faults(shop: Path) -> None:
    with Daemon(shop) as daemon:
        daemon.wait_for("started", tick="1s")
        (shop / "manometer.toml").write_text(QUICK.replace('"1s"', '"2s"'))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for("reloaded", tick="2s")
        (shop / "manometer.toml").write_text(QUICK.replace('"1s"', "no"))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for("not_reloaded")
        assert daemon.end() == 0


def test_a_terminal_that_hangs_up_ends_it(shop: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:
        heed_signals()
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "console", "-w", str(shop), "run"])
    shown = b""
    while b"started" not in shown:
        shown += os.read(terminal, 4096)
    os.close(terminal)
    deadline = time.monotonic() + PATIENCE
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    if ended[0] == 0:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(ended[1]) == 0
    with Store.open(shop / "manometer.db") as store, store.reading() as connection:
        lease = leases.current(connection)
    assert lease is not None
    assert not lease.is_live(clock.now() + 1)


# ---- what goes wrong ----


def test_a_workspace_with_a_simulated_clock_is_refused(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        set_meta(connection, clock.SIMULATED_AT, str(clock.now()))
    assert main(["-w", str(shop), "run"]) == 1
    assert "tick --at" in capsys.readouterr().err


def test_a_busy_database_is_told_once_and_lived_through(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Daemon(shop) as daemon:
        ticked(daemon, shop)
        with Store.open(shop / "manometer.db") as store, store.writing() as connection:
            set_meta(connection, "other", "x")
            daemon.wait_for("trouble", what="tick")
        daemon.wait_for("trouble_over", what="tick")
        assert daemon.end() == 0
    assert sum(line["event"] == "trouble" and line["what"] == "tick" for line in daemon.lines) == 1
    assert asked(shop, capsys)["errors"] == {}


def test_a_folder_that_is_none_is_told_by_itself_and_intake_goes_on(shop: Path) -> None:
    (shop / "manometer.toml").write_text(
        QUICK + '[sources.crm]\nkind = "folder"\npath = "crm"\n[sources.till]\nkind = "folder"\n'
    )
    (shop / "crm").write_text("no folder")
    (shop / "inbox" / "till").mkdir(parents=True)
    drop(shop, "till/day.ndjson", [basket("anna")])
    with Daemon(shop) as daemon:
        assert daemon.wait_for("import")["taken"] == 1
        assert daemon.wait_for("trouble")["what"] == f"inbox {shop / 'crm'}"
        (shop / "crm").unlink()
        (shop / "crm").mkdir()
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for("trouble_over", what=f"inbox {shop / 'crm'}")
        assert daemon.end() == 0


def test_the_heartbeat_says_what_was_done_and_what_status_would_say(shop: Path) -> None:
    steady, out = iter((0, 0, HOUR, HOUR, 3 * HOUR, 3 * HOUR)), io.StringIO()
    with Store.open(shop / "manometer.db") as store, opened_log("json", stream=out) as log:
        with store.writing() as connection:
            set_meta(connection, "halted", json.dumps({"email": {"reason": "no such host", "since": 1}}))
        clocks = Clocks(clock.now, lambda: next(steady))
        leadership = Leadership(store, "x:1:1", Clocks(clock.now, lambda: 0))
        assert leadership.lock()
        assert leadership.seek() is not None
        context = JobContext(
            shop, store, leadership, clocks, log, Troubles(store, log, clock.now), lambda: False
        )
        jobs = Jobs(context, read_workspace(shop, channel_kinds=("file",)), lambda name: None)
        jobs.done.add({"sent": 2})
        jobs.renew()
        jobs.renew()
        leadership.resign()
    beats = [line for line in map(json.loads, out.getvalue().splitlines()) if line["event"] == "heartbeat"]
    assert [(beat.get("sent"), beat["state"], beat["wrong"]) for beat in beats] == [
        (2, "degraded", ["email halted"])
    ]


def _work(tally: WorkDone) -> None:
    for _ in range(5_000):
        tally.add({"sent": 1})


def test_what_several_threads_have_done_is_told_once_and_in_full() -> None:
    tally, taken = WorkDone(), Counter[str]()
    threads = [Thread(target=_work, args=(tally,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken.update(tally.taken())
    taken.update(tally.taken())
    assert taken == {"sent": 20_000}


def test_a_removed_database_ends_it_with_a_sentence(shop: Path) -> None:
    with Daemon(shop) as daemon:
        daemon.wait_for("started")
        for path in shop.glob("manometer.db*"):
            path.unlink()
        daemon.process.send_signal(signal.SIGHUP)
        assert daemon.wait(90) == 1
    assert "removed or replaced" in daemon.lines[-1]["reason"]


def test_a_disk_that_is_short_of_room_stops_intake_and_sending_until_there_is_more(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "manometer.toml").write_text(QUICK + 'keep_free = "900000TB"\n')
    file = drop(shop, "day.ndjson", [basket("anna")])
    with Daemon(shop) as daemon:
        daemon.wait_for("trouble", what="disk")
        ticked(daemon, shop)
        assert file.exists()
        assert asked(shop, capsys)["errors"]["disk"]["reason"].startswith("intake and sending wait")
        (shop / "manometer.toml").write_text(QUICK + 'keep_free = "0MB"\n')
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for("trouble_over", what="disk")
        daemon.wait_for("dispatch", sent=1)
        assert daemon.end() == 0


def test_a_full_disk_is_lived_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.system(f"mount -t tmpfs -o size=8m tmpfs {disk} 2>/dev/null") != 0:
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        shop = furnished(disk / "shop", QUICK + 'keep_free = "0MB"\n')
        ballast = disk / "ballast"
        with Daemon(shop) as daemon:
            ticked(daemon, shop)
            drop(shop, "day.ndjson", [basket("anna")])
            with ballast.open("wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)):
                        pass
                except OSError:
                    pass
            daemon.wait_for("trouble")
            assert daemon.process.poll() is None
            ballast.unlink()
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_for("dispatch", sent=1)
            assert daemon.end() == 0
        row = asked(shop, capsys)
        assert (row["conservation"]["holds"], row["conservation"]["fates"]["sent"]) == (True, 1)
    finally:
        os.system(f"umount -l {disk}")


# ---- its parts ----


class Heard:
    """Listens to a ticker."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def worked(self, job: PeriodicJob) -> None:
        self.told.append(("worked", job.name))

    def failed(self, job: PeriodicJob, error: BaseException) -> None:
        self.told.append(("failed", str(error)))

    def skipped(self, job: PeriodicJob) -> None:
        self.told.append(("skipped", job.name))


@pytest.fixture
def ticking() -> Iterator[Callable[..., Heard]]:
    tickers: list[Ticker] = []

    def start(*jobs: PeriodicJob) -> Heard:
        heard = Heard()
        tickers.append(Ticker(jobs, heard, clock.now))
        tickers[-1].start()
        return heard

    yield start
    for ticker in tickers:
        ticker.stop()


def test_the_ticker_tells_what_worked_what_raised_and_what_took_too_long(
    ticking: Callable[..., Heard],
) -> None:
    def fail() -> None:
        raise ValueError("no")

    heard = ticking(
        PeriodicJob("quick", 50, lambda: None),
        PeriodicJob("wrong", 50, fail),
        PeriodicJob("slow", 50, lambda: time.sleep(0.3)),
    )
    until(
        lambda: (
            {("worked", "quick"), ("failed", "no"), ("skipped", "slow"), ("worked", "slow")}
            <= set(heard.told)
        )
    )


def test_a_pass_asked_for_while_one_runs_follows_it_and_is_no_overrun() -> None:
    begun: list[float] = []
    heard, running, go_on = Heard(), Event(), Event()

    def work() -> None:
        begun.append(time.monotonic())
        running.set()
        assert go_on.wait(PATIENCE)

    ticker = Ticker([PeriodicJob("work", HOUR, work)], heard, clock.now)
    ticker.start()
    try:
        assert running.wait(PATIENCE)
        ticker.soon("work")
        time.sleep(0.2)  # so that it is refused while the first pass runs
        assert (len(begun), heard.told) == (1, [])
        go_on.set()
        until(lambda: heard.told == [("worked", "work")])
        assert len(begun) == 2
    finally:
        go_on.set()
        ticker.stop()


def test_a_clock_that_was_set_back_does_not_silence_the_ticker() -> None:
    ahead, heard = [HOUR], Heard()
    ticker = Ticker([PeriodicJob("quick", 50, lambda: None)], heard, lambda: clock.now() + ahead[0])
    ticker.start()
    ahead[0] = 0
    ticker.all_soon()
    until(lambda: len(heard.told) > 2)
    ticker.stop()


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_text_of_a_customer_reaches_the_log_raw(form: str) -> None:
    out = io.StringIO()
    with opened_log(form, stream=out) as log:
        log.info("import", file="Eve\x1b]0;x\x07\nts=1\u202e.csv")
    assert not set("\x1b\x07\u202e") & set(out.getvalue())
    assert out.getvalue().count("\n") == 1


def test_a_log_line_of_another_library_shows_the_kind_of_an_error_and_not_its_text() -> None:
    import logging

    out = io.StringIO()
    with opened_log("json", stream=out):
        try:
            raise ValueError("anna@example.ch")
        except ValueError:
            logging.getLogger("other").exception("went wrong")
    assert json.loads(out.getvalue())["error"] == "ValueError"
    assert "anna" not in out.getvalue()


def test_systemd_is_told_of_start_and_end(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.settimeout(PATIENCE)
        with Daemon(shop, environment={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "1000000"}) as daemon:
            daemon.wait_for("watchdog_short")
            heard = [listening.recv(1000).decode()]
            while "WATCHDOG=1" not in heard:
                heard.append(listening.recv(1000).decode())
            assert daemon.end() == 0
        listening.settimeout(0.2)
        while "STOPPING=1" not in heard:
            heard.append(listening.recv(1000).decode())
    assert "READY=1" in heard[0]


def test_without_systemd_nothing_is_told() -> None:
    notify("READY=1", environment={})
    assert watchdog({}) is None
    assert watchdog({"WATCHDOG_USEC": "30000000"}) == 30 * SECOND


def test_the_unit_in_the_documentation_is_the_one_that_is_printed() -> None:
    documented = (ROOT / "docs" / "manometer.service").read_text()
    assert documented == unit(Path("/srv/shop"), "/srv/venv/bin/manometer", "manometer")


def test_the_unit_is_printed_with_the_workspaces_paths(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["-w", str(shop), "run", "--print-unit"]) == 0
    assert f"ReadWritePaths={shop}" in capsys.readouterr().out


def test_a_path_with_a_blank_and_a_sign_of_systemd_stays_one_path() -> None:
    printed = unit(Path("/srv/my 50% shop"), "manometer", "me")
    assert 'ExecStart=manometer --workspace "/srv/my 50%% shop" run' in printed
    assert "WorkingDirectory=/srv/my 50%% shop\n" in printed


def test_each_workspace_has_a_unit_of_its_own_name() -> None:
    odd = unit(Path("/srv/my 50% shop"), "manometer", "me")
    assert "Save it as /etc/systemd/system/manometer-my-50-shop.service" in odd
    assert "manometer-shop.service" in unit(Path("/srv/shop"), "manometer", "me")


# ---- status ----


def test_a_scheduler_that_died_with_work_overdue_is_down_at_once(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = clock.now()
    drop(shop, "day.ndjson", [basket("anna", 2 * HOUR)])
    assert (
        main(
            ["-w", str(shop), "import", str(shop / "inbox" / "day.ndjson"), "--at", format_instant(at - HOUR)]
        )
        == 0
    )
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        set_meta(connection, status.LAST_TICK_AT, str(at - 10 * MINUTE))
        row = {
            "name": "scheduler",
            "owner": "x:1:1",
            "term": 1,
            "since": at - DAY,
            "renewed_at": at - 9 * MINUTE,
        }
        connection.execute(insert(lease_table).values(**row, expires_at=at - 9 * MINUTE + TTL))
    capsys.readouterr()
    assert main(["-w", str(shop), "status"]) == 2
    assert "nobody; x:1:1 until" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        update(messages).values(channel="sms"),
        update(messages).values(enrolment_id=99),
        update(messages).values(customer_id=2),
        update(messages).values(step=2),
    ],
    ids=["channel", "enrolment", "customer", "step"],
)
def test_the_books_do_not_balance_where_a_message_is_not_what_was_decided(shop: Path, change: Any) -> None:
    main(["-w", str(shop), "import", str(drop(shop, "day.ndjson", [basket("anna")]))])
    main(["-w", str(shop), "tick"])
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        assert status.conservation(connection)["holds"]
        connection.execute(change)
        assert not status.conservation(connection)["holds"]
