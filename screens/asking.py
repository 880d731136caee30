"""Questions asked off the thread that draws.

A screen asks with `ask`: the question runs in a worker with the service, the answer comes back as a message
and is shown only if nobody has asked anew meanwhile. A worker never touches a widget.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import TimeoutError as NotYetError
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar, cast

from textual import on
from textual.message import Message
from textual.message_pump import MessagePump
from textual.widget import Widget
from textual.worker import Worker, get_current_worker

from core.errors import ManometerError
from screens.cells.safe_text import safe_lines
from screens.host import Host
from screens.ports import Cancelled, CancelledError
from screens.ports.service import Service

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen

T = TypeVar("T")
Question = Callable[[Service, Cancelled], T]
"""What is asked of the service, in a worker."""

PATIENCE: Final = 0.05
"""Seconds between two looks whether the service is open, while it is not."""


class Asker(Protocol):
    """A screen that can ask the service."""

    def ask(
        self,
        question: Question[T],
        show: Callable[[T], None],
        *,
        group: str = "data",
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Ask off the UI thread and show the answer."""
        ...


def asking_screen(widget: Widget) -> Asker:
    """The screen that a widget stands on, to ask the service."""
    return cast("Asker", widget.screen)


class Answered(Message, Generic[T]):
    """An answer has come back."""

    def __init__(self, worker: Worker[None], show: Callable[[T], None], answer: T) -> None:
        super().__init__()
        self.worker = worker
        self.show = show
        self.answer = answer


class Failed(Message):
    """A question could not be answered."""

    def __init__(self, worker: Worker[None], failed: Callable[[str], None] | None, sentence: str) -> None:
        super().__init__()
        self.worker = worker
        self.failed = failed
        self.sentence = sentence


class Asking(MessagePump):
    """The part of a screen that asks; also for dialogs, which have no frame."""

    def ask(
        self,
        question: Question[T],
        show: Callable[[T], None],
        *,
        group: str = "data",
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Ask in a worker and show the answer; a new question of the same group replaces one still under way.

        `failed` is told the sentence of an error, which is shown in any case.
        """
        screen = cast("Screen[object]", self)

        def work() -> None:
            worker: Worker[None] = get_current_worker()
            told = _outcome(screen.app, worker, question, show, failed)
            if told is not None:
                screen.post_message(told)

        screen.run_worker(work, group=group, exclusive=True, thread=True, exit_on_error=False)

    def act(
        self,
        deed: Callable[[Service], str],
        done: Callable[[str], None],
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Carry out what an operator has confirmed; unlike a question it is never given up, whatever is shown
        by then.

        `done` is told the sentence of what happened if this screen is still there, else the sentence is shown
        on the one that is. `failed` is called, if this screen is still there, where it could not be carried
        out, which is told in any case.
        """
        screen = cast("Screen[object]", self)
        app = screen.app

        def tell(sentence: str) -> None:
            if screen.is_running:
                done(sentence)
            else:
                app.notify(safe_lines(sentence), markup=False)

        def tell_failed() -> None:
            if failed is not None and screen.is_running:
                failed()

        cast("Host", app).act(deed, tell, tell_failed)

    @on(Answered)
    def _show_answer(self, message: Answered[object]) -> None:
        message.stop()
        if not message.worker.is_cancelled:
            message.show(message.answer)

    @on(Failed)
    def _show_failure(self, message: Failed) -> None:
        message.stop()
        if message.worker.is_cancelled:
            return
        if message.failed is not None:
            message.failed(message.sentence)
        cast("Screen[object]", self).notify(
            safe_lines(message.sentence), severity="error", markup=False, timeout=10
        )


def _outcome(
    app: App[object],
    worker: Worker[None],
    question: Question[T],
    show: Callable[[T], None],
    failed: Callable[[str], None] | None,
) -> Message | None:
    """Ask, in the worker: the answer or the failure to tell of, None where nobody waits for it any more."""

    def is_cancelled() -> bool:
        return worker.is_cancelled

    try:
        return Answered(worker, show, question(_opened_service(app, is_cancelled), is_cancelled))
    except CancelledError:
        return None
    except ManometerError as error:
        return Failed(worker, failed, str(error))
    except Exception as error:  # the border of the UI: what a question raises must not end the console
        if worker.is_cancelled:
            return None
        return Failed(worker, failed, f"Unexpected {type(error).__name__}: {error}")


def _opened_service(app: App[object], cancelled: Cancelled) -> Service:
    """The service, once it is open; CancelledError where nobody waits for the answer any more."""
    opened = cast("Host", app).opened
    while True:
        try:
            return opened.result(PATIENCE)
        except NotYetError:
            if cancelled():
                raise CancelledError from None
