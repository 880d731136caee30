"""Following what others write, also through a database that goes away and comes back."""

from __future__ import annotations

from pathlib import Path
from queue import Queue
from typing import cast

import pytest
from textual.message import Message

from console.tui import following
from console.tui.answers.local_service import LocalService
from console.tui.following import CannotFollow, DatabaseChanged, Follower, FollowsAgain, WorkspaceOpened
from screens.ports.service import Service
from tests.console.lives import act, person, played, run


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return played(tmp_path, [person("anna"), act("anna", "Checkout Started", "2025-03-03T10:00:00Z")])


def test_a_database_that_goes_is_told_once_and_its_return_as_well(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "POLL_S", 0.01)
    monkeypatch.setattr(following, "SETTLE_S", 0.01)
    told: Queue[Message] = Queue()
    follower = Follower(shop, lambda: cast("Service", LocalService(shop)), told.put)
    follower.start()
    try:
        assert isinstance(told.get(timeout=60), WorkspaceOpened)
        database, away = shop / "manometer.db", shop / "away.db"
        database.rename(away)
        gone = told.get(timeout=60)
        assert isinstance(gone, CannotFollow)
        assert "was removed while it was open. Nothing is read from it; put it back" in gone.sentence
        away.rename(database)
        assert isinstance(told.get(timeout=60), FollowsAgain)
        assert run("-w", shop, "triggers", "pause", "basket", "--yes") == 0
        assert isinstance(told.get(timeout=60), DatabaseChanged)
    finally:
        follower.stop()
        follower.close()
