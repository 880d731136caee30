"""The playbook in force: the files that were applied last, with what the database knows beside them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection

from console.channels import adapter_kinds
from console.playbooks.migration import Fate, fates, former_of, former_templates, policies
from console.workspace.layout import SETTINGS
from console.workspace.reading import Workspace, read_files, read_workspace
from core.errors import ManometerError
from core.instants import Instant, format_instant
from core.model.triggers import OnChange, Trigger
from core.playbook.playbook import Playbook
from core.playbook.versions import VersionChange
from storage import audit, pauses, playbooks, triggers
from storage.store import Store


@dataclass(frozen=True, slots=True)
class ApplyChanges:
    """What an apply would change, by name; empty where the files are those in force."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    activated: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    settings: bool = False
    rates: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files)

    def lines(self) -> list[str]:
        """One line a sort of change, for people and for the record."""
        named = (
            ("new triggers", self.added), ("changed triggers", self.changed),
            ("removed triggers", self.removed),
            ("active from now "
             "on", self.activated), ("changed templates", self.templates), ("changed limits", self.limits),
            ("changed purposes", self.purposes), ("changed weights", self.weights),
            ("changed segments", self.segments), ("changed exchange rates", self.rates),
        )  # fmt: skip
        lines = [f"{what}: {', '.join(names)}" for what, names in named if names]
        return [*lines, "changed settings: manometer.toml"] if self.settings else lines


@dataclass(frozen=True, slots=True)
class Applied:
    """A version that was put in force; `converted` amounts had waited for a rate."""

    playbook: Playbook
    changes: ApplyChanges
    converted: int = 0

    @property
    def version(self) -> int:
        """Its number, from 1."""
        return self.playbook.version


def load_in_force(store: Store, folder: Path) -> Workspace:
    """The workspace as its applied files say, with activations and pauses; as the files on disk say (version
    0) where none was applied.

    Once a version was applied the files on disk are not looked at, so that one half edited stops nobody's
    work.
    """
    with store.reading() as connection:
        version = playbooks.newest(connection)
        if version is not None:
            kept = read_files(version.files, folder, channel_kinds=adapter_kinds())
            return _in_force(connection, kept)
        return _in_force(connection, read_workspace(folder, channel_kinds=adapter_kinds()))


def playbook_at(store: Store, workspace: Workspace, at: Instant) -> Playbook:
    """The playbook that was in force at a past instant, with the activations of then; of `workspace`, in
    force now, where it still is.

    Before anything was in force it is the first version, active from its own instant on.
    """
    with store.reading() as connection:
        newest = playbooks.newest(connection)
        if newest is None or newest.applied_at <= at:
            return workspace.playbook
        versions = playbooks.up_to(connection, at)
        paused = pauses.all_of(connection)
    version, activated = versions[-1], _activations(versions)
    playbook = read_files(version.files, workspace.folder, channel_kinds=adapter_kinds()).playbook
    return replace(
        playbook,
        triggers=tuple(
            replace(trigger, activated_at=activated.get(trigger.name)) for trigger in playbook.triggers
        ),
        pauses=paused,
        version=version.version,
        applied_at=version.applied_at,
    )


def _activations(versions: Iterable[playbooks.PlaybookVersion]) -> dict[str, Instant]:
    """When each trigger that is active in the last of these versions became so, by name."""
    since: dict[str, Instant] = {}
    for version in versions:
        files = {
            path: text
            for path, text in version.files.items()
            if path.startswith("triggers/") and path.endswith(".toml")
        }
        active = {
            path[len("triggers/") : -len(".toml")]
            for path, text in files.items()
            if tomllib.loads(text).get("status") == "active"
        }
        since = {name: since.get(name, version.applied_at) for name in active}
    return since


def _in_force(connection: Connection, workspace: Workspace) -> Workspace:
    version = playbooks.newest(connection)
    if version is None:
        return replace(workspace, playbook=replace(workspace.playbook, pauses=pauses.all_of(connection)))
    applied = (
        workspace
        if version.files == workspace.files
        else read_files(version.files, workspace.folder, channel_kinds=adapter_kinds())
    )
    known = triggers.in_force(connection)
    playbook = replace(
        applied.playbook,
        triggers=tuple(
            replace(t, activated_at=known[t.name].activated_at) for t in applied.playbook.triggers
        ),
        pauses=pauses.all_of(connection),
        version=version.version,
        applied_at=version.applied_at,
    )
    former = former_of(connection, playbook, workspace.folder, playbooks.changes(connection))
    if former:
        playbook = replace(playbook, former=former)
    texts = former_templates(connection, former.values(), applied.files, workspace.folder)
    return replace(applied, playbook=playbook, database=workspace.database, former_templates=texts)


def with_under_way(connection: Connection, draft: Playbook, playbook: Playbook, folder: Path) -> Playbook:
    """A draft that would follow the playbook in force, with what it would do to those under way by what its
    files say of it.
    """
    if not playbook.version or draft.applied_at is None:
        return draft
    found = _compared(playbook, draft, ())
    does = policies(playbook, draft, found.changed, found.removed, {})
    changes = [*playbooks.changes(connection), VersionChange(draft.version, draft.applied_at, does)]
    return replace(draft, former=former_of(connection, draft, folder, changes))


# ---- putting in force ----


def changes(store: Store, workspace: Workspace) -> ApplyChanges:
    """What putting the files on disk in force would change."""
    with store.reading() as connection:
        return _changes(connection, workspace)


def under_way(
    store: Store, workspace: Workspace, found: ApplyChanges, asked: Mapping[str, OnChange]
) -> list[Fate]:
    """What putting the files on disk in force would do to the customers under way in what changes."""
    with store.reading() as connection:
        before = _in_force(connection, workspace).playbook
        return fates(
            connection,
            before,
            workspace.playbook,
            policies(before, workspace.playbook, found.changed, found.removed, asked),
        )


def apply_workspace(
    store: Store,
    workspace: Workspace,
    at: Instant,
    author: str,
    asked: Mapping[str, OnChange] | None = None,
    reason: str | None = None,
) -> Applied:
    """Put the files on disk in force at the instant, in one transaction with its audit line; the next ticks
    plan customers anew.

    `asked` says what happens to those under way in a changed trigger, instead of its file;
    `reason` goes into the audit line.
    """
    with store.writing() as connection:
        return _apply(connection, workspace, at, author, asked or {}, reason)


def ensure_applied(store: Store, workspace: Workspace, at: Instant, author: str = "manometer") -> Playbook:
    """The playbook in force; where none was applied yet, the files are applied first."""
    with store.reading() as connection:
        if playbooks.newest_version(connection):
            return _in_force(connection, workspace).playbook
    with store.writing() as connection:
        if playbooks.newest_version(connection):  # another process was quicker
            return _in_force(connection, workspace).playbook
        return _apply(connection, workspace, at, author, {}).playbook


def _apply(
    connection: Connection,
    workspace: Workspace,
    at: Instant,
    author: str,
    asked: Mapping[str, OnChange],
    reason: str | None = None,
) -> Applied:
    found = _changes(connection, workspace)
    newest = playbooks.newest(connection)
    if newest is not None and at < newest.applied_at:
        since = format_instant(newest.applied_at)
        raise ManometerError(
            f"Playbook {newest.version} is in force since {since}; another cannot begin before it. Name a "
            "later --at."
        )
    summary = "\n".join(found.lines())
    before = workspace.playbook if newest is None else _in_force(connection, workspace).playbook
    does = policies(before, workspace.playbook, found.changed, found.removed, asked)
    happens = [fate.line() for fate in fates(connection, before, workspace.playbook, does)]
    version = playbooks.add(connection, at, author, workspace.files, summary, does)
    triggers.put(connection, workspace.playbook.triggers, at, version)
    audit.record(
        connection,
        at,
        author,
        "apply",
        f"playbook {version}",
        reason,
        {"changes": found.lines(), "under_way": happens},
    )
    from storage.intake.conversions import convert  # most commands load a playbook, and apply none

    playbook = _in_force(connection, workspace).playbook
    converted = convert(connection, workspace.order_terms, at, playbook.index.concerns_at(at))
    return Applied(playbook, found, converted)


def _changes(connection: Connection, workspace: Workspace) -> ApplyChanges:
    version = playbooks.newest(connection)
    if version is None:
        names = tuple(trigger.name for trigger in workspace.playbook.triggers)
        return ApplyChanges(
            added=names, activated=_active(workspace.playbook.triggers), files=tuple(sorted(workspace.files))
        )
    files = _different(version.files, workspace.files)
    if not files:
        return ApplyChanges()
    return _compared(_in_force(connection, workspace).playbook, workspace.playbook, files)


def _compared(before: Playbook, after: Playbook, files: tuple[str, ...]) -> ApplyChanges:
    old = {trigger.name: replace(trigger, activated_at=None) for trigger in before.triggers}
    new = {trigger.name: replace(trigger, activated_at=None) for trigger in after.triggers}
    was_active = set(_active(before.triggers))
    return ApplyChanges(
        added=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(name for name in new.keys() & old.keys() if new[name] != old[name])),
        removed=tuple(sorted(old.keys() - new.keys())),
        activated=tuple(name for name in _active(after.triggers) if name not in was_active),
        templates=tuple(
            sorted(
                {
                    path.split("/")[1]
                    for path in files
                    if path.startswith("templates/") and path.count("/") > 1
                }
            )
        ),
        limits=_different(
            {rule.name: rule for rule in before.rules}, {rule.name: rule for rule in after.rules}
        ),
        purposes=_different(before.purposes, after.purposes),
        weights=_different(_weights(before), _weights(after)),
        segments=_different(before.segments, after.segments),
        settings=SETTINGS in files,
        rates=tuple(path for path in files if path.endswith(".csv")),
        files=files,
    )


def _weights(playbook: Playbook) -> dict[str, int]:
    return {name: channel.weight for name, channel in playbook.channels.items()}


def _active(known: Iterable[Trigger]) -> tuple[str, ...]:
    return tuple(sorted(trigger.name for trigger in known if trigger.status == "active"))


def _different(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))
