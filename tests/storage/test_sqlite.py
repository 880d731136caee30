"""The recipe of a connection, shown against a real file and other processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from storage.sqlite import StoreError, is_safe, journal_mode, make_engine, refuse_network_file_system
from storage.store import Store, meta, set_meta

ROOT = Path(__file__).parents[2]

INCREMENT = """
import sys
from pathlib import Path
from storage.store import Store, meta, set_meta
store = Store.open(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    with store.writing() as connection:
        set_meta(connection, "count", str(int(meta(connection, "count")) + 1))
"""


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 0), False),
        ((3, 50, 6), False), ((3, 50, 7), True), ((3, 51, 2), False), ((3, 51, 3), True),
        ((3, 53, 4), True), ((4, 0, 0), True),
    ],
)  # fmt: skip
def test_a_library_is_safe_from_the_releases_with_the_fix_on(
    version: tuple[int, int, int], safe: bool
) -> None:
    assert is_safe(version) is safe


def test_an_unsafe_library_is_refused_with_what_to_do() -> None:
    with pytest.raises(StoreError, match="Install the package pysqlite3"):
        journal_mode((3, 40, 1), {})


def test_an_unsafe_library_gets_the_rollback_journal_where_that_was_asked_for() -> None:
    assert journal_mode((3, 40, 1), {"MANOMETER_ROLLBACK_JOURNAL": "1"}) == "delete"


@pytest.mark.parametrize("writer", [True, False])
def test_every_connection_is_durable_and_checks_its_references(tmp_path: Path, writer: bool) -> None:
    Store.create(tmp_path / "shop.db").close()
    engine = make_engine(tmp_path / "shop.db", writer=writer)
    with engine.connect() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys")
        settings = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}
    engine.dispose()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    refused = pytest.raises(OperationalError, match="readonly")
    with Store.create(tmp_path / "shop.db") as store, store.reader.connect() as connection, refused:
        set_meta(connection, "a", "1")


def test_errors_do_not_show_the_values_of_a_statement(tmp_path: Path) -> None:
    with (
        Store.create(tmp_path / "shop.db") as store,
        store.reader.connect() as connection,
        pytest.raises(OperationalError) as caught,
    ):
        set_meta(connection, "a", "jane@example.com")
    assert "jane@example.com" not in str(caught.value)


def test_four_processes_that_read_and_then_write_lose_no_update(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with Store.create(path) as store:
        with store.writing() as connection:
            set_meta(connection, "count", "0")
        command = [sys.executable, "-c", INCREMENT, str(path), "25"]
        workers = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(4)]
        for worker in workers:
            _, errors = worker.communicate(timeout=60)
            assert worker.returncode == 0, errors
        with store.reading() as connection:
            assert meta(connection, "count") == "100"


def test_a_second_writer_waits_and_then_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sqlite.BUSY_TIMEOUT", 0.05)
    path = tmp_path / "shop.db"
    refused = pytest.raises(StoreError, match="another process holds the database")
    with Store.create(path) as first, Store.open(path) as second, first.writing(), refused, second.writing():
        pass


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused(tmp_path: Path, kind: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nserver:/share {tmp_path} {kind} rw 0 0\n")
    with pytest.raises(StoreError, match=kind):
        refuse_network_file_system(tmp_path, mounts)


def test_a_local_file_system_is_fine(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("server:/share /share nfs4 rw 0 0\n/dev/vda / ext4 rw 0 0\n")
    refuse_network_file_system(tmp_path, mounts)


def test_the_database_is_opened_in_one_place_with_one_library() -> None:
    allowed = {"storage/sqlite.py"}
    sources = [
        path for room in ("console", "core", "storage", "screens") for path in (ROOT / room).rglob("*.py")
    ]
    others = {
        str(path.relative_to(ROOT))
        for path in sources
        if any(line.lstrip().startswith(("import sqlite3", "from sqlite3", "import pysqlite3",
            "from pysqlite3", "import aiosqlite"))
               for line in path.read_text().splitlines())
    }  # fmt: skip
    assert others <= allowed
    engines = {str(path.relative_to(ROOT)) for path in sources if "create_engine(" in path.read_text()}
    assert engines <= allowed
