"""Opening the workspace beside the first picture, and telling whenever anybody has written to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event, Thread
from typing import Final

from textual.message import Message

from core.errors import ManometerError
from core.instants import Instant
from screens.ports.service import Service

POLL_S: Final = 0.5
"""Seconds between two looks whether anybody has written; each costs microseconds and sends nothing."""
SETTLE_S: Final = 1.5
"""Seconds at least between two reloads, however fast others write."""


class WorkspaceOpened(Message):
    """The workspace is open."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.service = service


class OpenFailed(Message):
    """The workspace could not be opened."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class DatabaseChanged(Message):
    """Somebody has written to the database; `at` is the instant of the screens, in ms UTC."""

    def __init__(self, at: Instant) -> None:
        super().__init__()
        self.at = at


class CannotFollow(Message):
    """What others write cannot be seen."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class FollowsAgain(Message):
    """What others write can be seen again; `at` is the instant of the screens, in ms UTC."""

    def __init__(self, at: Instant) -> None:
        super().__init__()
        self.at = at


class Follower:
    """Opens the workspace of a folder in a thread of its own, and follows what is written there until
    stopped.

    `post` is given a message for each thing that happened, from that thread.
    """

    def __init__(
        self, folder: Path, open_service: Callable[[], Service], post: Callable[[Message], object]
    ) -> None:
        self.opened: Future[Service] = Future()
        """The service, once the workspace is open."""
        self._folder = folder
        self._open_service = open_service
        self._post = post
        self._leaving = Event()

    def start(self) -> None:
        """Begin to open the workspace."""
        Thread(target=self._run, name="follow", daemon=True).start()

    def stop(self) -> None:
        """Follow no more; what is open stays open."""
        self._leaving.set()

    def close(self) -> None:
        """Give back what is open; of a service that is still being opened, as soon as it is."""
        self.opened.add_done_callback(lambda opened: opened.result().close())

    def _run(self) -> None:
        try:
            service = self._open_service()
        except ManometerError as error:
            self._post(OpenFailed(str(error)))
            return
        except Exception as error:  # the border of the UI: told in words at the end
            self._post(OpenFailed(f"{self._folder}: unexpected {type(error).__name__}: {error}"))
            return
        self.opened.set_result(service)
        self._post(WorkspaceOpened(service))
        for at in self._changes(service):
            self._post(DatabaseChanged(at))

    def _changes(self, service: Service) -> Iterator[Instant]:
        seen: int | None = None
        told = ""
        while not self._leaving.is_set():
            try:
                version = service.version()
                if told:
                    told, seen = "", version
                    self._post(FollowsAgain(service.now()))
                if seen is not None and version != seen:
                    yield service.now()
                    self._leaving.wait(SETTLE_S - POLL_S)
                seen = version
            except Exception as error:  # a database that cannot be asked just now is asked again
                told = self._tell_once(error, told)
            self._leaving.wait(POLL_S)

    def _tell_once(self, error: Exception, told: str) -> str:
        sentence = why_not_followed(error)
        if sentence != told:
            self._post(CannotFollow(sentence))
        return sentence


def why_not_followed(error: Exception) -> str:
    """What ails the database, as a sentence."""
    if isinstance(error, ManometerError):
        return str(error)
    return f"The database cannot be followed: {type(error).__name__}."
