"""The failing disk of the self-test: what it counts, and what a power cut leaves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from random import Random

import pytest

from console.selftest import disk

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return disk.build(tmp_path_factory.mktemp("disk"))


def with_disk(library: Path, folder: Path, fault: str, body: str) -> tuple[int, str, bytes]:
    """The exit code, the output and the record of a few lines of Python that change files below a folder."""
    folder.mkdir(exist_ok=True)
    record = folder.parent / "record"
    script = f"""
        import os, sys
        from pathlib import Path
        from console.selftest import disk
        from console.selftest.disk import DiskFault
        folder = Path({str(folder)!r})
        record = os.open({str(record)!r}, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        disk.arm(folder, record, {fault})
    """
    text = textwrap.dedent(script) + textwrap.dedent(body)
    done = subprocess.run(
        [sys.executable, "-c", text],
        env=os.environ | {disk.PRELOAD: str(library)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, record.read_bytes()


THREE = """
    file = os.open(folder / "a", os.O_WRONLY | os.O_CREAT)
    os.write(file, b"one")
    os.fsync(file)
    os.write(file, b"two")
    print(disk.changes())
"""


def test_changes_below_the_folder_are_counted_and_no_others(library: Path, tmp_path: Path) -> None:
    code, told, _ = with_disk(library, tmp_path / "d", "None", THREE)
    assert (code, told.split()) == (0, ["3"])


def test_the_process_ends_before_the_change_named(library: Path, tmp_path: Path) -> None:
    code, _, _ = with_disk(library, tmp_path / "d", "DiskFault('kill', 3)", THREE)
    assert code == disk.KILLED
    assert (tmp_path / "d" / "a").read_bytes() == b"one", "the third change was the second word"


@pytest.mark.parametrize(("kind", "number"), [("io", 5), ("full", 28)])
def test_a_change_can_fail(library: Path, tmp_path: Path, kind: str, number: int) -> None:
    body = """
        file = os.open(folder / "a", os.O_WRONLY | os.O_CREAT)
        os.write(file, b"one")
        try:
            os.write(file, b"two")
        except OSError as error:
            print(error.errno)
        try:
            os.write(file, b"three")
            print("well again")
        except OSError as error:
            print(error.errno)
    """
    code, told, _ = with_disk(library, tmp_path / "d", f"DiskFault({kind!r}, 2)", body)
    assert code == 0
    assert told.split() == ([str(number), "well", "again"] if kind == "io" else [str(number)] * 2)


def cuts(library: Path, tmp_path: Path, body: str) -> dict[str, set[bytes | None]]:
    """What a power cut after a few lines of Python may leave of the file `a`, by what becomes of the rest."""
    found: dict[str, set[bytes | None]] = {}
    _, _, record = with_disk(library, tmp_path / "d", "None", body)
    for seed in range(60):
        place = tmp_path / "d"
        (before := tmp_path / "before").mkdir(exist_ok=True)
        how = disk.cut_power(place, before, record, Random(seed))
        file = place / "a"
        found.setdefault(how, set()).add(file.read_bytes() if file.exists() else None)
    return found


def test_what_was_synced_survives_a_power_cut_and_the_rest_may_be_lost(library: Path, tmp_path: Path) -> None:
    found = cuts(library, tmp_path, THREE)
    assert found["lost"] == {b"one"}
    assert found["prefix"] == found["parts"] == {b"one", b"onetwo"}


def test_a_file_that_was_renamed_before_it_was_synced_may_be_empty(library: Path, tmp_path: Path) -> None:
    body = """
        (folder / "part").write_bytes(b"whole")
        (folder / "part").rename(folder / "a")
    """
    assert cuts(library, tmp_path, body)["lost"] == {b""}


def test_parts_of_an_unsynced_write_may_survive_without_the_rest(library: Path, tmp_path: Path) -> None:
    body = """
        file = os.open(folder / "a", os.O_WRONLY | os.O_CREAT)
        os.write(file, b"x" * 512 + b"y" * 512)
    """
    parts = cuts(library, tmp_path, body)["parts"]
    assert bytes(512) + b"y" * 512 in parts, "the second sector without the first"
    assert b"x" * 512 in parts


def test_where_there_is_no_compiler_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(disk.NoFaultsError, match="no C compiler"):
        disk.build(tmp_path)
