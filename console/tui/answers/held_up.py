"""The condition on a message that a pause or the emergency stop keeps from going out, as of now."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection

from console.tui.answers.local_workspace import LocalWorkspace
from storage import pauses, segments


def held_up(local: LocalWorkspace, connection: Connection) -> ColumnElement[bool]:
    """The condition, for statements on this connection."""
    segments.prepare(connection)
    return pauses.is_held_up(local.in_force().playbook, local.now())
