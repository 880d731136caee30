"""One pass over the outbox, from what a crash has left to the marks.

Messages are claimed in small portions, handed over outside any transaction, and marked together afterwards.
What is known between a hand-over and its mark stands in the journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from console.dispatch.approvals import numeric_approvals
from console.dispatch.channel_backoff import LONGEST_MISCONFIGURED, ChannelBackoffs
from console.dispatch.journal import Journal, left_behind
from console.dispatch.outcomes import MessageOutcome, given_back, outcome_unflushed
from console.dispatch.ports import DispatchPorts
from console.dispatch.preparing import LEAVING, MessagePreparer, Portion, ReadyMessage, held_back
from console.dispatch.process_identity import is_gone
from console.dispatch.sending import MessageSender
from console.workspace.reading import Workspace
from core.errors import ManometerError
from core.instants import MINUTE, Instant, Millis
from storage import pauses, segments
from storage.outbox import dispatch as outbox
from storage.outbox.dispatch import Allowed, Claimed, Left, OutcomeMark
from storage.status import LAST_DISPATCH_AT
from storage.store import Store, set_meta

PORTION: Final = 100
LEASE: Final[Millis] = 15 * MINUTE
PATIENCE: Final[Millis] = LEASE // 3
"""After so long a portion is broken off, well before anybody else may take it for abandoned."""
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


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Who hands over: of which store and workspace, under which name, with which clock and ports."""

    store: Store
    workspace: Workspace
    owner: str
    """The name of its claims and its journal."""
    clock: Callable[[], Instant]
    stopping: Callable[[], bool]
    """Asked before each message; once it says yes, what is claimed and was not handed over is given back."""
    ports: DispatchPorts

    def run(self) -> Dispatched:
        """One pass; nothing is done where there is nothing to do, or while another pass runs under the same
        name.

        JournalError, and nothing more is sent, where what goes out cannot be noted.
        """
        with self.store.reading() as connection:
            if not outbox.has_work(connection, self.clock()):
                return Dispatched()
            backoffs = ChannelBackoffs(connection, self.workspace.playbook, self.clock())
        journal = self.ports.open_journal(self.store.path, self.owner)
        if journal is None:
            return Dispatched()
        with journal:
            return _Pass(self, journal, backoffs).run()


class _Pass:
    """One run over the outbox; its parts are called in the order in which they stand."""

    def __init__(self, dispatcher: Dispatcher, journal: Journal, backoffs: ChannelBackoffs) -> None:
        workspace = dispatcher.workspace
        self.store = dispatcher.store
        self.playbook = workspace.playbook
        self.clock = dispatcher.clock
        self.owner = dispatcher.owner
        self.stopping = dispatcher.stopping
        self.adapter_class = dispatcher.ports.adapter_class
        self.journal = journal
        self.backoffs = backoffs
        self.done = Dispatched(halted=backoffs.halted)
        self.sender = MessageSender(
            lambda channel: dispatcher.ports.open_adapter(channel, workspace.folder),
            journal,
            backoffs,
            self.playbook.grace,
            self.clock,
            self._may_leave,
        )
        self.preparer = MessagePreparer(self.store, workspace, backoffs, self.sender.adapter, self.clock)
        self.results: list[MessageOutcome] = []

    def run(self) -> Dispatched:
        with left_behind(self.store.path) as left:
            self._tidy(left | self.journal.left())
        self.journal.start()
        with self.sender, self.preparer:
            try:
                while not self._should_end() and (claimed := self._claim()):
                    self._hand_over(Portion(claimed, self.clock()))
            finally:  # what went out must be marked, whatever happened to the rest
                self._arrive()
                self._settle()
        if self.sender.fault is not None:
            raise self.sender.fault
        return self.done

    def _should_end(self) -> bool:
        return self.sender.fault is not None or self.stopping()

    def _tidy(self, left: Mapping[str, Left | None]) -> None:
        """Take over what a crash left, end what is over, and hold what needs an approval."""
        at = self.clock()
        with self.store.writing() as connection:
            self._recover(connection, left, at)
            while expired := outbox.expire(connection, at):
                self.done.expired += expired
            while cancelled := outbox.cancel_without_channel(connection, self.playbook.channels.keys(), at):
                self.done.cancelled += cancelled
            self.done.held += outbox.hold_large(
                connection, numeric_approvals(self.playbook), at, self.playbook.zone
            )
            self.backoffs.save(connection)

    def _recover(self, connection: Connection, left: Mapping[str, Left | None], at: Instant) -> None:
        found = outbox.recover(connection, at, is_gone, self._idempotent(), left, self.playbook.bounces)
        self.done.uncertain += found.uncertain.total()
        self.done.count([mark for _, mark in found.ended])
        gone = found.uncertain.copy()
        gone.update(channel for channel, mark in found.ended if mark.state in ("sent", "uncertain"))
        self._count_handed_over(connection, gone, at)

    def _idempotent(self) -> set[str]:
        names = set()
        for channel in self.playbook.channels.values():
            try:
                if self.adapter_class(channel.kind).idempotent_by_key:
                    names.add(channel.name)
            except ManometerError as error:
                self.backoffs.begin(channel.name, str(error), self.clock(), LONGEST_MISCONFIGURED)
        return names

    # -- a portion --

    def _claim(self) -> list[Claimed]:
        """The next messages that may go."""
        self._shorten_journal()
        at = self.clock()
        with self.store.writing() as connection:
            held = held_back(connection, self.playbook, at)
            rooms = {name: most for name, most in self._rooms(connection, at) if most != 0}
            if not rooms or held.purposes == frozenset():
                return []
            segments.prepare(connection)
            others = [pauses.holds_message(pause, self.playbook, at) for pause in held.narrower]
            others += self.preparer.held(connection)
            allowed = Allowed(rooms, held.triggers | self.preparer.waiting, held.purposes, others)
            claimed = outbox.claim(connection, at, self.owner, LEASE, PORTION, allowed)
            self.journal.claimed(claimed)
        return claimed

    def _shorten_journal(self) -> None:
        """Begin the journal anew once it is long; first all that stands in it is marked."""
        if self.journal.is_long:
            self._arrive()
            self._settle()
            self.journal.start()

    def _rooms(self, connection: Connection, at: Instant) -> Iterator[tuple[str, int | None]]:
        for name, channel in self.playbook.channels.items():
            if name not in self.backoffs.halted:
                capacity = channel.capacity
                yield (
                    name,
                    None
                    if capacity is None
                    else outbox.room(connection, name, capacity, at, self.playbook.zone),
                )

    def _hand_over(self, portion: Portion) -> None:
        """Hand a portion over one by one; what goes to another machine is on its way while the next are
        looked at and made.
        """
        for message in portion.messages:
            self._send(message, portion)
            if self.sender.under_way >= AHEAD:
                self._arrive(keep=AHEAD // 2)
        if len(self.results) >= PORTION // 2:
            self._settle()

    def _send(self, message: Claimed, portion: Portion) -> None:
        made = self._prepared(message, portion)
        ended = made if isinstance(made, MessageOutcome) else self.sender.send(made)
        if ended is not None:
            self.results.append(ended)

    def _prepared(self, message: Claimed, portion: Portion) -> ReadyMessage | MessageOutcome:
        at = self.clock()
        if message.channel in self.backoffs.halted or at - portion.begun > PATIENCE or self._should_end():
            return given_back(message)
        return self.preparer.prepare(message, portion, at)

    def _may_leave(self, ready: ReadyMessage) -> bool:
        """In the sender's thread: whether the last look is fresh enough still."""
        return not self.stopping() and self.clock() - ready.outbound.sent_at < LEAVING

    def _arrive(self, keep: int = 0) -> None:
        """Take results until only so many are under way; what could not leave in time is looked at anew."""
        self.sender.wait(keep)
        while self.sender.under_way > keep:
            arrived = self.sender.arrive()
            if isinstance(arrived, MessageOutcome):
                self.results.append(arrived)
            else:
                self._send(arrived.message, arrived.portion)

    # -- afterwards --

    def _settle(self) -> None:
        """Mark what has ended in one transaction, once its channels have it safe."""
        results, self.results = self.results, []
        if not results:
            return
        at = self.clock()
        final = list(self._made_sure(results, at))
        with self.store.writing() as connection:
            marks = outbox.mark(connection, self.owner, [ended.mark for ended in final], at)
            written = {mark.id for mark in marks}
            self._follow_up(connection, [ended for ended in final if ended.mark.id in written], at)
            set_meta(connection, LAST_DISPATCH_AT, str(at))
            self.backoffs.save(connection)
        self.journal.marked(ended.message.id for ended in final)
        self.done.count(marks)

    def _made_sure(self, results: Sequence[MessageOutcome], at: Instant) -> Iterator[MessageOutcome]:
        faulty = self.sender.flush({ended.message.channel for ended in results if ended.mark.state == "sent"})
        for ended in results:
            reason = faulty.get(ended.message.channel)
            if reason is None or ended.mark.state != "sent":
                yield ended
                continue
            adapter = self.adapter_class(self.playbook.channels[ended.message.channel].kind)
            changed = outcome_unflushed(ended, reason, at, is_idempotent=adapter.idempotent_by_key)
            self.journal.ended(changed)
            yield changed

    def _follow_up(self, connection: Connection, kept: Sequence[MessageOutcome], at: Instant) -> None:
        """Addresses that took no message, and capacities."""
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
        self._count_handed_over(
            connection, Counter(e.message.channel for e in kept if e.mark.state in ("sent", "uncertain")), at
        )

    def _count_handed_over(self, connection: Connection, numbers: Counter[str], at: Instant) -> None:
        for name, number in numbers.items():
            channel = self.playbook.channels.get(name)
            if channel is not None and channel.capacity is not None:
                outbox.count_handed_over(
                    connection, name, channel.capacity[1], at, self.playbook.zone, number
                )
