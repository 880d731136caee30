"""The picture of the rooms, kept by tests: imports point down, and only console/clock.py knows what time it
is.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("console", "core", "screens", "storage")
CLOCK = ROOT / "console" / "clock.py"
READS_THE_CLOCK = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"), ("time", "gmtime"), ("Date", "today"),
}  # fmt: skip
ROLLS_DICE = {"random", "secrets"}


def _sources(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        yield from sorted((ROOT / room).rglob("*.py"))


def _calls(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, (ast.Name, ast.Attribute)):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            yield owner, node.attr
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (("time", alias.name) for alias in node.names)


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_the_contracts_on_imports_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    cli = pytest.importorskip("importlinter.cli")
    monkeypatch.chdir(ROOT)
    assert cli.lint_imports(no_cache=True) == 0


@pytest.mark.parametrize(
    "path", [path for path in _sources(*ROOMS) if path != CLOCK], ids=lambda path: str(path.relative_to(ROOT))
)
def test_only_the_clock_reads_the_clock(path: Path) -> None:
    assert not set(_calls(ast.parse(path.read_text()))) & READS_THE_CLOCK


def test_the_core_rolls_no_dice_and_opens_no_files() -> None:
    for path in _sources("core"):
        tree = ast.parse(path.read_text())
        assert not set(_imports(tree)) & ROLLS_DICE, path
        assert not [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("open", "print")
        ], path


CHANNELS = [path for path in _sources("console/channels") if path.name != "__init__.py"]


@pytest.mark.parametrize("path", CHANNELS, ids=lambda path: path.name)
def test_a_channel_imports_of_the_console_only_secrets_and_what_channels_share(path: Path) -> None:
    names = {
        node.module
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    known = {name for name in names if name.partition(".")[0] in ROOMS and name.partition(".")[0] != "core"}
    assert all(name == "console.secrets" or name.startswith("console.channels._") for name in known), known


def test_every_channel_stands_in_the_contract_that_keeps_them_apart() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (apart,) = [contract["modules"] for contract in contracts if contract["type"] == "independence"]
    assert apart == [f"console.channels.{path.stem}" for path in CHANNELS if not path.name.startswith("_")]


def test_sqlite_is_chosen_in_one_place() -> None:
    for path in _sources(*ROOMS):
        if path != ROOT / "storage" / "sqlite.py":
            assert not set(_imports(ast.parse(path.read_text()))) & {
                "sqlite3",
                "pysqlite3",
                "aiosqlite",
                "apsw",
            }, path


def test_every_module_says_what_it_is_for() -> None:
    for path in _sources(*ROOMS):
        source = path.read_text()
        assert not source.strip() or ast.get_docstring(ast.parse(source)), f"{path} has no docstring"


def test_every_package_declares_its_types() -> None:
    for room in ROOMS:
        assert (ROOT / room / "py.typed").exists()


JOURNEY = ROOT / "core" / "model" / "enrolment.py"
STATE_OF_A_JOURNEY = {
    "due_at", "ended_at", "held_by", "last_message_at", "planned_at", "resumed_at", "shared", "waited",
    "waiting", "waits_for", "waits_until",
}  # fmt: skip
"""Attributes of an enrolment that no other class of the rooms lets others assign."""


def _assigned_to_others(tree: ast.AST) -> Iterator[str]:
    """The attributes that a module assigns or deletes, those of `self` left aside."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            if not (isinstance(node.value, ast.Name) and node.value.id == "self"):
                yield node.attr
        elif isinstance(node, ast.Call) and getattr(node.func, "id", None) == "setattr":
            yield from (str(word.value) for word in node.args if isinstance(word, ast.Constant))


def test_only_the_enrolment_changes_where_a_journey_stands() -> None:
    found = {
        str(path.relative_to(ROOT)): assigned
        for path in _sources(*ROOMS)
        if path != JOURNEY
        and (assigned := STATE_OF_A_JOURNEY.intersection(_assigned_to_others(ast.parse(path.read_text()))))
    }
    assert found == {}


def test_what_changes_a_journey_from_outside_would_be_found() -> None:
    code = "a.due_at = 1\nb.waited += 1\nc.step, d.shared = 1, 2\nsetattr(e, 'held_by', 1)\nself.waiting = 1"
    assert set(_assigned_to_others(ast.parse(code))) & STATE_OF_A_JOURNEY == {
        "due_at", "waited", "shared", "held_by",
    }  # fmt: skip
