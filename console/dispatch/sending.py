"""Handing ready messages to their channels, one after the other, with the journal kept; those to other
machines from a thread.
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from typing import Final, NamedTuple

from console.dispatch.channel_backoff import LONGEST_MISCONFIGURED, ChannelBackoffs
from console.dispatch.journal import Journal, JournalError
from console.dispatch.outcomes import MessageOutcome, given_back, outcome_of
from console.dispatch.preparing import ReadyMessage
from console.messages.handover import hand_over
from core.instants import Instant, Millis
from core.model.delivery import ChannelAdapter, ConfigError, Result, Retry, Uncertain
from core.playbook.playbook import Channel

SWITCHING: Final = 0.0005
"""Seconds after which the thread gets its turn beside the one that makes messages; the usual 5 ms are longer
than a mail takes.
"""
MOST_LOST: Final = 3
"""So many messages in a row of which nobody knows the end, and the channel is left alone before more are
lost.
"""


class _HandedOver(NamedTuple):
    """The result of a hand-over, and what becomes of its message."""

    result: Result
    outcome: MessageOutcome


class MessageSender:
    """The way out of one pass: adapters, each opened once, and the thread; use it as a context manager.

    `open_adapter` makes the adapter of a channel; `may_leave` is asked right before a message leaves for
    another machine.
    """

    def __init__(
        self,
        open_adapter: Callable[[Channel], ChannelAdapter],
        journal: Journal,
        backoffs: ChannelBackoffs,
        grace: Millis,
        clock: Callable[[], Instant],
        may_leave: Callable[[ReadyMessage], bool],
    ) -> None:
        self._open_adapter = open_adapter
        self._journal = journal
        self._backoffs = backoffs
        self._grace = grace
        self._clock = clock
        self._may_leave = may_leave
        self._adapters: dict[str, ChannelAdapter] = {}
        self._lost: Counter[str] = Counter()  # messages in a row whose end is not known, by channel
        self._shut: set[str] = set()  # channels that a message found unusable; the thread knows it first
        self._under_way: deque[tuple[ReadyMessage, Future[_HandedOver | None]]] = deque()
        self._open = ExitStack()
        self.fault: JournalError | None = None
        """Why nothing may leave any more."""

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
        handed_over = self._send(ready)
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
        """The open adapter of a channel; None where it cannot be opened, and then the channel is left alone
        for a while.
        """
        if channel.name not in self._adapters:
            _ = self._thread  # before any adapter, so that it is closed after them
            try:
                self._adapters[channel.name] = self._open.enter_context(self._open_adapter(channel))
            except (
                Exception
            ) as error:  # the border to a channel: one that cannot be opened must not stop the others
                self._backoffs.begin(
                    channel.name, str(error) or type(error).__name__, self._clock(), LONGEST_MISCONFIGURED
                )
                return None
        return self._adapters[channel.name]

    def flush(self, names: set[str]) -> dict[str, str]:
        """Channels that could not make sure of what they accepted, with the reason."""
        unsafe = {}
        for name in sorted(names):
            try:
                self._adapters[name].flush()
            except Exception as error:  # the border to a channel, as above
                unsafe[name] = str(error) or type(error).__name__
        return unsafe

    @cached_property
    def _thread(self) -> ThreadPoolExecutor:
        """One thread: the messages of a pass go out in their order."""
        self._open.callback(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(SWITCHING)
        return self._open.enter_context(ThreadPoolExecutor(1, "manometer-sender"))

    def _send_in_time(self, ready: ReadyMessage) -> _HandedOver | None:
        """In the thread: None where the message may not leave any more, or the channel was shut by the one
        before.
        """
        if ready.message.channel in self._shut or not self._may_leave(ready):
            return None
        return self._send(ready)

    def _send(self, ready: ReadyMessage) -> _HandedOver | None:
        """None where the journal cannot be written."""
        try:
            self._journal.begun(ready.message)
        except JournalError as error:
            self.fault = error
            return None
        result = hand_over(ready.adapter, ready.outbound)
        outcome = outcome_of(ready.message, ready.outbound, result, self._grace)
        self._journal.ended(outcome)
        self._judge(ready.message.channel, result)
        return _HandedOver(result, outcome)

    def _judge(self, channel: str, result: Result) -> None:
        """Shut the channel at once where the next message would fare no better."""
        self._lost[channel] = self._lost[channel] + 1 if isinstance(result, Uncertain) else 0
        is_unusable = isinstance(result, ConfigError) or (isinstance(result, Retry) and result.whole_channel)
        if is_unusable or self._lost[channel] >= MOST_LOST:
            self._shut.add(channel)

    def _noted(self, ready: ReadyMessage, handed_over: _HandedOver) -> MessageOutcome:
        channel, at = ready.message.channel, ready.outbound.sent_at
        self._backoffs.note_result(channel, handed_over.result, at, is_shut=channel in self._shut)
        return handed_over.outcome
