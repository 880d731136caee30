"""`manometer --spec`, and the exit codes that it and the documentation give."""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from console.cli import commands
from console.cli.exit_codes import LATER, USUAL_CODES
from console.main import main
from console.workspace.layout import DATABASE
from storage.sqlite import dbapi
from storage.store import Store

DOCS = Path(__file__).parents[3] / "docs" / "commands.md"
Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    from console.cli.spec import spec
    from console.main import _commands, parser_of

    modules = {
        name: __import__(f"console.cli.commands.{module}", fromlist=["run"]) for name, module in _commands()
    }
    return spec("test", [(name, module, parser_of(name, module)) for name, module in modules.items()])


def levels(command: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield command
    for action in command["actions"]:
        yield from levels(action)


def test_it_is_one_object_with_every_command(capsys: Output) -> None:
    assert main(["--spec"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    names = {module.name.rstrip("_") for module in pkgutil.iter_modules(commands.__path__)}
    assert {command["name"] for command in told["commands"]} == names
    assert main(["--json", "--spec"]) == 0


def test_every_option_and_argument_says_what_it_takes_and_means(spec: Mapping[str, Any]) -> None:
    for command in spec["commands"]:
        for level in levels(command):
            assert level["summary"], command["name"]
            for given in [*level["options"], *level["arguments"]]:
                assert given["meaning"], (command["name"], given)
                assert (given["takes"] is None) == (given["values"] == 0), (command["name"], given)


def test_it_says_what_the_parser_reads(spec: Mapping[str, Any]) -> None:
    (outbox,) = [command for command in spec["commands"] if command["name"] == "outbox"]
    (approve,) = [action for action in outbox["actions"] if action["name"] == "approve"]
    options = {name: option for option in approve["options"] for name in option["names"]}
    assert options["--reason"]["takes"] == "TEXT"
    assert options["--yes"]["takes"] is None
    assert approve["arguments"][0]["values"] == "*"


def test_the_documentation_has_the_same_exit_codes(spec: Mapping[str, Any]) -> None:
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert {int(code): said for code, said in rows.items()} == dict(USUAL_CODES)
    assert {row["code"]: row["meaning"] for row in spec["exit_codes"]} == dict(USUAL_CODES)


# ---- 75 ----


@pytest.fixture
def folder(tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose database another process holds, for whom nobody waits long."""
    made = tmp_path / "shop"
    assert main(["init", str(made)]) == 0
    capsys.readouterr()
    monkeypatch.setattr("storage.sqlite.BUSY_TIMEOUT", 0.05)
    return made


def test_a_locked_database_is_75_and_goes_by_itself(folder: Path, capsys: Output) -> None:
    raw: Any = dbapi.connect(str(folder / DATABASE), isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    words = ["-w", str(folder), "suppressions", "lift", "a@example.ch", "--reason", "x"]
    assert main(words) == LATER
    assert "another process holds the database" in capsys.readouterr().err
    raw.execute("ROLLBACK")
    raw.close()
    assert main(words) != LATER


@pytest.mark.parametrize(
    ("name", "text", "later"),
    [
        ("SQLITE_BUSY_SNAPSHOT", "database is locked", True),
        ("SQLITE_FULL", "database or disk is full", True),
        ("SQLITE_READONLY_DIRECTORY", "attempt to write a readonly database", False),
        ("SQLITE_CORRUPT", "database disk image is malformed", False),
    ],
)
def test_only_what_time_puts_right_is_to_be_tried_again(
    tmp_path: Path, name: str, text: str, later: bool
) -> None:
    from sqlalchemy.exc import OperationalError

    from core.errors import ManometerError

    cause = dbapi.OperationalError(text)
    cause.sqlite_errorname = name
    with (
        Store.create(tmp_path / "shop.db") as store,
        pytest.raises(ManometerError) as refused,
        store.writing(),
    ):
        raise OperationalError("", {}, cause)
    assert refused.value.may_succeed_later is later


def test_a_second_scheduler_is_75() -> None:
    from console.daemon.service import RefusedError
    from console.main import _code
    from storage.leases import LeaseLostError

    assert [_code(error("another leads")) for error in (RefusedError, LeaseLostError)] == [LATER, LATER]
