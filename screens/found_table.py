"""A table whose rows are found by a question that takes a while on a large database."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from textual import on
from textual.message import Message

from core.instants import Instant
from screens.asking import asking_screen
from screens.ports import Cancelled, WorkspacePlace
from screens.ports.customers import Tell
from screens.ports.service import Service
from screens.widgets.table import TableRows, VirtualTable

A = TypeVar("A")
R = TypeVar("R")


class FirstFound(Message):
    """A question has its first rows, and goes on; `now` is as of when they are, in ms UTC."""

    def __init__(self, search: int, place: WorkspacePlace, now: Instant, ids: array[int]) -> None:
        super().__init__()
        self.search = search
        self.place = place
        self.now = now
        self.ids = ids


class FoundTable(VirtualTable[R], Generic[R]):
    """Shows the first rows while the rest is still sought.

    Of a list longer than `longest` only the visible rows are read again whenever somebody writes, until it is
    found anew.
    """

    def __init__(
        self,
        rows: TableRows[R],
        *,
        longest: int,
        show_first: Callable[[array[int]], None],
        empty: str = "Nothing here.",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(rows, empty=empty, id=id, classes=classes)
        self.now: Instant = 0
        """As of when the rows are shown."""
        self._longest = longest
        self._show_first = show_first
        self._place: WorkspacePlace | None = None
        self._search = 0
        self._is_fresh = True
        self._takes_first = True

    @property
    def is_long(self) -> bool:
        """Whether only the visible rows are read again."""
        return len(self.ids) > self._longest

    @property
    def place(self) -> WorkspacePlace:
        """Where the rows were found; there are none before."""
        assert self._place is not None  # set with the first rows
        return self._place

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the rows' instants."""
        return self.place.zone

    def begin_anew(self, *, takes_first: bool = True) -> None:
        """What is found next is another list; without `takes_first` it is shown when all of it is there."""
        self._is_fresh, self._takes_first = True, takes_first

    def find(
        self,
        question: Callable[[Service, Cancelled, Tell], A],
        take: Callable[[A], None],
        *,
        group: str,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Ask in a worker; `take` is given the answer, and shows the rows of it by `show_found`."""
        self._search += 1
        search = self._search

        def ask(service: Service, cancelled: Cancelled) -> tuple[WorkspacePlace, Instant, A]:
            place, now = service.place, service.now()

            def found(ids: array[int]) -> None:
                self.post_message(FirstFound(search, place, now, ids))

            return place, now, question(service, cancelled, found)

        def took(answer: tuple[WorkspacePlace, Instant, A]) -> None:
            self._place, self.now, found = answer
            take(found)

        asking_screen(self).ask(ask, took, group=group, failed=failed)

    def show_found(self, ids: array[int]) -> None:
        """Show these, from the first row where the list is another one."""
        self.show(ids, fresh=self._is_fresh)
        self._is_fresh = self._takes_first = False

    def read_again(self) -> None:
        """Read the visible rows again, as of now."""

        def show(answer: tuple[WorkspacePlace, Instant]) -> None:
            self._place, self.now = answer
            self.show(self.ids)

        asking_screen(self).ask(lambda service, _: (service.place, service.now()), show, group="again")

    @on(FirstFound)
    def _take_first(self, message: FirstFound) -> None:
        message.stop()
        if message.search == self._search and self._takes_first:
            self._place, self.now = message.place, message.now
            self._show_first(message.ids)
