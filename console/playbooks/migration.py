"""Customers under way when a new version is put in force: what happens to them, and the earlier definitions
that some go on by.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection

from console.channels import adapter_kinds
from console.workspace.faults import WorkspaceError
from console.workspace.reading import Workspace, read_files
from core.errors import ManometerError
from core.model.triggers import OnChange, Trigger
from core.playbook.playbook import Playbook
from core.playbook.versions import (
    UNDER_WAY,
    EnrolmentStanding,
    Former,
    UnderWay,
    VersionChange,
    goes_on,
    standing,
)
from core.suggestions import near
from storage import playbooks, triggers


@dataclass(frozen=True, slots=True)
class Fate:
    """What a new version does to those under way in one trigger, and how many they are by the version they go
    by so far.
    """

    trigger: str
    does: UnderWay
    customers: Mapping[int, int]
    stranded: int = 0
    """Those of them whose journey cannot go on so, and ends when the next step falls due."""

    def line(self) -> str:
        """`basket: 312 under way finish on version 4`."""
        total = sum(self.customers.values())
        return f"{self.trigger}: {total:,} under way {self._words(total)}{self._exception()}"

    def as_json(self) -> dict[str, object]:
        """The same for scripts."""
        versions = {str(version): number for version, number in sorted(self.customers.items())}
        return {
            "trigger": self.trigger,
            "does": self.does,
            "customers": sum(versions.values()),
            "versions": versions,
            "stranded": self.stranded,
        }

    def _words(self, total: int) -> str:
        if self.does == "finish":
            versions = sorted(self.customers.items(), reverse=True)
            said = [
                f"on version {version}" if number == total else f"{number:,} on version {version}"
                for version, number in versions
            ]
            return f"finish {', '.join(said)}"
        return {"move": "move to the new definition", "leave": "leave now"}.get(
            self.does, "leave when their next step falls due"
        )

    def _exception(self) -> str:
        if not self.stranded:
            return ""
        why = "the playbook no longer has what they need" if self.does == "finish" else "their step is gone"
        return f"; {self.stranded:,} of them leave when it falls due, as {why}"


# ---- definitions of earlier versions ----


def former_of(
    connection: Connection, playbook: Playbook, folder: Path, changes: Sequence[VersionChange]
) -> Mapping[tuple[str, int], Former]:
    """What those still under way need of earlier versions; `changes` are all that lead to the playbook,
    oldest first.
    """
    found: dict[tuple[str, int], Former] = {}
    for name in sorted(
        {name for change in changes for name, does in change.under_way.items() if does != "move"}
    ):
        last = max(change.version for change in changes if name in change.under_way)
        # who enters by a pass that began before the last version is not in the database yet
        for version in triggers.entered_under(connection, name, last) | {last - 1}:
            stands = standing(name, version, changes)
            if stands is not None:
                found[name, version] = _former(connection, name, stands, playbook, folder)
    return found


def _former(
    connection: Connection, name: str, stands: EnrolmentStanding, playbook: Playbook, folder: Path
) -> Former:
    if stands.retires:
        return Former(None, stands.version)
    kept = version_files(connection, stands.version, folder)
    trigger = None if kept is None else kept.playbook.trigger(name)
    if trigger is not None and not goes_on(trigger, playbook.channels, playbook.purposes):
        trigger = None
    left = stands.left
    return (
        Former(trigger, stands.version)
        if left is None
        else Former(trigger, stands.version, left.at, left.version)
    )


def version_files(connection: Connection, version: int, folder: Path) -> Workspace | None:
    """An applied version, read again; None where there is none, or this release cannot read it."""
    text = playbooks.files_json(connection, version)
    return None if text is None else _read(text, folder)


@lru_cache(maxsize=16)
def _read(text: str, folder: Path) -> Workspace | None:
    try:
        return read_files(json.loads(text), folder, channel_kinds=adapter_kinds())
    except WorkspaceError:
        return None


def former_templates(
    connection: Connection, former: Iterable[Former], files: Mapping[str, str], folder: Path
) -> Mapping[str, str]:
    """The texts that journeys of earlier versions name and the files in force no longer have."""
    known = {path.split("/")[1] for path in files if path.startswith("templates/")}
    texts: dict[str, str] = {}
    for each in former:
        missing = (
            {step.template for step in each.trigger.steps} - known if each.trigger is not None else set[str]()
        )
        kept = version_files(connection, each.version, folder) if missing else None
        for path, text in kept.files.items() if kept is not None else ():
            if path.startswith("templates/") and path.split("/")[1] in missing:
                texts.setdefault(path, text)
    return texts


# ---- what a new version does ----


def policies(
    before: Playbook,
    after: Playbook,
    changed: Iterable[str],
    removed: Iterable[str],
    asked: Mapping[str, OnChange],
) -> dict[str, UnderWay]:
    """What happens to those under way in each trigger that changes: what is asked, else what its file
    says.
    """
    new, old = after.index.by_name, before.index.by_name
    found: dict[str, UnderWay] = {name: asked.get(name, new[name].on_change) for name in changed}
    for name in removed:
        says = asked.get(name, old[name].on_change)
        if asked.get(name) == "move":
            raise ManometerError(
                f"--under-way {name}=move: its file is gone, there is nothing to move to. Write "
                f"{name}=finish or {name}=leave."
            )
        found[name] = "retire" if says == "move" else says
    for name in asked:
        if name not in found:
            hint = near(name, found) or (
                f"Those that change are: {', '.join(sorted(found))}." if found else "No trigger changes."
            )
            raise ManometerError(f"--under-way names {name!r}, which this apply does not change. {hint}")
    return found


def read_asked(words: Iterable[str]) -> dict[str, OnChange]:
    """`TRIGGER=finish` and the like, as given on the command line."""
    asked: dict[str, OnChange] = {}
    for word in words:
        name, _, does = word.partition("=")
        known = next((each for each in UNDER_WAY if each == does), None)
        if not name or known is None:
            raise ManometerError(
                f"--under-way {word!r}: write TRIGGER=finish, TRIGGER=move or TRIGGER=leave. "
                f"{near(does, UNDER_WAY) or ''}".rstrip()
            )
        asked[name] = known
    return asked


def fates(
    connection: Connection, before: Playbook, after: Playbook, does: Mapping[str, UnderWay]
) -> list[Fate]:
    """What would happen, in numbers; triggers in which nobody is under way are left out."""
    changes = playbooks.changes(connection)
    found = (_fate(connection, name, before, after, changes, each) for name, each in sorted(does.items()))
    return [fate for fate in found if fate.customers]


def _fate(
    connection: Connection,
    name: str,
    before: Playbook,
    after: Playbook,
    changes: Sequence[VersionChange],
    does: UnderWay,
) -> Fate:
    customers: Counter[int] = Counter()
    stranded = 0
    for version, number in triggers.under_way_by_version(connection, name).items():
        stands = standing(name, version, changes)
        if stands is not None and stands.left is not None:
            continue  # they leave already
        customers[before.version if stands is None else stands.version] += number
        trigger = before.index.definition(name, version)
        if does == "finish" and (trigger is None or not goes_on(trigger, after.channels, after.purposes)):
            stranded += number
    if does == "move":
        steps = len(after.index.by_name[name].steps)
        stranded = sum(
            number for step, number in triggers.waiting_by_step(connection, name).items() if step > steps
        )
    return Fate(name, does, customers, stranded)


def by_definition(connection: Connection, name: str, playbook: Playbook) -> dict[int, int]:
    """How many are under way in a trigger by the version whose definition they go by."""
    found: Counter[int] = Counter()
    for version, number in triggers.under_way_by_version(connection, name).items():
        found[playbook.index.decides(name, version)] += number
    return dict(found)


def trigger_in(playbook: Playbook, name: str) -> Trigger | None:
    """A trigger of that name in force, else the latest definition of it that some still go on by."""
    known = playbook.index.by_name.get(name)
    kept = [
        each for (trigger, _), each in playbook.former.items() if trigger == name and each.trigger is not None
    ]
    return known or max(kept, key=lambda each: each.version).trigger if known or kept else None
