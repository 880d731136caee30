"""Documentation is tested: what a user can type or read is mentioned, and what is mentioned exists."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from console import channels
from console.cli import commands
from console.cli.output import ListingField
from core.model.decisions import OUTCOMES
from core.model.outbox import STATES
from core.model.reasons import Reason
from tests.make_key_table import PAGE, WHERE, bindings, with_table

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
COMMANDS = sorted(module.name for module in pkgutil.iter_modules(commands.__path__))
EVERYWHERE = {"--help", "--json", "--workspace", "-h", "-w", "list"}


def _text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def _section(command: str) -> str:
    """The part of docs/commands.md under the heading of a command."""
    found = re.search(
        rf"^## `manometer {re.escape(command)}.*?(?=^## |\Z)", _text("commands.md"), re.DOTALL | re.MULTILINE
    )
    assert found, f"docs/commands.md has no section on {command}"
    return found[0]


def _parser(module: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    importlib.import_module(f"console.cli.commands.{module}").add_arguments(parser)
    return parser


def _words(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Every option and subcommand."""
    for action in parser._actions:
        yield from (option for option in action.option_strings if option.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield name
                yield from _words(inner)
        elif action.choices is not None:
            yield from action.choices


@pytest.mark.parametrize("module", COMMANDS)
def test_every_command_and_option_is_documented(module: str) -> None:
    section = _section(module.rstrip("_"))
    missing = {
        word
        for word in _words(_parser(module))
        if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", section)
    } - EVERYWHERE
    assert not missing


@pytest.mark.parametrize("module", COMMANDS)
def test_every_json_field_is_documented(module: str) -> None:
    values = vars(importlib.import_module(f"console.cli.commands.{module}")).items()
    printed = [
        value for name, value in values if not name.endswith("_FIELDS")
    ]  # those are tables for people only
    tables = [
        value
        for value in printed
        if isinstance(value, tuple) and value and all(isinstance(field, ListingField) for field in value)
    ]
    section = _text("commands.md")
    missing = {
        field.name
        for table in tables
        for field in table
        if field.in_json and f"`{field.name}`" not in section
    }
    assert not missing


def test_no_command_is_documented_that_does_not_exist() -> None:
    named = set(re.findall(r"^## `manometer ([a-z]+)", _text("commands.md"), re.MULTILINE))
    assert named == {module.rstrip("_") for module in COMMANDS}


@pytest.mark.parametrize(
    "words", [[reason.value for reason in Reason], OUTCOMES, STATES], ids=["reasons", "outcomes", "states"]
)
def test_every_reason_outcome_and_state_is_explained(words: list[str]) -> None:
    documentation = _text("commands.md")
    assert not [word for word in words if f"`{word}`" not in documentation]


def test_every_kind_and_channel_is_documented() -> None:
    from core.kinds import kinds  # the kinds are discovered when first asked for

    assert not [kind for kind in kinds() if f"`{kind}`" not in _text("triggers.md")]
    assert not [kind for kind in channels.adapter_kinds() if f"`{kind}`" not in _text("channels.md")]


def test_every_setting_of_a_channel_is_documented() -> None:
    known = [
        setting.name
        for kind in channels.adapter_kinds()
        for setting in channels.adapter_class(kind).known_settings or ()
    ]
    assert not [name for name in known if f"`{name}`" not in _text("channels.md")]


def test_every_dependency_is_justified() -> None:
    import tomllib  # only here

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [
        *project["dependencies"],
        *project["optional-dependencies"]["test"],
        *project["optional-dependencies"]["dev"],
    ]
    names = {re.split(r"[\[<>=;, ]", line)[0] for line in required} - {"manometer"}
    text = _text("dependencies.md").lower()
    assert not [name for name in names if f"`{name}`" not in text]


def test_every_link_between_documents_leads_somewhere() -> None:
    for page in [*DOCS.glob("*.md"), ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", ROOT / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
def test_every_module_that_a_document_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shown = set(re.findall(r"^`(\S+/\S+)`\n\n```", text, re.MULTILINE))  # files that a reader is to make
    named = set(re.findall(r"`((?:core|storage|screens|console|tests|docs|\.ci)/[\w./-]*)`", text))
    assert not [name for name in named - shown if not (ROOT / name).exists()]


def test_constraints_pin_every_direct_dependency() -> None:
    import tomllib  # only here

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [
        *project["dependencies"],
        *project["optional-dependencies"]["test"],
        *project["optional-dependencies"]["dev"],
    ]
    names = {re.split(r"[\[<>=;, ]", line)[0].lower() for line in required} - {"manometer"}
    pinned = {
        line.partition("==")[0].lower()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    assert names <= pinned


@pytest.mark.parametrize(
    ("pins", "hashed"),
    [("constraints.txt", "constraints-hashed.txt"), (".ci/tools.txt", ".ci/tools-hashed.txt")],
)
def test_every_pin_has_its_hashes_and_no_address(pins: str, hashed: str) -> None:
    text = (ROOT / hashed).read_text()
    with_hash = re.findall(r"^(\S+)==(\S+) \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    pinned = re.findall(r"^([^#\s]+)==(\S+)$", (ROOT / pins).read_text(), re.MULTILINE)
    assert {(_plain(name), version) for name, version in with_hash} == {
        (_plain(name), version) for name, version in pinned
    }
    assert "://" not in text


def _plain(name: str) -> str:
    """A name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_table_of_keys_is_the_one_of_the_bindings() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "run `python -m tests.make_key_table`"


def test_everything_with_a_key_has_a_name_a_sentence_and_a_known_place() -> None:
    for where, binding in bindings():
        assert where in {"everywhere", *WHERE.values()}, binding
        assert binding.description, binding
        assert binding.tooltip, binding
