"""The self-test: it repeats itself to the byte, it holds, and it finds faults that are planted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from console.selftest import disk, running
from console.selftest.acts import Act, acts_of, as_json, from_json
from console.selftest.disk import DiskFault
from console.selftest.shrinking import shrunk
from tests.console.lives import run
from tests.faults.planted import PLANTED

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


def rows(request: dict[str, Any], *, with_disk: bool = True) -> list[dict[str, Any]]:
    with running.played(request, with_disk=with_disk) as played:
        return list(played)


@needs_compiler
def test_a_seed_plays_the_same_to_the_byte() -> None:
    request = {"first": 3, "seeds": 1, "acts": 12}
    first, second = rows(request), rows(request)
    assert first == second
    assert first[0]["holds"], first[0]["problems"]


def test_without_a_failing_disk_the_rest_is_tried() -> None:
    (row,) = rows({"first": 1, "seeds": 1, "acts": 6}, with_disk=False)
    assert row["holds"], row["problems"]
    assert not any(name.startswith("power") for name in row["counts"])


def test_acts_can_be_kept_in_a_file() -> None:
    acts = acts_of(7, 40, disk=True)
    assert any(act.fault for act in acts)
    assert from_json(as_json(acts)) == acts
    assert acts_of(7, 40, disk=True) == acts


def test_what_fails_is_shrunk_to_the_fewest_acts() -> None:
    acts = [Act("later", str(number)) for number in range(40)]

    def fails(some: Sequence[Act]) -> bool:
        return {"7", "23"} <= {act.value for act in some}

    assert [act.value for act in shrunk(acts, fails)] == ["7", "23"]


@needs_compiler
def test_the_command_says_what_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "small-5.acts"
    file.write_text(as_json([Act("import", "0", DiskFault("kill", 5)), Act("import", "0"), Act("tick")]))
    assert run("selftest", "--play", file) == 0
    told = capsys.readouterr().out
    assert "seed 5: 3 acts, holds" in told
    assert "1 ended by a kill or a cut" in told


@pytest.mark.parametrize(
    "words", [("--acts", "0"), ("--seed", "1", "--hours", "1"), ("--play", "nowhere"), ("--hours", "-1")]
)
def test_what_cannot_be_played_is_refused(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("selftest", *words) == 2
    assert capsys.readouterr().err


@pytest.mark.slow
@needs_compiler
def test_everything_holds_under_random_faults() -> None:
    found = rows({"first": int(os.environ.get("SELFTEST_SEED", "1")), "seeds": 12, "acts": 40})
    assert [row["problems"] for row in found if not row["holds"]] == []
    happened = sum((Counter(row["counts"]) for row in found), Counter())
    assert happened["ended"] > 20, "too few kills to prove anything"
    assert min(happened["left_email"], happened["left_sms"]) > 100, "too few messages to prove anything"


@pytest.mark.slow
@needs_compiler
def test_everything_holds_with_a_fault_at_any_change() -> None:
    found = rows({"first": 2, "sweep": 31})
    assert [row["shortest"] for row in found if not row["holds"]] == []
    assert len(found) > 40


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the self-test says of each planted fault's story, without the fault and with it."""
    folder = tmp_path_factory.mktemp("planted")
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.planted"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {disk.PRELOAD: str(disk.build(folder)), "PYTHONHASHSEED": "0", "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("name", sorted(PLANTED))
def test_a_planted_fault_is_found(name: str, planted: dict[str, dict[str, Any]]) -> None:
    """Each breaks one promise, which a story aimed at it must show on any machine, for what it is; without
    the fault the story holds.
    """
    row = planted[name]
    assert row["without"] == []
    assert any(PLANTED[name].shows in problem for problem in row["said"]), row["said"]
