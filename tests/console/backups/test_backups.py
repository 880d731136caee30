"""Backing up a workspace that is at work, and going on from a backup without sending anything twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from console import clock
from console.backups.making import back_up, nightly_target, rotate
from console.backups.records import recorded_in
from console.daemon.leadership import LockFile
from core.errors import ManometerError
from core.instants import DAY, MINUTE, format_instant, parse_instant
from core.model.backups import BackupSettings
from core.model.delivery import mail_number
from storage.audit_proof import prove
from storage.copying import fault_of
from storage.schema.messages import messages
from storage.schema.migrations import migrate, version_of
from storage.sqlite import dbapi
from storage.store import Store
from tests.console.daemons import Daemon
from tests.console.lives import SETTINGS, act, person, run, workspace

Output = pytest.CaptureFixture[str]
MONDAY = "2025-03-03T10:00:00Z"
NAMES = ("ann", "ben", "cleo")
NOON = "2025-03-03T12:00:00Z"


@pytest.fixture
def shop(tmp_path: Path, capsys: Output) -> Path:
    """Two customers who left a basket on Monday; nothing was sent yet."""
    folder = workspace(tmp_path / "shop", [person(name) for name in ("ann", "ben")])
    assert run("-w", folder, "apply", "--yes", "--at", "2025-03-01T00:00:00Z") == 0
    take(folder, [act(name, "Checkout Started", MONDAY) for name in ("ann", "ben")])
    capsys.readouterr()
    return folder


def take(folder: Path, calls: list[dict[str, Any]], at: int = parse_instant(MONDAY)) -> None:
    path = folder / "more.ndjson"
    path.write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert run("-w", folder, "import", path, "--at", format_instant(at), "--json") == 0


def written(folder: Path) -> list[str]:
    path = folder / "outbox" / "email.ndjson"
    return [json.loads(line)["customer"] for line in path.read_text().splitlines()] if path.exists() else []


def answer(capsys: Output, *words: str | Path) -> dict[str, Any]:
    capsys.readouterr()
    assert run(*words, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def states(folder: Path) -> Sequence[str]:
    with Store.open(folder / "manometer.db") as store, store.reading() as connection:
        return connection.execute(select(messages.c.state).order_by(messages.c.id)).scalars().all()


# ---- backup ----


def test_a_backup_is_one_sound_file_with_an_anchor_in_it(shop: Path, capsys: Output) -> None:
    file = shop.parent / "shop.db"
    made = answer(capsys, "-w", shop, "backup", file)
    assert sorted(path.name for path in shop.parent.iterdir() if "shop" in path.name) == ["shop", "shop.db"]
    assert fault_of(file) is None
    with Store(file, writer=False) as copy, copy.reading() as connection:
        assert prove(connection, made["anchor"]).holds
    assert made["size"] == file.stat().st_size
    assert run("-w", shop, "backup", file) == 1
    assert "exists already" in capsys.readouterr().err


WRITER = """
import sys
from pathlib import Path
from storage import audit
from storage.store import Store
with Store.open(Path(sys.argv[1])) as store:
    print("on", flush=True)
    for number in range(100_000):
        with store.writing() as connection:
            for part in range(2):
                audit.record(connection, number, "ann", "pause", f"{number}/{part}", "x" * 3000)
"""


def test_a_backup_beside_a_busy_writer_is_one_moment(shop: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(shop / "manometer.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with Store.open(shop / "manometer.db") as store:
            made = [back_up(store, shop.parent / f"{number}.db", number) for number in range(3)]
        writer.kill()
    for each in made:
        with Store(each.path, writer=False) as copy, copy.reading() as connection:
            proof = prove(connection, each.anchor.link)
        assert proof.holds
        assert proof.rows % 2 == 1  # the apply, and whole transactions of two


def test_a_damaged_database_gives_no_backup(shop: Path, capsys: Output) -> None:
    raw: Any = dbapi.connect(str(shop / "manometer.db"), isolation_level=None)
    raw.execute("DROP TRIGGER audit_no_update")
    raw.execute("UPDATE audit SET author = 'x'")
    raw.close()
    assert run("-w", shop, "backup", shop.parent / "shop.db") == 1
    assert "the audit does not hold" in capsys.readouterr().err
    assert [path.name for path in shop.parent.iterdir() if ".db" in path.name] == []


def test_the_nightly_backup_is_due_once_a_local_day_after_its_hour(tmp_path: Path) -> None:
    place, zone = BackupSettings(str(tmp_path), (3, 0)), ZoneInfo("Europe/Zurich")
    early = parse_instant("2025-03-30T00:59:00Z")  # a minute before clocks go from two to three
    late = parse_instant("2025-03-30T01:00:00Z")
    assert nightly_target(place, tmp_path, early, zone) is None
    target = nightly_target(place, tmp_path, late, zone)
    assert target == tmp_path / "manometer-2025-03-30.db"
    target.touch()
    assert nightly_target(place, tmp_path, late + DAY // 2, zone) is None
    assert nightly_target(place, tmp_path, late + DAY, zone) == tmp_path / "manometer-2025-03-31.db"


def test_only_the_oldest_nightly_backups_are_removed(tmp_path: Path) -> None:
    names = [f"manometer-2025-03-{day}.db" for day in (28, 29, 30)] + ["before-move.db"]
    for name in names:
        (tmp_path / name).touch()
    assert rotate(tmp_path / names[2], 2) == [tmp_path / names[0]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["before-move.db", *names[1:3]]


def test_the_scheduler_makes_the_backup_of_the_day(tmp_path: Path) -> None:
    shop = workspace(tmp_path / "shop", [person("ann")])
    (shop / "manometer.toml").write_text(SETTINGS + '[backups]\nfolder = "backups"\nat = "00:00"\n')
    assert run("-w", shop, "tick") == 0
    with Daemon(shop) as daemon:
        told = daemon.wait_for("backup")
        assert daemon.end() == 0
    assert fault_of(shop / "backups" / told["file"]) is None


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('at = "03:00"', "folder"),
        ('folder = "b"\nat = "3"', "time of day"),
        ('folder = "b"\nkeep = 0', "from 1 to 3650"),
        ('folder = "b"\nweekly = true', "unknown key"),
    ],
)
def test_faults_of_the_settings_are_named(shop: Path, capsys: Output, lines: str, told: str) -> None:
    (shop / "manometer.toml").write_text(f"{SETTINGS}[backups]\n{lines}\n")
    assert run("-w", shop, "check") == 1
    said = capsys.readouterr()
    assert told in said.out + said.err


# ---- restore ----


def test_nothing_goes_out_a_second_time_after_a_restore(tmp_path: Path, capsys: Output) -> None:
    now = clock.now()
    baskets = [act(name, "Checkout Started", format_instant(now - 90 * MINUTE)) for name in NAMES]
    shop = workspace(tmp_path / "shop", [person("ann"), person("ben")])
    assert run("-w", shop, "apply", "--yes", "--at", format_instant(now - DAY)) == 0
    take(shop, baskets[:2], now - 90 * MINUTE)
    answer(capsys, "-w", shop, "backup", tmp_path / "shop.db")
    take(shop, [person("cleo"), *baskets[2:]], now - 90 * MINUTE)
    assert run("-w", shop, "tick") == 0
    assert sorted(written(shop)) == ["ann", "ben", "cleo"]

    restored = answer(capsys, "-w", shop, "restore", tmp_path / "shop.db", "--yes")
    assert Path(restored["kept"]).exists()
    assert run("-w", shop, "tick") == 0
    assert run("-w", shop, "go", "--yes", "--policy", "overdue") == 1
    assert "Compare first: `manometer outbox compare`" in capsys.readouterr().err
    assert run("-w", shop, "outbox", "compare") == 1
    assert "1 belongs to no message" in capsys.readouterr().err
    assert run("-w", shop, "go", "--yes") == 1
    take(shop, [person("cleo"), *baskets[2:]], now - 90 * MINUTE)
    assert run("-w", shop, "tick") == 0
    compared = answer(capsys, "-w", shop, "outbox", "compare")
    assert compared == {"sent": 1, "known": 2, "unknown": 0, "waiting": {}}
    assert run("-w", shop, "go", "--yes", "--policy", "overdue") == 0
    assert run("-w", shop, "tick") == 0
    assert len(written(shop)) == 3
    assert states(shop) == ["sent"] * 3


def test_a_message_on_its_way_at_the_backup_is_uncertain_and_compared(shop: Path, capsys: Output) -> None:
    file = shop.parent / "shop.db"
    assert run("-w", shop, "tick", "--at", NOON) == 0
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        claimed = {"state": "claimed", "claimed_by": "x", "claimed_until": 1, "sent_at": None}
        connection.execute(update(messages).values(claimed))
        keys = connection.execute(select(messages.c.key).order_by(messages.c.id)).scalars().all()
    answer(capsys, "-w", shop, "backup", file)
    (shop / "outbox" / "email.ndjson").unlink()
    assert answer(capsys, "-w", shop, "restore", file, "--yes")["uncertain"] == 2
    assert states(shop) == ["uncertain", "uncertain"]
    log = shop.parent / "mail.log"
    log.write_text(
        f"Mar  3 relay: message-id=<{mail_number(keys[0])}@shop.example> status=sent\nsome other line\n"
    )
    compared = answer(capsys, "-w", shop, "outbox", "compare", log)
    assert compared == {"sent": 1, "known": 0, "unknown": 0, "waiting": {"email": 1}}
    assert states(shop) == ["sent", "uncertain"]
    assert run("-w", shop, "audit", "verify") == 0


def test_a_restore_refuses_a_running_scheduler(shop: Path, capsys: Output) -> None:
    file = shop.parent / "shop.db"
    answer(capsys, "-w", shop, "backup", file)
    lock = LockFile(shop / "manometer.db")
    assert lock.take()
    assert run("-w", shop, "restore", file, "--yes") == 1
    assert "A scheduler runs" in capsys.readouterr().err
    lock.close()


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"x" * 5000])
def test_what_is_no_backup_changes_nothing(shop: Path, capsys: Output, content: bytes) -> None:
    file = shop.parent / "shop.db"
    file.write_bytes(content)
    before = sorted(path.name for path in shop.iterdir())
    assert run("-w", shop, "restore", file, "--yes") == 1
    assert str(file) in capsys.readouterr().err
    assert sorted(path.name for path in shop.iterdir() if not path.name.endswith(".lock")) == before


@pytest.mark.parametrize("damage", ["missing", "overwritten"])
def test_a_missing_or_damaged_database_is_restored(shop: Path, capsys: Output, damage: str) -> None:
    file = shop.parent / "shop.db"
    answer(capsys, "-w", shop, "backup", file)
    for ending in ("-wal", "-shm"):
        (shop / f"manometer.db{ending}").unlink(missing_ok=True)
    database = shop / "manometer.db"
    database.unlink() if damage == "missing" else database.write_bytes(b"\0" * 8192)
    restored = answer(capsys, "-w", shop, "restore", file, "--yes")
    assert (restored["kept"] is None) == (damage == "missing")
    assert fault_of(database) is None
    assert run("-w", shop, "customers", "list") == 0
    assert "ann" in capsys.readouterr().out


def test_a_backup_of_an_older_schema_is_brought_up_to_date(shop: Path, capsys: Output) -> None:
    old = shop.parent / "old.db"
    migrate(old, to=4)
    answer(capsys, "-w", shop, "restore", old, "--yes")
    assert version_of(shop / "manometer.db") > 4
    assert version_of(old) == 4


def test_a_scheduler_of_before_the_restore_writes_nothing_more(shop: Path, capsys: Output) -> None:
    from storage import leases

    file = shop.parent / "shop.db"
    answer(capsys, "-w", shop, "backup", file)
    with Store.open(shop / "manometer.db") as store:
        with store.writing() as connection:
            held = leases.acquire(connection, "host:1:0", clock.now())
        assert held is not None
        answer(capsys, "-w", shop, "restore", file, "--yes")
        with store.writing() as connection, pytest.raises(leases.LeaseLostError):
            leases.fence(connection, held)


def test_records_are_read_in_every_form(tmp_path: Path) -> None:
    file = tmp_path / "records.txt"
    number = mail_number("k2")
    file.write_text(
        f'{{"key": "k1", "x": 1}}\n250 <{number}@shop.example> ok\nk3\n\nsome other line\n{{"key": "k4"'
    )
    assert list(recorded_in(file)) == ["k1", number, "k3"]
    with pytest.raises(ManometerError, match="cannot be read"):
        list(recorded_in(tmp_path / "missing"))
