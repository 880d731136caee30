"""The judgement of a workspace's health from its database's figures and the room on its disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from console.health.disk import Room, room
from console.workspace.reading import Workspace
from core.health import Health, HealthFinding, judge, silence
from core.instants import Instant, format_instant
from storage.status import Figures


def health_of(
    figures: Figures,
    workspace: Workspace,
    at: Instant,
    disk: Room | None,
    clock: str | None = None,
    seen: Iterable[HealthFinding] = (),
) -> Health:
    """How it is doing at an instant; the disk is left out where it cannot be asked. `clock` says why the
    clock is not to be trusted, where it is not, and `seen` what `watching` found.
    """
    shortage = disk.in_words() if disk is not None and disk.is_short else None
    numbers = figures.numbers(at, silence(workspace.tick), shortage)
    return judge(replace(numbers, clock=clock, seen=tuple(seen)))


def room_of(database: Path, workspace: Workspace) -> Room | None:
    """The room beside the database; None where it cannot be asked."""
    try:
        return room(database.parent, workspace.keep_free)
    except OSError:
        return None


def finding_row(found: HealthFinding) -> dict[str, str | None]:
    """A finding as JSON has it."""
    since = None if found.since is None else format_instant(found.since)
    return {"sort": found.sort, "what": found.words, "why": found.why or None, "since": since}
