"""What every command is handed: the workspace's folder, its settings, its store, its clock, and where to
print.
"""

from __future__ import annotations

import argparse
import os
import pwd
import tomllib
from contextlib import ExitStack
from copy import copy
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from console.cli.output import Output
from console.workspace.layout import DATABASE, SETTINGS
from core.errors import ManometerError
from core.instants import Instant, find_zone

if TYPE_CHECKING:  # the full reader of a workspace is slower to import than most commands are to run
    from console.workspace import Workspace
    from storage.store import Store

LARGEST = 2**63 - 1


class UsageError(ManometerError):
    """The command line asks for something that does not exist; exit code 2."""


class Context:
    """One run of one command. What is dear is made when first asked for and closed at the end."""

    def __init__(self, folder: Path, json: bool) -> None:
        self.folder = folder
        self.output = Output(json)
        self._closing = ExitStack()

    def __enter__(self) -> Context:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The table `[workspace]` as it stands, unchecked: what a command needs that must work while other
        files have faults.
        """
        path = self.folder / SETTINGS
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("workspace", {})
        except FileNotFoundError:
            remedy = "Make one with `manometer init DIR`, or name one with -w DIR."
            raise ManometerError(f"{self.folder} is no workspace: it has no {SETTINGS}. {remedy}") from None
        except ValueError as error:  # not TOML, not UTF-8, or a number too long to be read
            kept = self._kept_settings()
            if kept is None:
                raise ManometerError(f"{path}: {error}. `manometer check` lists every fault.") from None
            return kept
        return table if isinstance(table, dict) else {}

    def _kept_settings(self) -> dict[str, Any] | None:
        """The same as it was applied, from the database beside the files: half-edited settings must not keep
        anybody from `stop`.
        """
        from storage import playbooks
        from storage.store import Store

        place = self.folder / DATABASE
        if not place.is_file():
            return None
        with Store.open(place, writer=False) as store, store.reading() as connection:
            version = playbooks.newest(connection)
        kept: dict[str, Any] | None = (
            None if version is None else tomllib.loads(version.files[SETTINGS]).get("workspace", {})
        )
        return kept

    @property
    def database(self) -> Path:
        """The file of the database."""
        named = str(self.settings.get("database", DATABASE)).removeprefix("sqlite:///")
        return self.folder / Path(named).expanduser()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone."""
        return find_zone(self.settings.get("time_zone")) or ZoneInfo("UTC")

    @cached_property
    def workspace(self) -> Workspace:
        """The checked files of the workspace; WorkspaceError where they have faults."""
        from console.channels import adapter_kinds  # see above
        from console.workspace import read_workspace

        return read_workspace(self.folder, channel_kinds=adapter_kinds())

    @cached_property
    def in_force(self) -> Workspace:
        """The workspace as last applied, with the playbook in force; as its files say (version 0) where none
        was applied yet.
        """
        from console.playbooks.applied import load_in_force  # see above

        return load_in_force(self.store, self.folder)

    @cached_property
    def author(self) -> str:
        """Who is acting, for the audit log: the account the process runs under, whatever its environment
        says.
        """
        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            return f"uid {os.getuid()}"

    @cached_property
    def store(self) -> Store:
        """The open database; made at the first command that asks."""
        from storage.store import (
            Store,  # SQLAlchemy takes a quarter of a second to import, and `--help` needs none of it
        )

        self.output.zone = self.zone
        is_new = not self.database.exists()
        store = Store.create(self.database) if is_new else Store.open(self.database)
        if is_new:  # personal data is not for everybody on the machine; SQLite's other files take the rights of this one
            self.database.chmod(self.database.stat().st_mode & ~0o007)
        self._closing.callback(store.close)
        return store

    def now(self, at: str | None) -> Instant:
        """The instant the command is about: `--at`, else the workspace's simulated clock, else now."""
        from console.clock import workspace_now  # with the store

        try:
            return workspace_now(self.store, at, self.zone)
        except ValueError as error:
            raise UsageError(f"--at: {error}") from None

    def instant(self, text: str | None, option: str) -> Instant | None:
        """An instant of the command line, local time of the workspace where it has no offset."""
        from core.instants import parse_instant  # a name of this method's own

        try:
            return None if text is None else parse_instant(text, self.zone)
        except ValueError as error:
            raise UsageError(f"{option}: {error}") from None


def whole(text: str) -> int:
    """A whole number of the command line that the database can hold, as a `type` for argparse."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number") from None
    if abs(number) > LARGEST:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is too large a number")
    return number


def add_at(parser: argparse.ArgumentParser, inner: bool = False) -> None:
    """The option `--at`; `inner` in a subcommand, so that it does not undo the outer one."""
    default: Any = argparse.SUPPRESS if inner else None
    parser.add_argument(
        "--at",
        metavar="INSTANT",
        default=default,
        help="as of this instant, ISO 8601; local where it has no offset (default: now)",
    )


def add_reason(parser: argparse.ArgumentParser) -> None:
    """The option `--reason`, kept with the audit line."""
    parser.add_argument("--reason", metavar="TEXT", help="why, for the audit log")


def add_yes(parser: argparse.ArgumentParser) -> None:
    """The option `--yes`."""
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")


def add_list(
    parser: argparse.ArgumentParser,
    actions: argparse._SubParsersAction[argparse.ArgumentParser] | None = None,
) -> None:
    """The word `list` for what a command alone does, with the options that it has by now; `actions` are its
    other words, if any.
    """
    said = "what the command alone does: list all"
    if actions is None:
        parser.add_argument("list", nargs="?", choices=("list",), help=said)
        return
    listing = actions.add_parser("list", help=said)
    listing.set_defaults(**{actions.dest: None})
    for option in parser._actions:
        if option.option_strings and option.dest != "help":
            twin = copy(option)
            twin.default = argparse.SUPPRESS  # or what stands before the word would be undone
            listing._add_action(twin)
