"""Carrying out what an operator has confirmed, off the thread that draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from textual.message import Message

from core.errors import ManometerError
from screens.ports.service import Service


class Acted(Message):
    """What an operator has confirmed was carried out, or could not be: the sentence of either."""

    def __init__(
        self,
        sentence: str,
        done: Callable[[str], None] | None,
        commands: Sequence[str] = (),
        failed: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.sentence = sentence
        self.commands = commands
        """What does the same on the command line."""
        self.done = done
        """Who is told; None where it could not be carried out."""
        self.failed = failed
        """Who is told then, besides the operator."""


class DeedQueue:
    """Carries out one deed after the other; none is ever given up, and the end of each is posted."""

    def __init__(self, opened: Future[Service], post: Callable[[Message], object]) -> None:
        self._opened = opened
        self._post = post
        self._thread = ThreadPoolExecutor(1, "acts")
        self._under_way = 0

    @property
    def is_busy(self) -> bool:
        """Whether a deed is under way whose end was not told yet."""
        return self._under_way > 0

    def add(
        self,
        deed: Callable[[Service], str],
        done: Callable[[str], None],
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Carry this out after those before it; `done` or `failed` goes into the message of its end."""
        self._under_way += 1
        self._thread.submit(self._carry_out, deed, done, failed)

    def told(self) -> None:
        """The end of one deed was told."""
        self._under_way -= 1

    def finish(self) -> None:
        """Wait until everything that was confirmed is carried out."""
        self._thread.shutdown()

    def _carry_out(
        self,
        deed: Callable[[Service], str],
        done: Callable[[str], None],
        failed: Callable[[], None] | None,
    ) -> None:
        service = self._opened.result()
        try:
            sentence = deed(service)
        except ManometerError as error:
            self._post(Acted(str(error), None, failed=failed))
        except Exception as error:  # the border of the UI: told in words
            self._post(Acted(f"Unexpected {type(error).__name__}: {error}", None, failed=failed))
        else:
            self._post(Acted(sentence, done, service.take_commands()))
