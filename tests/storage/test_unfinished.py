"""What is being made is its maker's, and what a killed process has left is removed by the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.unfinished import remove_left_behind, unfinished_file, unfinished_folder

MAKER = """
import os, sys, time
from pathlib import Path
from storage.unfinished import unfinished_file, unfinished_folder
with unfinished_file(Path(sys.argv[1], "list.csv")) as (path, file), \\
        unfinished_folder(Path(sys.argv[1], "shop")) as folder:
    os.write(file, b"Anna")
    (folder / "people.db").write_bytes(b"Anna")
    print("made", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def maker(tmp_path: Path) -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", MAKER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "made\n"
    return started


def test_what_is_being_made_is_left_to_its_maker_and_removed_once_it_was_killed(
    tmp_path: Path, maker: subprocess.Popen[str]
) -> None:
    assert remove_left_behind(tmp_path) == 0
    assert len(list(tmp_path.iterdir())) == 2
    maker.send_signal(signal.SIGKILL)
    maker.communicate()
    with unfinished_file(tmp_path / "other.csv") as (path, file):
        os.close(file)
        assert list(tmp_path.iterdir()) == [path]
    assert list(tmp_path.iterdir()) == []


def test_hidden_folders_of_other_programs_and_links_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".git-0a1b2c3d").mkdir()
    (tmp_path / "list-0a1b2c3d.part").touch()
    (tmp_path / "outside").mkdir()
    (tmp_path / ".shop-0a1b2c3d.part").symlink_to(tmp_path / "outside")
    assert remove_left_behind(tmp_path) == 0
    assert len(list(tmp_path.iterdir())) == 4


def test_a_folder_that_was_given_its_name_stays(tmp_path: Path) -> None:
    with unfinished_folder(tmp_path / "shop") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        folder.rename(tmp_path / "shop")
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]
