"""A real scheduler and real commands under a clock that is set while they run, by libfaketime (Debian's
package of that name); skipped where there is none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from console import clock
from core.instants import DAY, SECOND, format_instant
from storage.schema.decisions import decisions
from storage.store import Store
from tests.console.daemons import ROOT, Daemon, until
from tests.console.lives import SETTINGS, act, person, run, workspace

LIBRARY = next(
    (
        path
        for path in (
            Path(os.environ.get("LIBFAKETIME", "/none")),
            *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"),
        )
        if path.is_file()
    ),
    None,
)
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed")
AHEAD, BACK, RIGHT = "+20d", "-20d", "+0"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """One customer, whose message is due a quarter of a minute from now and expires after three days."""
    folder = workspace(tmp_path / "shop", [person("anna")])
    (folder / "manometer.toml").write_text(SETTINGS + '[engine]\ntick = "1s"\n')
    assert run("-w", folder, "tick", "--at", format_instant(clock.now() - DAY)) == 0
    basket = act("anna", "Checkout Started", format_instant(clock.now() - 3_600_000 + 15 * SECOND))
    (folder / "new.ndjson").write_text(json.dumps(basket) + "\n")
    assert run("-w", folder, "import", folder / "new.ndjson") == 0
    (tmp_path / "clock").write_text(RIGHT)
    return folder


def lying(shop: Path, **more: str) -> Mapping[str, str]:
    """The environment in which the clock is what the file `clock` beside the workspace says."""
    return {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(shop.parent / "clock"),
        "FAKETIME_NO_CACHE": "1",
        **more,
    }


def outcomes(shop: Path) -> list[tuple[str, str | None]]:
    with Store.open(shop / "manometer.db", writer=False) as store, store.reading() as connection:
        rows = connection.execute(decisions.select()).all()
    return [(row.outcome, row.reason) for row in rows]


@pytest.mark.parametrize("jump", [AHEAD, BACK])
def test_a_clock_that_is_set_wrongly_and_right_again_costs_no_message(shop: Path, jump: str) -> None:
    set_clock = (shop.parent / "clock").write_text
    with Daemon(shop, environment=lying(shop, FAKETIME_DONT_FAKE_MONOTONIC="1")) as daemon:
        daemon.wait_for("started")
        set_clock(jump)
        trouble = daemon.wait_for("trouble", what="clock")
        assert "20d" in trouble["reason"]
        until(lambda: run("-w", shop, "status") != 0)
        until(lambda: clock.now() >= due_at(shop))
        assert outcomes(shop) == []
        set_clock(RIGHT)
        daemon.wait_for("trouble_over", what="clock")
        daemon.wait_for("dispatch", sent=1)
        assert daemon.end() == 0
    assert outcomes(shop) == [("send", None)]


def due_at(shop: Path) -> int:
    return int((shop / "new.ndjson").stat().st_mtime * 1000) + 17 * SECOND


@pytest.mark.parametrize("jump", [AHEAD, BACK])
@pytest.mark.parametrize("monotonic", ["0", "1"])
def test_a_command_under_a_lying_clock_decides_nothing_until_somebody_confirms_it(
    shop: Path, jump: str, monotonic: str
) -> None:
    environment = lying(shop, FAKETIME_DONT_FAKE_MONOTONIC=monotonic)
    assert run("-w", shop, "tick") == 0  # the right time is known from here on
    (shop.parent / "clock").write_text(jump)
    told = command(shop, environment, "tick")
    assert told.returncode == 1
    assert "Nothing was decided: the clock was set" in told.stderr
    assert command(shop, environment, "clock").returncode == 1
    assert outcomes(shop) == []
    assert command(shop, environment, "clock", "confirm", "--yes", "--reason", "a test").returncode == 0
    assert command(shop, environment, "clock").returncode == 0
    assert command(shop, environment, "tick").returncode == 0


def command(shop: Path, environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console", "-w", str(shop), *words],
        cwd=ROOT, env=os.environ | dict(environment), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
