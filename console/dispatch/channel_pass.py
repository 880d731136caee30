"""One channel's part of a pass: its messages are claimed in small portions, handed over outside any
transaction, and marked together afterwards. What is known between a hand-over and its mark stands in the
journal.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from threading import Event
from typing import Final

from sqlalchemy import Connection

from console import clock as clocks
from console.dispatch.channel_backoff import ChannelBackoffs
from console.dispatch.channel_brake import ChannelBrake
from console.dispatch.channel_failures import ChannelFailures
from console.dispatch.journal import Journal
from console.dispatch.outcomes import MessageOutcome, given_back, outcome_unflushed
from console.dispatch.ports import DispatchPorts
from console.dispatch.preparing import LEAVING, HeldBack, MessagePreparer, Portion, ReadyMessage, held_back
from console.dispatch.sending import MessageSender
from console.quarantine.work_notes import alone
from console.workspace.reading import Workspace
from core.instants import MINUTE, SECOND, Instant, Millis
from core.model.pauses import Pause
from core.playbook.playbook import Playbook
from storage import brakes, pauses, segments
from storage.outbox import dispatch as outbox
from storage.outbox import texts
from storage.outbox.dispatch import Allowed, Claimed, OutcomeMark
from storage.segments import ConditionTimeError
from storage.status import LAST_DISPATCH_AT
from storage.store import Store, set_meta

_LOGGER: Final = logging.getLogger("manometer.dispatch")
PORTION: Final = 100
LEAST_PORTION: Final = 8
PROBES: Final = 3
"""Messages that a braked channel gets, to see whether it takes any again."""
LEASE: Final[Millis] = 15 * MINUTE
PATIENCE: Final[Millis] = 10 * SECOND
"""After so long a portion is broken off: what was not handed over takes its turn with what came meanwhile."""
LONGEST: Final = 30.0
"""Seconds after which a channel's part ends, so that the next works with what is in force then."""
SUSPECTS_WAIT: Final = 5.0
"""Seconds after which what was being worked on at a kill has its turn, though others wait still."""
AHEAD: Final = 8
"""Messages that are made while one is under way to another machine."""


@dataclass(slots=True)
class Dispatched:
    """What one pass did, in messages; `halted` names the channels that were left alone, with the reason.

    What an earlier pass had handed over and could not mark any more counts in the pass that marks it.
    """

    sent: int = 0
    cancelled: int = 0
    failed: int = 0
    expired: int = 0
    held: int = 0
    retried: int = 0
    uncertain: int = 0
    halted: dict[str, str] = field(default_factory=dict)

    def count(self, marks: Sequence[OutcomeMark]) -> None:
        """Add marks that were written."""
        for mark in marks:
            self.sent += mark.state == "sent"
            self.cancelled += mark.state == "cancelled"
            self.failed += mark.state == "failed"
            self.expired += mark.state == "expired"
            self.uncertain += mark.state == "uncertain"
            self.retried += mark.state == "due" and mark.attempted

    def add(self, other: Dispatched) -> None:
        """Both together; where both speak of a channel, the other is the later."""
        for name in ("sent", "cancelled", "failed", "expired", "held", "retried", "uncertain"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.halted |= other.halted


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Who hands over: of which store, under which name, with which clock and ports."""

    store: Store
    owner: str
    """The name of its claims and its journal."""
    clock: Callable[[], Instant]
    stopping: Callable[[], bool]
    """Asked before each message; once it says yes, what is claimed and was not handed over is given back."""
    ports: DispatchPorts


class ChannelPass:
    """One run over the messages of a channel; its parts are called in the order in which they stand."""

    def __init__(
        self, dispatcher: Dispatcher, workspace: Workspace, channel: str, journal: Journal, ending: Event
    ) -> None:
        self.store = dispatcher.store
        self.playbook: Playbook = workspace.playbook
        self.clock = dispatcher.clock
        self.owner = dispatcher.owner
        self.channel = self.playbook.channels[channel]
        self.is_idempotent = dispatcher.ports.adapter_class(self.channel.kind).idempotent_by_key
        self.journal = journal
        self.done = Dispatched()
        self._is_slow = False
        self.results: list[MessageOutcome] = []
        self.doubtful: list[MessageOutcome] = []  # refusals that are believed once another message is taken
        self._stopping = dispatcher.stopping
        self._ending = ending
        self._size = PORTION
        self._returned = 0
        self._until = clocks.steady() + LONGEST
        with self.store.reading() as connection:
            self.backoffs = ChannelBackoffs(connection, self.playbook, self.clock(), (channel,))
            record = brakes.record_of(connection, channel)
        self.brake = ChannelBrake(self.channel.brake, record, is_probing=self.backoffs.is_braked(channel))
        self._kept = record
        self.sender = MessageSender(
            lambda each: dispatcher.ports.open_adapter(each, workspace.folder),
            journal,
            self.backoffs,
            self.brake,
            self.playbook.grace,
            self.clock,
            self._may_leave,
        )
        self.preparer = MessagePreparer(
            self.store, workspace, self.backoffs, self.sender.adapter, self.clock, channel
        )
        self.failures = ChannelFailures(self.store)
        self._suspects_wait = clocks.steady() + SUSPECTS_WAIT
        self.done.halted = self.backoffs.halted

    @property
    def is_unfinished(self) -> bool:
        """Whether it ended for its time alone, so that another should follow."""
        return clocks.steady() >= self._until and not self.backoffs.halted

    def run(self) -> Dispatched:
        """Until nothing more may go, or its time is over. JournalError, and nothing more is sent, where what
        goes out cannot be noted.
        """
        with self.sender, self.preparer:
            try:
                while not self._should_end():
                    claimed = self._claim()
                    self._hand_over(Portion(claimed, self.clock()))
                    self._end_probing()
                    if claimed and clocks.steady() >= self._suspects_wait:
                        self.preparer.end_putting_off()
                    if not claimed and not self._has_more() and not self.preparer.end_putting_off():
                        break
            finally:  # what went out must be marked, whatever happened to the rest
                self._arrive()
                self._settle(is_over=True)
        self._judge()
        if self.sender.fault is not None:
            raise self.sender.fault
        return self.done

    def _judge(self) -> None:
        """Count it where the channel is left alone for what it raised itself, and not for what it said."""
        name, raised = self.channel.name, self.sender.raised
        if self.sender.has_taken:
            self.failures.went_well(name)
        elif raised is not None and name in self.backoffs.halted:
            aside = self.failures.note(name, raised, self.clock())
            if aside is not None:
                self.done.halted[name] = aside

    def _has_more(self) -> bool:
        """Whether any of the messages that were claimed have gone back to take another turn."""
        self._arrive()
        returned, self._returned = self._returned, 0
        if returned:
            self._settle()
        return returned > 0 and self.channel.name not in self.backoffs.halted

    def interrupt(self) -> None:
        """From another thread: end the conversation under way as a broken line would."""
        self.sender.interrupt()

    def stopping(self) -> bool:
        """Whether nothing more may leave."""
        return self._ending.is_set() or self._stopping()

    def _should_end(self) -> bool:
        return self.sender.fault is not None or self.stopping() or clocks.steady() >= self._until

    # -- a portion --

    def _claim(self) -> list[Claimed]:
        """The next messages that may go; where the condition of a paused segment takes too long over all of
        them, it is asked of each by its last look alone.
        """
        try:
            return self._claim_all()
        except ConditionTimeError as error:
            self._is_slow = True
            _LOGGER.warning("manometer: %s", error)
            return self._claim_all()

    def _claim_all(self) -> list[Claimed]:
        at, name = self.clock(), self.channel.name
        if name in self.backoffs.halted:
            return []
        with self.store.writing() as connection:
            held = held_back(connection, self.playbook, at)
            room = self._room(connection, at)
            if room == 0 or held.purposes == frozenset():
                return []
            segments.prepare(connection)
            others = [pauses.holds_message(pause, self.playbook, at) for pause in self._asked_of(held)]
            others += self.preparer.held(connection)
            if self.brake.is_probing and name in self.backoffs.early:
                others.append(outbox.TRIED)
            allowed = Allowed(name, room, held.triggers | self.preparer.waiting, held.purposes, others)
            number = PROBES if self.brake.is_probing else self._size
            names = [pause.name for pause in self._asked_of(held) if pause.scope == "segment"]
            what, seconds = segments.segment_named(*names), segments.SECONDS_IN_A_PASS
            with segments.limited(connection, what, seconds) if names else nullcontext():
                claimed = outbox.claim(
                    connection, at, self.owner, LEASE, number, allowed, spread=self.brake.is_probing
                )
            self.journal.claimed(claimed)
        return claimed

    def _asked_of(self, held: HeldBack) -> Sequence[Pause]:
        """The narrower pauses that are asked of all messages at once."""
        return [pause for pause in held.narrower if not (self._is_slow and pause.scope == "segment")]

    def _room(self, connection: Connection, at: Instant) -> int | None:
        capacity = self.channel.capacity
        if capacity is None:
            return None
        return outbox.room(connection, self.channel.name, capacity, at, self.playbook.zone)

    def _hand_over(self, portion: Portion) -> None:
        """Hand a portion over one by one; what goes to another machine is on its way while the next are
        looked at and made.
        """
        if not portion.messages:
            return
        handed = 0
        for message in portion.messages:
            handed += self._send(message, portion)
            if self.sender.under_way >= AHEAD:
                self._arrive(keep=AHEAD // 2)
        self._size = min(PORTION, max(LEAST_PORTION, 2 * handed))
        if len(self.results) >= PORTION // 2 or handed < len(portion.messages):
            self._settle()

    def _send(self, message: Claimed, portion: Portion) -> bool:
        """Hand one message over, or end it; False where it goes back to wait since the portion is over."""
        at = self.clock()
        if not self._may_go_on(portion, at):
            self._take(given_back(message))
            self._returned += 1
            return False
        if self.preparer.is_suspect(message):
            self._send_alone(message, portion, at)
        else:
            self._make_and_send(message, portion, at)
        return True

    def _send_alone(self, message: Claimed, portion: Portion, at: Instant) -> None:
        """While nothing else is under way: what ends the process now is this message."""
        self._arrive()
        with alone():
            self._make_and_send(message, portion, at)
            self._arrive()
        self.preparer.clear(message)

    def _make_and_send(self, message: Claimed, portion: Portion, at: Instant) -> None:
        made = self.preparer.prepare(message, portion, at)
        ended = made if isinstance(made, MessageOutcome) else self.sender.send(made)
        if ended is not None:
            self._take(ended)

    def _may_go_on(self, portion: Portion, at: Instant) -> bool:
        is_halted = self.channel.name in self.backoffs.halted
        return not is_halted and at - portion.begun <= PATIENCE and not self._should_end()

    def _may_leave(self, ready: ReadyMessage) -> bool:
        """In the sender's thread: whether the last look is fresh enough still."""
        return not self.stopping() and self.clock() - ready.outbound.sent_at < LEAVING

    def _arrive(self, keep: int = 0) -> None:
        """Take results until only so many are under way; what could not leave in time is looked at anew."""
        self.sender.wait(keep)
        while self.sender.under_way > keep:
            arrived = self.sender.arrive()
            if isinstance(arrived, MessageOutcome):
                self._take(arrived)
            else:
                self._send(arrived.message, arrived.portion)

    def _end_probing(self) -> None:
        """Leave the channel alone again where it took none of the messages it was tried with."""
        if self.brake.is_probing:
            self._arrive()
        brake, name = self.brake, self.channel.name
        if brake.is_probing and brake.has_refused and name not in self.backoffs.halted:
            self.backoffs.brake_again(
                name, brake.last, self.clock(), brake.asked, untried_refused=brake.untried_refused
            )

    # -- afterwards --

    def _take(self, ended: MessageOutcome) -> None:
        """A refusal that may lie with the channel waits for what the channel says of the next messages."""
        if ended.believed is not None:
            self.doubtful.append(ended)
            return
        if ended.mark.state == "sent":
            self._believe()
        self.results.append(ended)

    def _believe(self) -> None:
        for each in self.doubtful:
            assert each.believed is not None
            self.journal.ended(each.believed)
            self.results.append(each.believed)
        self.doubtful.clear()

    def _settle(self, *, is_over: bool = False) -> None:
        """Mark what has ended in one transaction, once the channel has it safe. Refusals of which nothing was
        learned until the pass is over are tried again.
        """
        if is_over or self.channel.name in self.backoffs.halted:
            self.results += self.doubtful
            self.doubtful.clear()
        results, self.results = self.results, []
        if not results and not self._has_news():
            return
        at = self.clock()
        final = list(self._made_sure(results, at))
        with self.store.writing() as connection:
            marks = outbox.mark(connection, self.owner, [ended.mark for ended in final], at)
            written = {mark.id for mark in marks}
            said = {ended.message.id: ended.text for ended in final}
            texts.keep_outcomes(connection, marks, said)
            self._follow_up(connection, [ended for ended in final if ended.mark.id in written], at)
            set_meta(connection, LAST_DISPATCH_AT, str(at))
            self._keep(connection)
        self.journal.marked(ended.message.id for ended in final)
        self.done.count(marks)

    def _has_news(self) -> bool:
        return self.brake.record != self._kept

    def _keep(self, connection: Connection) -> None:
        self.backoffs.save(connection)
        record = self.brake.record
        if record != self._kept:
            brakes.keep(connection, self.channel.name, record)
            self._kept = record

    def _made_sure(self, results: Sequence[MessageOutcome], at: Instant) -> Iterator[MessageOutcome]:
        is_sent = any(ended.mark.state == "sent" for ended in results)
        reason = self.sender.flush() if is_sent else None
        for ended in results:
            if reason is None or ended.mark.state != "sent":
                yield ended
                continue
            changed = outcome_unflushed(ended, reason, at, is_idempotent=self.is_idempotent)
            self.journal.ended(changed)
            yield changed

    def _follow_up(self, connection: Connection, kept: Sequence[MessageOutcome], at: Instant) -> None:
        """Addresses that took no message, and the capacity."""
        for ended in kept:
            if ended.bounced is not None:
                outbox.note_bounce(
                    connection,
                    ended.bounced,
                    ended.mark.error or "",
                    at,
                    ended.message.channel,
                    self.playbook.bounces,
                )
        gone = Counter(e.message.channel for e in kept if e.mark.state in ("sent", "uncertain"))
        count_handed_over(connection, self.playbook, gone, at)


def count_handed_over(connection: Connection, playbook: Playbook, numbers: Counter[str], at: Instant) -> None:
    """Add to what channels with a capacity have handed over."""
    for name, number in numbers.items():
        channel = playbook.channels.get(name)
        if channel is not None and channel.capacity is not None:
            outbox.count_handed_over(connection, name, channel.capacity[1], at, playbook.zone, number)
