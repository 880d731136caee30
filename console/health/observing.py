"""One look at the workspace as `status` judges it, for whoever watches it: the scheduler, and commands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from console.health.disk import Room
from console.health.judgement import health_of, room_of
from console.health.watching import watched
from console.safeguards.clock_guard import why_distrusted
from console.safeguards.stop_file import StopFile
from console.workspace.reading import Workspace
from core.health import Health
from core.instants import Instant
from storage import status
from storage.status import Figures
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Observation:
    """What was known of the workspace at an instant."""

    at: Instant
    figures: Figures
    health: Health
    disk: Room | None


def observe(store: Store, workspace: Workspace, folder: Path, at: Instant) -> Observation:
    """How it is doing now; of the books those that were kept last. StoreError where the database cannot be
    read.
    """
    with store.reading() as connection:
        figures = status.figures(connection, at, workspace.playbook.grace, books=False)
        kept = status.kept_books(connection)
        figures = replace(
            figures,
            conservation=None if kept is None else kept[1],
            stopped=figures.stopped or StopFile(folder).mark() is not None,
        )
        seen = tuple(watched(connection, figures, workspace, folder, at, is_now=True))
        clock = why_distrusted(connection, workspace.clock)
    disk = room_of(store.path, workspace)
    return Observation(at, figures, health_of(figures, workspace, at, disk, clock, seen), disk)
