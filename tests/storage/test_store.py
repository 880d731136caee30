"""Opening a store, units of work, snapshots and facts."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from storage.schema import migrations
from storage.sqlite import StoreError, dbapi
from storage.store import DamagedStoreError, Store, meta, set_meta


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "shop.db")


def test_a_fact_is_set_replaced_and_removed(store: Store) -> None:
    with store.writing() as connection:
        set_meta(connection, "last_tick_at", "1")
        set_meta(connection, "last_tick_at", "2")
        assert meta(connection, "last_tick_at") == "2"
        set_meta(connection, "last_tick_at", None)
        assert meta(connection, "last_tick_at") is None


def test_a_unit_of_work_that_fails_leaves_nothing(store: Store) -> None:
    with suppress(KeyError), store.writing() as connection:
        set_meta(connection, "half", "done")
        raise KeyError
    with store.reading() as connection:
        assert meta(connection, "half") is None


def test_a_snapshot_does_not_see_what_is_committed_after_it_began(store: Store) -> None:
    with store.reading() as before:
        assert meta(before, "a") is None
        with store.writing() as connection:
            set_meta(connection, "a", "1")
        assert meta(before, "a") is None
    with store.reading() as after:
        assert meta(after, "a") == "1"


def test_the_data_version_moves_with_a_commit_and_only_then(store: Store) -> None:
    first = store.data_version()
    assert store.data_version() == first
    with store.writing() as connection:
        set_meta(connection, "a", "1")
    assert store.data_version() != first


def test_a_store_opened_for_reading_has_no_writer(store: Store) -> None:
    with pytest.raises(StoreError, match="reading only"), Store.open(store.path, writer=False).writing():
        pass


def test_opening_what_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="manometer init"):
        Store.open(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_creating_over_a_database_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="exists already"):
        Store.create(store.path)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("just some words, and more of them, so that it is long enough for a header " * 20)
    with pytest.raises(StoreError, match="cannot be read as a database"):
        Store.open(path)


def test_another_programs_database_is_not_taken_over(tmp_path: Path) -> None:
    raw = dbapi.connect(str(tmp_path / "other.db"))
    raw.execute("CREATE TABLE things (id INTEGER)")
    raw.commit()
    raw.close()
    with pytest.raises(StoreError, match="not a Manometer database"):
        Store.open(tmp_path / "other.db")


def test_a_database_of_a_newer_release_is_refused(store: Store) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql(f"PRAGMA user_version={migrations.NEWEST + 1}")
    with pytest.raises(StoreError, match="Install the newer release"):
        Store.open(store.path)


def test_a_full_disk_is_told_in_words_and_leaves_the_last_commit(store: Store) -> None:
    with store.writing() as connection:
        set_meta(connection, "kept", "yes")
    with pytest.raises(StoreError, match="the disk is full"), store.writing() as connection:  # noqa: PT012 - the bound holds on a connection
        connection.exec_driver_sql("PRAGMA max_page_count=1")
        set_meta(connection, "large", "x" * 1_000_000)
    with store.reading() as connection:
        assert (meta(connection, "kept"), meta(connection, "large")) == ("yes", None)


def test_the_store_loads_no_area_of_the_schema_but_the_workspace_itself() -> None:
    code = "import sys, storage.store; print(*(name for name in sys.modules if 'storage.schema.' in name))"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    areas = {name.removeprefix("storage.schema.") for name in shown.split()}
    assert areas == {"chained", "folded", "migrations", "row", "workspace"}


def test_a_checkpoint_empties_the_log_unless_somebody_reads_an_old_snapshot(store: Store) -> None:
    with store.reading() as old:
        assert meta(old, "a") is None
        with store.writing() as connection:
            set_meta(connection, "a", "1" * 10_000)
        assert not store.checkpoint("TRUNCATE")
        assert store.log_size() > 10_000
    assert store.checkpoint("TRUNCATE")
    assert store.log_size() == 0
    with store.writing() as connection:  # as patient as before
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 10_000


def test_a_damaged_database_is_told_from_one_that_is_busy(store: Store) -> None:
    with store.writing() as connection:
        set_meta(connection, "a", "1" * 100_000)
    store.checkpoint("TRUNCATE")
    store.close()
    with store.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (store.path.stat().st_size - 4096))
    with (
        Store(store.path) as damaged,
        pytest.raises(DamagedStoreError, match="restore a backup"),
        damaged.reading() as connection,
    ):
        meta(connection, "a")


def test_the_fence_comes_before_anything_is_written(store: Store) -> None:
    asked: list[str | None] = []
    with store.fenced(lambda connection: asked.append(meta(connection, "a"))) as fenced:
        for number in "12":
            with fenced.writing() as connection:
                set_meta(connection, "a", number)
    assert asked == [None, "1"]


def test_a_database_that_was_removed_or_replaced_while_open_is_refused(store: Store) -> None:
    with store.reading() as connection:
        meta(connection, "a")
    aside = store.path.with_name("aside.db")
    store.path.rename(aside)
    with pytest.raises(StoreError, match="was removed while it was open"), store.writing() as connection:
        set_meta(connection, "a", "1")
    Store.create(store.path).close()
    with pytest.raises(StoreError, match="another file took the place"), store.reading() as connection:
        meta(connection, "a")
