"""The numbers for Prometheus: read back by its own parser, from the command, the file and the endpoint."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.console.daemons import Daemon, until
from tests.console.lives import SETTINGS, person, run, workspace


def samples(text: str) -> dict[str, float]:
    """Each sample by its name and the value of its only label."""
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = workspace(tmp_path / "shop", [person("anna")])
    assert run("-w", folder, "tick") == 0
    return folder


def test_the_command_prints_the_state_and_nothing_personal(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "STOP").touch()
    capsys.readouterr()
    assert run("-w", shop, "metrics") == 0
    text = capsys.readouterr().out
    found = samples(text)
    assert found["manometer_state degraded"] == 1
    assert found["manometer_state healthy"] == 0
    assert found["manometer_findings stopped"] == 1
    assert found["manometer_sending_stopped"] == 1
    assert found["manometer_scheduler_leads"] == 0
    assert found["manometer_last_tick_timestamp_seconds"] > 1_700_000_000
    assert "anna" not in text
    assert run("-w", shop, "metrics", "--file", shop / "numbers.prom") == 0
    assert samples((shop / "numbers.prom").read_text()).keys() == found.keys()


def test_a_file_that_cannot_be_written_is_said(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-w", shop, "metrics", "--file", shop / "none" / "numbers.prom") == 1
    assert "cannot be written" in capsys.readouterr().err


def test_the_scheduler_leaves_the_numbers_in_a_file_and_at_an_endpoint(shop: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    metrics = f'[metrics]\nfile = "numbers.prom"\nlisten = "127.0.0.1:{port}"\n'
    (shop / "manometer.toml").write_text(SETTINGS + metrics)
    with Daemon(shop) as daemon:
        daemon.wait_for("started")
        until((shop / "numbers.prom").exists)
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as reply:
            assert samples(reply.read().decode())["manometer_scheduler_leads"] == 1
        assert daemon.end() == 0


def test_a_place_that_is_taken_is_a_trouble_and_nothing_else_waits(shop: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (shop / "manometer.toml").write_text(SETTINGS + f'[metrics]\nlisten = "127.0.0.1:{port}"\n')
        with Daemon(shop) as daemon:
            assert "cannot be left at 127.0.0.1" in daemon.wait_for("trouble", what="health")["reason"]
            assert daemon.end() == 0
