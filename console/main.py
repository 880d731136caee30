"""The command line: finds the command, hands it a context, and turns whatever goes wrong into a sentence and
an exit code.

0: done. 1: refused or failed, with a message on standard error. 2: wrong usage. 75: the same may succeed
later. 130: interrupted.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import pkgutil
import sys
from codecs import lookup
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from console.cli import commands, help_text
from console.cli.errors import UsageError
from console.cli.exit_codes import DONE, FAILED, INTERRUPTED, LATER, USAGE
from core.errors import ManometerError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code."""
    _open_streams()
    try:
        line = _read(list(sys.argv[1:] if argv is None else argv))
        code = _run(line)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse, after --help or a usage error
        return stop.code if isinstance(stop.code, int) else FAILED
    except BrokenPipeError:
        _abandon_output()
        return DONE
    except KeyboardInterrupt:
        return _complain("Interrupted. What was finished is kept.", INTERRUPTED)
    except Exception as error:
        if os.environ.get("MANOMETER_DEBUG"):
            raise
        return _complain(_in_words(error), _code(error))
    return code


def _open_streams() -> None:
    """A standard stream that was closed leads nowhere, and a character that the terminal's encoding does not
    have becomes a `?`.
    """
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115 - until the end
        elif (
            name != "stdin" and isinstance(stream, TextIOWrapper) and lookup(stream.encoding).name != "utf-8"
        ):
            stream.reconfigure(errors="replace")


# ---- the line ----


@dataclass
class _Line:
    folder: Path
    json: bool
    read_only: bool
    words: list[str]


def _read(argv: list[str]) -> _Line:
    """The common options, which may stand before or after the command, and the words that are left."""
    line = _Line(Path(os.environ.get("MANOMETER_WORKSPACE") or "."), False, False, [])
    words = iter(argv)
    for word in words:
        if word == "--":
            line.words += [word, *words]
        elif word == "--json":
            line.json = True
        elif word == "--read-only":
            line.read_only = True
        elif word in ("-w", "--workspace"):
            line.folder = Path(next(words, None) or _usage(f"{word} needs a folder."))
        elif word.startswith("--workspace="):
            line.folder = Path(word.partition("=")[2] or _usage("--workspace needs a folder."))
        elif word.startswith("-w") and not word.startswith("--"):
            line.folder = Path(word[2:])
        else:
            line.words.append(word)
    return line


def _run(line: _Line) -> int:
    first = line.words[0] if line.words else _without_command()
    if first in ("-h", "--help", "help"):
        _print_help()
        return DONE
    if first in ("-V", "--version"):
        print(f"manometer {_version()}")
        return DONE
    if first == "--spec":
        return _print_spec()
    if first.startswith("-"):
        _usage(f"There is no option {first} before the command. `manometer --help` lists what there is.")
    name = _module_name(first)
    module = importlib.import_module(f"console.cli.commands.{name}")
    args = parsed(first, module, line.words[1:])
    if line.read_only and hasattr(module, "changes_files") and module.changes_files(args):
        raise UsageError(f"`{first}` changes files, and --read-only lets nothing be changed.")
    from console.cli.context import Context  # not needed for --help and --version

    with Context(line.folder, line.json, read_only=line.read_only) as context:
        if getattr(args, "needs_reason", False) and not (args.reason or "").strip() and context.needs_reasons:
            raise UsageError('the workspace wants a reason for every change: say why with --reason "...".')
        code: int = module.run(args, context)
    return code


def parsed(first: str, module: ModuleType, words: Sequence[str]) -> argparse.Namespace:
    """The words after a command as its options; SystemExit after --help or a usage error."""
    parser = parser_of(first, module)
    is_simple = parser._subparsers or "--" in words  # intermixed, argparse takes what follows -- for options
    return parser.parse_args(words) if is_simple else parser.parse_intermixed_args(words)


def parser_of(first: str, module: ModuleType) -> argparse.ArgumentParser:
    """What reads the words after a command."""
    parser = argparse.ArgumentParser(
        prog=f"manometer {first}",
        description=module.__doc__,
        allow_abbrev=False,
        formatter_class=help_text.HelpFormatter,
    )
    parser.epilog = "\n\n".join(filter(None, (help_text.examples(getattr(module, "EXAMPLES", ())), _COMMON)))
    module.add_arguments(parser)
    return parser


def _without_command() -> str:
    """`manometer` alone opens the console; where no one could see it, it says what there is."""
    return "console" if sys.stdin.isatty() and sys.stdout.isatty() else "--help"


_WHAT = "Trigger-based marketing: what every customer is about to receive, and why.\n\n"
_COMMON = (
    "Every command takes -w/--workspace DIR (default: $MANOMETER_WORKSPACE, else the current folder), "
    "--json, and --read-only (nothing is changed), before it or after."
)


def _module_name(command: str) -> str:
    modules = dict(_commands())
    if command not in modules:
        near = get_close_matches(command, modules, 1)
        hint = f"Did you mean `{near[0]}`?" if near else "`manometer --help` lists the commands."
        _usage(f"There is no command {command[:60]!r}. {hint}")
    return modules[command]


def _commands() -> Iterator[tuple[str, str]]:
    """Every command with the module that holds it."""
    for module in pkgutil.iter_modules(commands.__path__):
        yield module.name.rstrip("_"), module.name


def _print_help() -> None:
    print("usage: manometer [-w DIR] [--json] [--read-only] [COMMAND]\n")
    for line in help_text.filled(_WHAT, help_text.width()):
        print(line)
    room = help_text.width()
    for line in help_text.beside(((name, _summary(module)) for name, module in _commands()), room):
        print(line)
    codes = "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 75 not now, try again later."
    more = f"`manometer COMMAND --help` says more, `manometer --spec` all of it as JSON. {codes}"
    for line in help_text.filled(f"\n{_COMMON} {more}", room):
        print(line)


def _print_spec() -> int:
    """All that the command line takes and gives, as JSON."""
    from json import dumps  # only here

    from console.cli.spec import spec  # see above

    modules = {
        name: importlib.import_module(f"console.cli.commands.{module}") for name, module in _commands()
    }
    told = spec(_version(), [(name, module, parser_of(name, module)) for name, module in modules.items()])
    print(dumps(told, ensure_ascii=False))
    return DONE


def _summary(module: str) -> str:
    """The first paragraph of a command's docstring as one line, read without importing it."""
    source = Path(commands.__path__[0], f"{module}.py").read_text(encoding="utf-8")
    return " ".join((ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0].split())


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # slower than all the rest of this module

    try:
        return version("manometer")
    except PackageNotFoundError:
        return "(not installed)"


# ---- what goes wrong ----


def _usage(sentence: str) -> NoReturn:
    raise SystemExit(_complain(sentence, USAGE))


def _complain(sentence: str, code: int) -> int:
    from screens.cells.safe_text import safe_lines  # only where something goes wrong

    try:
        sys.stdout.flush()
        print(f"manometer: {safe_lines(sentence)}", file=sys.stderr)
    except BrokenPipeError:
        _abandon_output()
    return code


def _code(error: Exception) -> int:
    if isinstance(error, ManometerError) and error.may_succeed_later:
        return LATER
    return USAGE if isinstance(error, UsageError) else FAILED


def _in_words(error: Exception) -> str:
    if isinstance(error, ManometerError):
        return _with_condition(error)
    # The driver's own error within one of SQLAlchemy's, without the statement and its values.
    cause = getattr(error, "orig", None)
    if cause is not None:
        return f"The database refused: {cause}. Nothing of this step was kept."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    if isinstance(error, UnicodeEncodeError):
        shown = error.object.encode("ascii", "backslashreplace").decode()[:60]
        return (
            f"'{shown}' does not fit the encoding that this terminal speaks. "
            "Set LC_ALL=C.UTF-8 and try again."
        )
    return (
        f"Unexpected {type(error).__name__}: {error}. "
        "This is a fault of the program; with MANOMETER_DEBUG=1 it shows where."
    )


def _with_condition(error: ManometerError) -> str:
    """The error's text; of a condition also the condition itself with a caret under the fault."""
    from core.language.errors import ConditionError  # only where something goes wrong

    return f"{error}\n{error.pointing()}" if isinstance(error, ConditionError) else str(error)


def _abandon_output() -> None:
    """The reader has gone: point standard output nowhere, so that the interpreter's last flush is quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
