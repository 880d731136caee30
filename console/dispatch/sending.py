"""Handing ready messages to their channel, one after the other, with the journal kept; those to other
machines from a thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from queue import SimpleQueue
from threading import Thread
from typing import Final, NamedTuple

from console.dispatch.channel_backoff import LONGEST_MISCONFIGURED, ChannelBackoffs
from console.dispatch.channel_brake import ChannelBrake
from console.dispatch.channel_failures import is_unforeseen
from console.dispatch.journal import Journal, JournalError
from console.dispatch.outcomes import MessageOutcome, given_back, outcome_of
from console.dispatch.preparing import ReadyMessage
from console.messages.handover import hand_over
from core.instants import Instant, Millis
from core.model.delivery import Accepted, ChannelAdapter, ConfigError, Interruptible, Result, Retry, Uncertain
from core.playbook.playbook import Channel

MOST_LOST: Final = 3
"""So many messages in a row of which nobody knows the end, and the channel is left alone before more are
lost.
"""


class _HandedOver(NamedTuple):
    """The result of a hand-over, and what becomes of its message."""

    result: Result
    outcome: MessageOutcome


class _Thread:
    """One thread that does one thing after the other; it keeps no process from ending."""

    def __init__(self, name: str) -> None:
        self._asked: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(
        self, send: Callable[[ReadyMessage], _HandedOver | None], ready: ReadyMessage
    ) -> Future[_HandedOver | None]:
        """What `send` will say of the message."""
        future: Future[_HandedOver | None] = Future()

        def work() -> None:
            try:
                future.set_result(send(ready))
            except BaseException as error:  # raised where the result is taken
                future.set_exception(error)

        self._asked.put(work)
        return future

    def _work(self) -> None:
        while (work := self._asked.get()) is not None:
            work()

    def end(self) -> None:
        """Wait for what was asked for."""
        self._asked.put(None)
        self._thread.join()


class MessageSender:
    """The way out of one channel for a pass: its adapter, opened once, and the thread; use it as a context
    manager.

    `open_adapter` makes the adapter; `may_leave` is asked right before a message leaves for another machine.
    """

    def __init__(
        self,
        open_adapter: Callable[[Channel], ChannelAdapter],
        journal: Journal,
        backoffs: ChannelBackoffs,
        brake: ChannelBrake,
        grace: Millis,
        clock: Callable[[], Instant],
        may_leave: Callable[[ReadyMessage], bool],
    ) -> None:
        self._open_adapter = open_adapter
        self._journal = journal
        self._backoffs = backoffs
        self._brake = brake
        self._grace = grace
        self._clock = clock
        self._may_leave = may_leave
        self._adapter: ChannelAdapter | None = None
        self._lost = 0  # messages in a row whose end is not known
        self._is_shut = False  # a message found the channel unusable; the thread knows it first
        self._under_way: deque[tuple[ReadyMessage, Future[_HandedOver | None]]] = deque()
        self._open = ExitStack()
        self.fault: JournalError | None = None
        """Why nothing may leave any more."""
        self.raised: Exception | None = None
        """What the adapter raised last that nobody foresaw; None once it took a message."""
        self.has_taken = False
        """Whether it took any message."""

    def __enter__(self) -> MessageSender:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def under_way(self) -> int:
        """Messages that the thread has and whose results were not taken."""
        return len(self._under_way)

    def send(self, ready: ReadyMessage) -> MessageOutcome | None:
        """What becomes of the message, where its channel is on this machine; None where it is on its way
        now.
        """
        if ready.adapter.is_remote:
            self._under_way.append((ready, self._thread.submit(self._send_in_time, ready)))
            return None
        handed_over = None if self._is_shut else self._send(ready)
        return given_back(ready.message) if handed_over is None else self._noted(ready, handed_over)

    def wait(self, keep: int) -> None:
        """Sleep until at most so many are under way, so that the thread is not disturbed after each."""
        if self.under_way > keep:
            self._under_way[self.under_way - keep - 1][1].exception()

    def arrive(self) -> MessageOutcome | ReadyMessage:
        """What becomes of the message that has been under way for longest; the message itself where it could
        not leave in time.
        """
        ready, future = self._under_way[0]
        handed_over = future.result()
        self._under_way.popleft()
        return ready if handed_over is None else self._noted(ready, handed_over)

    def adapter(self, channel: Channel) -> ChannelAdapter | None:
        """The open adapter of the channel; None where it cannot be opened, and then the channel is left alone
        for a while.
        """
        if self._adapter is None:
            _ = self._thread  # before the adapter, so that it is closed after it
            try:
                self._adapter = self._open.enter_context(self._open_adapter(channel))
            except (
                Exception
            ) as error:  # the border to a channel: one that cannot be opened must not stop the others
                self._heard_raise(error)
                self._backoffs.begin(
                    channel.name, str(error) or type(error).__name__, self._clock(), LONGEST_MISCONFIGURED
                )
                return None
        return self._adapter

    def flush(self) -> str | None:
        """Why the channel could not make sure of what it accepted; None where it could."""
        try:
            if self._adapter is not None:
                self._adapter.flush()
        except Exception as error:  # the border to a channel, as above
            return str(error) or type(error).__name__
        return None

    def interrupt(self) -> None:
        """From another thread: end the conversation under way, where the channel can."""
        adapter: object = self._adapter
        if isinstance(adapter, Interruptible):
            adapter.interrupt()

    @cached_property
    def _thread(self) -> _Thread:
        """One thread: the messages of a channel go out in their order."""
        thread = _Thread("manometer-sender")
        self._open.callback(thread.end)
        return thread

    def _send_in_time(self, ready: ReadyMessage) -> _HandedOver | None:
        """In the thread: None where the message may not leave any more, or the channel was shut by the one
        before.
        """
        if self._is_shut or not self._may_leave(ready):
            return None
        return self._send(ready)

    def _send(self, ready: ReadyMessage) -> _HandedOver | None:
        """None where the journal cannot be written."""
        try:
            self._journal.begun(ready.message, ready.text)
        except JournalError as error:
            self.fault = error
            return None
        said = hand_over(ready.adapter, ready.outbound, self._heard_raise)
        if isinstance(said, Accepted):
            self.raised, self.has_taken = None, True
        result, doubt = self._brake.heard(ready.message, said, ready.outbound.sent_at)
        outcome = replace(
            outcome_of(ready.message, ready.outbound, result, self._grace, doubt), text=ready.text
        )
        self._journal.ended(outcome)
        self._judge(result)
        return _HandedOver(result, outcome)

    def _heard_raise(self, error: Exception) -> None:
        if is_unforeseen(error):
            self.raised = error

    def _judge(self, result: Result) -> None:
        """Shut the channel at once where the next message would fare no better."""
        self._lost = self._lost + 1 if isinstance(result, Uncertain) else 0
        is_unusable = (isinstance(result, ConfigError) and not result.of_message) or (
            isinstance(result, Retry) and result.whole_channel
        )
        if is_unusable or self._lost >= MOST_LOST or self._brake.reason is not None:
            self._is_shut = True

    def _noted(self, ready: ReadyMessage, handed_over: _HandedOver) -> MessageOutcome:
        channel, at = ready.message.channel, ready.outbound.sent_at
        self._backoffs.note_result(channel, handed_over.result, at, is_shut=self._is_shut)
        if self._brake.reason is not None:
            self._backoffs.brake(channel, self._brake.reason, at, self._brake.asked)
        return handed_over.outcome
