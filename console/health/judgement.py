"""The judgement of a workspace's health from its database's figures and the room on its disk."""

from __future__ import annotations

from pathlib import Path

from console.health.disk import Room, room
from console.workspace.reading import Workspace
from core.health import Health, judge, silence
from core.instants import Instant
from storage.status import Figures


def health_of(figures: Figures, workspace: Workspace, at: Instant, disk: Room | None) -> Health:
    """How it is doing at an instant; the disk is left out where it cannot be asked."""
    shortage = disk.in_words() if disk is not None and disk.is_short else None
    return judge(figures.numbers(at, silence(workspace.tick), shortage))


def room_of(database: Path, workspace: Workspace) -> Room | None:
    """The room beside the database; None where it cannot be asked."""
    try:
        return room(database.parent, workspace.keep_free)
    except OSError:
        return None
