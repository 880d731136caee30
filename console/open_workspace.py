"""A workspace that somebody works on: its folder, its settings and its database, for the command line and the
console alike.
"""

from __future__ import annotations

import os
import pwd
import tomllib
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from console.workspace.layout import DATABASE, REASONS, SETTINGS
from core.errors import ManometerError
from core.instants import find_zone

if TYPE_CHECKING:  # the full reader of a workspace is slower to import than most commands are to run
    from console.workspace.reading import Workspace
    from core.sources.order_terms import OrderTerms
    from storage.store import Store


class OpenWorkspace:
    """One workspace in use: what takes long is made when first asked for, and closed at the end."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.folder = folder
        self.read_only = read_only
        """The database is opened for reading alone; what would write is refused."""
        self.news: list[str] = []
        """What the operator should know of opening it, until somebody shows it."""
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database, where it was opened."""
        self._closing.close()

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The table `[workspace]` as it stands, unchecked, for what must work while other files have faults;
        ManometerError where the folder is no workspace or the file cannot be read.
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
    def needs_reasons(self) -> bool:
        """Whether whoever changes something has to say why."""
        return self.settings.get("reasons") == REASONS[1]

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
        from console.workspace.reading import read_workspace

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
        """The open database; made by the first one that asks."""
        # SQLAlchemy takes a quarter of a second to import, and `--help` needs none of it.
        from storage.store import Store

        if self.read_only:
            return self._closing.enter_context(Store.open(self.database, writer=False))
        is_new = not self.database.exists()
        store = Store.create(self.database) if is_new else Store.open(self.database)
        self._closing.callback(store.close)
        if not is_new:
            self._build_orders(store)
        return store

    def _build_orders(self, store: Store) -> None:
        """Where the database is of before orders were known by their number."""
        from storage.schema.migrations import ORDERS_TO_BUILD
        from storage.store import meta

        with store.reading() as connection:
            if meta(connection, ORDERS_TO_BUILD) is None:
                return
        from console.clock import workspace_now  # only what is done once needs them
        from console.intake.migrated import words_of
        from storage.intake.order_migration import build_where_missing

        terms = self._order_terms(store)
        at = workspace_now(store, None, self.zone)
        report = build_where_missing(store, terms, at, self.author)
        if report is not None:
            self.tell(words_of(report, terms.currency))

    def _order_terms(self, store: Store) -> OrderTerms:
        """What the playbook in force says of orders; while its files have faults, what is read of them."""
        from console.playbooks.applied import load_in_force
        from core.sources.order_terms import OrderTerms

        try:
            return load_in_force(store, self.folder).order_terms
        except ManometerError:
            return OrderTerms(str(self.settings.get("currency", "CHF")), self.zone)

    def tell(self, words: str) -> None:
        """What the operator should know of opening the workspace."""
        self.news.append(words)
