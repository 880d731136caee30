"""The picture of the rooms, kept by tests: imports point down, and only console/clock.py knows what time it
is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from core.kinds import kinds
from core.model.when import When

ROOT = Path(__file__).parents[1]
ROOMS = ("console", "core", "screens", "storage")
CLOCK = ROOT / "console" / "clock.py"
READS_THE_CLOCK = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"), ("time", "gmtime"), ("Date", "today"),
}  # fmt: skip
ROLLS_DICE = {"random", "secrets"}


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


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
    assert not set(_calls(_tree(path))) & READS_THE_CLOCK


def test_the_core_rolls_no_dice_and_opens_no_files() -> None:
    for path in _sources("core"):
        tree = _tree(path)
        assert not set(_imports(tree)) & ROLLS_DICE, path
        assert not [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("open", "print")
        ], path


ADAPTERS = list(_sources("console/channels", "console/connectors"))


def _house_imports(path: Path) -> set[str]:
    """The modules of the rooms that a module imports, by full name; of a package what is taken from it."""
    names = set[str]()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            module = str(node.module)
            is_package = (ROOT / module.replace(".", "/") / "__init__.py").exists()
            names.update(f"{module}.{alias.name}" if is_package else module for alias in node.names)
    return {name for name in names if name.partition(".")[0] in ROOMS}


@pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_adapter_knows_the_core_what_its_kind_shares_and_secrets_and_no_other_adapter(path: Path) -> None:
    shared = f"console.{path.parent.name}._"
    others = {name for name in _house_imports(path) if not name.startswith("core.")}
    assert {name for name in others if not name.startswith(shared)} <= {
        "console.private_files",
        "console.secrets",
    }


def _drawing() -> dict[str, list[str]]:
    """The packages of each room as docs/architecture.md draws them, from the top down."""
    drawn: dict[str, list[str]] = {}
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for indent, name in re.findall(r"^(|  )([a-z]+)/ {2,}", page, re.MULTILINE):
        if not indent:
            drawn[name] = []
        else:
            drawn[list(drawn)[-1]].append(name)
    return drawn


def _packages_used(room: str, package: str) -> set[str]:
    """The names in the room that the modules of a package import, at whatever place in the module."""
    used = set()
    for path in _sources(f"{room}/{package}"):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == room:
                deeper = (node.module or "").split(".")[1:2]
                used |= set(deeper) or {alias.name for alias in node.names}
    return used - {package}


@pytest.mark.parametrize("room", ROOMS)
def test_the_house_is_as_it_is_drawn(room: str) -> None:
    packages = {path.parent.name for path in (ROOT / room).glob("*/__init__.py")}
    assert set(_drawing()[room]) == packages


@pytest.mark.parametrize("room", ROOMS)
def test_a_package_imports_only_what_is_drawn_below_it(room: str) -> None:
    drawn = _drawing()[room]
    upwards = {
        package: above
        for place, package in enumerate(drawn)
        if (above := _packages_used(room, package) & set(drawn[:place]))
    }
    assert not upwards


def test_sqlite_is_chosen_in_one_place() -> None:
    for path in _sources(*ROOMS):
        if path != ROOT / "storage" / "sqlite.py":
            assert not set(_imports(_tree(path))) & {
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
        if path != JOURNEY and (assigned := STATE_OF_A_JOURNEY.intersection(_assigned_to_others(_tree(path))))
    }
    assert found == {}


def test_what_changes_a_journey_from_outside_would_be_found() -> None:
    code = "a.due_at = 1\nb.waited += 1\nc.step, d.shared = 1, 2\nsetattr(e, 'held_by', 1)\nself.waiting = 1"
    assert set(_assigned_to_others(ast.parse(code))) & STATE_OF_A_JOURNEY == {
        "due_at", "waited", "shared", "held_by",
    }  # fmt: skip


# ---- kinds of trigger ----

KINDS = ROOT / "core" / "kinds"
SAYS_WHAT_A_MESSAGE_IS_FOR = {
    "console/catalogue/__init__.py", "console/catalogue/needs.py", "console/cli/commands/pauses.py",
    "console/cli/commands/stop.py", "console/safeguards/stop_file.py", "console/workspace/pressure.py",
    "storage/pauses.py",
}  # fmt: skip
"""Where `transactional` is a purpose, or what a pause holds, and no kind."""


def _beside_kinds() -> Iterator[tuple[str, ast.AST]]:
    for path in _sources(*ROOMS):
        if KINDS not in path.parents:
            yield str(path.relative_to(ROOT)), _tree(path)


def test_no_module_beside_the_kinds_names_a_kind() -> None:
    found = [
        (path, node.value)
        for path, tree in _beside_kinds()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in kinds()
    ]
    assert {path for path, name in found if name == "transactional"} <= SAYS_WHAT_A_MESSAGE_IS_FOR
    assert [each for each in found if each[1] != "transactional"] == []


def test_no_module_beside_the_kinds_knows_a_field_of_one() -> None:
    asked = [
        (path, node.attr)
        for path, tree in _beside_kinds()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "when"
    ]
    assert [each for each in asked if not hasattr(When, each[1])] == []


def test_who_finds_the_kinds_imports_none_of_them() -> None:
    imported = {
        (path, node.module)
        for path, tree in _beside_kinds()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("core.kinds")
    }
    assert imported == {
        ("console/workspace/kinds.py", "core.kinds"),
        ("console/workspace/schemas.py", "core.kinds"),
        ("console/workspace/triggers.py", "core.kinds"),
    }
