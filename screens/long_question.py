"""A question that takes seconds: how far it is is said, and Esc gives it up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from textual import on
from textual.message import Message

from screens.cells.line import Cell, Line
from screens.frame import Frame
from screens.ports import Cancelled, Progress
from screens.ports.service import Service
from screens.widgets.line_widget import Note

T = TypeVar("T")
GROUP: Final = "long question"


class Progressed(Message):
    """The work has come so far."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__()
        self.done = done
        self.total = total


class LongQuestionFrame(Frame):
    """A frame whose `#facts` say how far its question is, until the answer stands there."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asking = False
        """The question is under way."""

    def progress_lines(self, done: int, total: int) -> Sequence[Line]:
        """How far the question is; `total` is 0 while it is not known."""
        return ()

    def failed(self) -> None:
        """The question could not be answered; called before that is said."""

    def ask_long(
        self, question: Callable[[Service, Cancelled, Progress], T], show: Callable[[T], None]
    ) -> None:
        """Ask in a worker, say how far it is, and show the answer."""
        self.is_asking = True
        self._say_progress(0, 0)

        def answered(answer: T) -> None:
            self.is_asking = False
            show(answer)

        self.ask(
            lambda service, cancelled: question(service, cancelled, self._progress),
            answered,
            group=GROUP,
            failed=self._fail,
        )

    def give_up(self) -> None:
        """Stop the question; what was answered before stays."""
        self.workers.cancel_group(self, GROUP)
        self.is_asking = False

    def show_facts(self, lines: Sequence[Line]) -> None:
        """What stands above everything else."""
        self.query_one("#facts", Note).show(lines)

    def _progress(self, done: int, total: int) -> None:
        """Called in the worker."""
        self.post_message(Progressed(done, total))

    @on(Progressed)
    def _show_progress(self, message: Progressed) -> None:
        message.stop()
        if self.is_asking:
            self._say_progress(message.done, message.total)

    def _say_progress(self, done: int, total: int) -> None:
        if self.is_mounted:
            self.show_facts(self.progress_lines(done, total))

    def _fail(self, sentence: str) -> None:
        self.is_asking = False
        self.failed()
        self.show_facts([[Cell(f" {sentence}", "bad")]])
