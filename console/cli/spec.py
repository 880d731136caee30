"""What the command line takes, as one value made from the parsers that read it: `manometer --spec`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, Final

from console.cli.exit_codes import USUAL_CODES

COMMON: Final = (
    {
        "names": ["-w", "--workspace"],
        "takes": "DIR",
        "values": 1,
        "repeats": False,
        "required": False,
        "choices": None,
        "default": None,
        "meaning": "the workspace; default: $MANOMETER_WORKSPACE, else the current folder",
    },
    {
        "names": ["--json"],
        "takes": None,
        "values": 0,
        "repeats": False,
        "required": False,
        "choices": None,
        "default": None,
        "meaning": "one JSON object a line",
    },
)
"""The options of every command, which stand before or after it."""


def spec(version: str, commands: Iterable[tuple[str, ModuleType, argparse.ArgumentParser]]) -> dict[str, Any]:
    """All commands by name with their module and parser, as plain values for JSON."""
    return {
        "manometer": version,
        "exit_codes": _codes(USUAL_CODES),
        "options": list(COMMON),
        "commands": [
            {
                "name": name,
                "exit_codes": _codes(getattr(module, "EXIT_CODES", USUAL_CODES)),
                "examples": [f"manometer {line}" for line, _ in getattr(module, "EXAMPLES", ())],
                **_taken(parser, (parser.description or "").partition("\n\n")[0]),
            }
            for name, module, parser in commands
        ],
    }


def _codes(codes: Mapping[int, str]) -> list[dict[str, object]]:
    return [{"code": code, "meaning": meaning} for code, meaning in sorted(codes.items())]


def _taken(parser: argparse.ArgumentParser, summary: str) -> dict[str, Any]:
    """What a command, or an action of one, takes: options, arguments, and its actions with theirs."""
    given = [each for each in parser._actions if not isinstance(each, argparse._SubParsersAction)]
    return {
        "summary": " ".join(summary.split()),
        "options": [_option(each) for each in given if each.option_strings and each.dest != "help"],
        "arguments": [_argument(each) for each in given if not each.option_strings],
        "actions": list(_actions(parser)),
    }


def _actions(parser: argparse.ArgumentParser) -> Iterator[dict[str, Any]]:
    for each in parser._actions:
        if isinstance(each, argparse._SubParsersAction):
            told = {choice.dest: choice.help or "" for choice in each._choices_actions}
            for name, inner in each.choices.items():
                yield {"name": name, **_taken(inner, told.get(name, ""))}


def _option(option: argparse.Action) -> dict[str, Any]:
    return {"names": list(option.option_strings), **_value(option)}


def _argument(argument: argparse.Action) -> dict[str, Any]:
    return {"name": argument.dest, **_value(argument)}


def _value(action: argparse.Action) -> dict[str, Any]:
    """What is written behind it: `values` is how many, `*` any number, `+` at least one, `?` one or none."""
    shown = action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar or ())
    takes = None if action.nargs == 0 else shown or action.dest.upper()
    return {
        "takes": takes,
        "values": 1 if action.nargs is None else action.nargs,
        "repeats": isinstance(action, argparse._AppendAction),
        "required": action.required,
        "choices": None if action.choices is None else [str(choice) for choice in action.choices],
        "default": _plain(action.default),
        "meaning": (action.help or "") % {"default": action.default} if action.help else "",
    }


def _plain(value: object) -> object:
    if value is argparse.SUPPRESS or value is None:
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)
