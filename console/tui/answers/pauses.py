"""A stored pause as the screens show it."""

from __future__ import annotations

from screens.ports.pauses import PauseView
from storage.pauses import StoredPause


def pause_view(row: StoredPause) -> PauseView:
    """The pause with who set it and why."""
    return PauseView(row.pause.since, row.pause.until, row.author, row.reason, row.pause.transactional)
