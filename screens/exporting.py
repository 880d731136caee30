"""Taking away what a screen lists: one file at a time is written in a worker, and how far it is is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol, runtime_checkable

from textual import on
from textual.message import Message

from screens.asking import Question
from screens.cells import exports
from screens.filtering import FilteredScreen
from screens.ports import Cancelled
from screens.ports.service import Service
from screens.widgets.line_widget import Lines

LONG: Final = 5_000
"""From so many rows on it is said that a file is being written, and after each so many how far it is."""


@runtime_checkable
class Exportable(Protocol):
    """A list that can be written into a file."""

    ids: Sequence[int]
    taken: Sequence[int]
    """What of it is written: the marked rows, else all."""
    fields: exports.Fields
    """What of a row is written; a list without any is not."""

    def values(self, service: Service, cancelled: Cancelled) -> Iterator[list[object]]:
        """The fields of what is written; asked in a worker."""
        ...


class Writing(Message):
    """So many rows of a file are written."""

    def __init__(self, done: int, number: int) -> None:
        super().__init__()
        self.done = done
        self.number = number


class ExportingScreen(FilteredScreen):
    """A screen whose list can be written into a file, with its filter."""

    def __init__(self) -> None:
        super().__init__()
        self.is_writing = False
        """A file is being written."""
        self.writing = ""
        """How far the file is, in words."""

    def exported(self) -> Exportable | None:
        """The list that `e` writes: the focused one, else the first."""
        lists = [widget for widget in self.query(Lines) if isinstance(widget, Exportable) and widget.fields]
        return next((each for each in lists if each is self.focused), lists[0] if lists else None)

    def action_export(self) -> None:
        """Write the list with its filter into a file."""
        listed = self.exported()
        if listed is None:
            self.toast("There is no list here to export.", bad=True)
        elif not listed.ids:
            self.toast("Nothing is listed that could be exported.", bad=True)
        else:
            self._export(listed)

    def _export(self, listed: Exportable) -> None:
        name, number = "-".join((self.mode, *self.crumbs())), len(listed.taken)
        noun = "marked row" if number < len(listed.ids) else "row"

        def write(service: Service, cancelled: Cancelled) -> tuple[str, int]:
            heads = exports.heads(listed.fields, service.place.currency)
            return service.exports.table(name, heads, self._told(listed.values(service, cancelled), number))

        self.take_away(write, noun, number)

    def _told(self, rows: Iterator[list[object]], number: int) -> Iterator[list[object]]:
        """The rows, and now and then how far they are; asked in a worker."""
        for done, row in enumerate(rows):
            if done and done % LONG == 0:
                self.post_message(Writing(done, number))
            yield row

    @on(Writing)
    def _show_writing(self, message: Writing) -> None:
        message.stop()
        if self.is_writing:
            self._say_writing(f"writing {message.done:,} of {message.number:,} rows")

    def _say_writing(self, words: str) -> None:
        self.writing = words
        self.head.settle()

    def take_away(
        self, write: Question[tuple[str, int]], noun: str, number: int | None = None, said: str = ""
    ) -> None:
        """Have a file written, and say which and how much of what is in it, or what is `said`; of a long one
        also that it begins.

        A file of which something is `said` has all there is, whatever the filter.
        """
        if self.is_writing:
            self.toast("A file is being written already. Esc stops it.", bad=True)
            return
        self.is_writing = True
        of = " of the filter" if self.is_filtered and not said else ""
        if number is None or number > LONG:
            self.toast(f"Writing {f'{number:,} ' if number else ''}{noun}s{of}. Esc stops it.")

        def written(answer: tuple[str, int]) -> None:
            self._end_writing()
            self.toast(
                said or f"{answer[1]:,} {noun}{'' if answer[1] == 1 else 's'}{of} written to {answer[0]}"
            )

        self.ask(write, written, group="export", failed=self._end_writing)

    def _end_writing(self, _: str = "") -> None:
        self.is_writing = False
        self._say_writing("")

    def stop_writing(self) -> None:
        """Give up the file that is being written."""
        self.workers.cancel_group(self, "export")
        self._end_writing()
        self.toast("Stopped: no file was written.")
