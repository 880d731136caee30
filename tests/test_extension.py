"""One file and its test, really: the examples of CONTRIBUTING.md are added to a copy of the house, one at a
time, and run through the real command line; no other file is touched for it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.console.daemons import Daemon
from tests.console.lives import FILES, SETTINGS, act, person

pytestmark = pytest.mark.slow  # whole commands in copies of the house, one after the other

ROOT = Path(__file__).parents[1]
ROOMS = ("core", "storage", "screens", "console")
COPIED = (*ROOMS, "tests", "docs", "pyproject.toml")
EXAMPLES = dict(
    re.findall(
        r"^`(\S+/\S+)`\n\n```\w+\n(.*?)^```$",
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
)
"""The files that CONTRIBUTING.md shows, by path."""
BEFORE = ("--at", "2026-01-01T00:00:00Z")
NOW = ("--at", "2026-01-04T12:00:00Z")
VISITS = [act("ann", "Store Visited", f"2026-01-0{day}T10:00:00Z") for day in (1, 2, 3, 4)]
CALLS = "".join(json.dumps(call) + "\n" for call in [person("ann"), *VISITS])
TRIGGER = """
title = "Your gift is ready"
status = "active"
purpose = "marketing"
max_age = "{max_age}"
[when]
{when}
event = "Store Visited"
[[steps]]
channels = ["email"]
template = "note"
expires = "9999d"
"""


class House:
    """A copy of the house, and a workspace on which its command line is run."""

    def __init__(self, folder: Path) -> None:
        self.copy, self.shop = folder / "house", folder / "shop"
        self.copy.mkdir()
        for name in COPIED:
            _copy(ROOT / name, self.copy / name)

    def add(self, *paths: str) -> None:
        """Write files of CONTRIBUTING.md."""
        for path in paths:
            place = self.copy / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(EXAMPLES[path], encoding="utf-8")

    def furnish(self, files: Mapping[str, str]) -> None:
        """Make the workspace."""
        for path, text in files.items():
            place = self.shop / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")

    def command(self, *words: str) -> list[dict[str, Any]]:
        """One command line that succeeds; its JSON."""
        line = [sys.executable, "-m", "console", "-w", str(self.shop), "--json", *words]
        return [json.loads(printed) for printed in self._run(line).splitlines()]

    def run_until(self, event: str) -> None:
        """Run the scheduler until it has logged the event."""
        with Daemon(self.shop, environment=self._environment(), house=self.copy) as daemon:
            daemon.wait_for(event)
            daemon.end()

    def passes(self, *tests: str) -> None:
        """Run tests within the copy; all of them pass."""
        self._run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests])

    def touched(self) -> set[str]:
        """The files that are not as in the house itself."""
        here, there = _contents(ROOT), _contents(self.copy)
        return {path for path in here.keys() | there.keys() if here.get(path) != there.get(path)}

    def _run(self, line: list[str]) -> str:
        done = subprocess.run(
            line, cwd=self.copy, env=self._environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "PYTHONPATH": str(self.copy), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": "",
        }  # fmt: skip


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "pictures"))
    else:
        shutil.copy(source, target)


def _contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for room in ROOMS
        for path in (root / room).rglob("*")
        if "__pycache__" not in path.parts and path.is_file()
    }


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def _visited(house: House, trigger: str, settings: str = SETTINGS) -> list[dict[str, Any]]:
    """What a pass decides once four visits of four days to a store are known, after `check` and `apply`."""
    house.furnish(FILES | {"manometer.toml": settings, "triggers/gift.toml": trigger})
    house.furnish({"calls.ndjson": CALLS})
    house.command("check")
    house.command("apply", "--yes", *BEFORE)
    house.command("import", str(house.shop / "calls.ndjson"), *NOW)
    return house.command("tick", *NOW)


def test_a_kind_is_one_file_and_its_story(house: House) -> None:
    added, story = "core/kinds/stamp_card.py", "tests/stories/stamp-card.toml"
    house.add(added, story)
    decisions = _visited(house, TRIGGER.format(when='kind = "stamp_card"\nstamps = 3', max_age="7d"))
    assert [row["outcome"] for row in decisions] == ["send"]
    (why,) = house.command("why", "ann", "gift", *NOW)
    assert "1 of 3" in json.dumps(why)
    house.passes("tests/core", "-k", "stamp-card")
    assert house.touched() == {added}


def test_a_channel_is_one_file_and_its_test(house: House) -> None:
    added, its_test = "console/channels/maildir.py", "tests/console/channels/test_maildir.py"
    house.add(added, its_test)
    settings = SETTINGS.replace('kind = "file"', 'kind = "maildir"\nfrom = "shop@example.com"', 1)
    decisions = _visited(house, TRIGGER.format(when='kind = "transactional"', max_age="1d"), settings)
    assert [row["outcome"] for row in decisions] == ["send"]
    (why,) = house.command("why", "ann", "gift", *NOW)
    assert why["verdict"] == "send"
    assert len(list((house.shop / "outbox" / "email.maildir" / "new").iterdir())) == 1
    house.passes(its_test)
    assert house.touched() == {added}


def test_a_connector_is_one_file_and_its_test(house: House) -> None:
    added, its_test = "console/connectors/numbered.py", "tests/console/connectors/test_numbered.py"
    house.add(added, its_test)
    settings = f'{SETTINGS}[sources.tills]\nkind = "numbered"\nexports = "exports"\n'
    trigger = TRIGGER.format(when='kind = "transactional"', max_age="9999d")
    house.furnish(FILES | {"manometer.toml": settings, "triggers/gift.toml": trigger})
    house.furnish({"exports/1.ndjson": "".join(CALLS.splitlines(keepends=True)[:2])})
    house.command("check")
    house.command("apply", "--yes", *BEFORE)
    house.run_until("dispatch")
    house.command("tick")
    (why,) = house.command("why", "ann", "gift")
    assert why["verdict"] == "send"
    assert (house.shop / "exports" / "taken").read_text() == "1"
    house.passes(its_test)
    assert house.touched() == {added}


def test_a_command_is_one_file_and_its_test(house: House) -> None:
    added, its_test = "console/cli/commands/consents.py", "tests/console/cli/test_consents.py"
    house.add(added, its_test)
    house.furnish(FILES)
    assert house.command("consents") == []
    house.passes(its_test)
    assert house.touched() == {added}
