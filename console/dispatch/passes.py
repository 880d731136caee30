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

from console.channels import adapter_class
from console.dispatch.approvals import numeric_approvals
from console.dispatch.channel_backoff import LONGEST_HALT, Rests
from console.dispatch.journal import LONGEST, Journal, left_behind
from console.dispatch.outcomes import Ended, back, unsafe
from console.dispatch.preparing import LEAVING, Portion, Preparing, ReadyMessage, held_back
from console.dispatch.process_identity import is_gone
from console.dispatch.sending import Sending
from console.workspace import Workspace
from core.errors import ManometerError
from core.instants import MINUTE, Instant, Millis
from core.playbook.playbook import Playbook
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
    """What one pass did, in messages; `halted` names channels that rest, with the reason.

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


def run(
    store: Store,
    workspace: Workspace,
    playbook: Playbook,
    clock: Callable[[], Instant],
    owner: str,
    stopping: Callable[[], bool],
) -> Dispatched:
    """One pass; nothing is done where there is nothing to do, or while another pass runs under the same
    name.
    """
    with store.reading() as connection:
        if not outbox.has_work(connection, clock()):
            return Dispatched()
        rests = Rests(connection, playbook, clock())
    journal = Journal.open(store.path, owner)
    if journal is None:
        return Dispatched()
    with journal:
        return _Pass(store, workspace, playbook, clock, owner, stopping, journal, rests).run()


class _Pass:
    """One run over the outbox; its parts are called in the order in which they stand."""

    def __init__(
        self,
        store: Store,
        workspace: Workspace,
        playbook: Playbook,
        clock: Callable[[], Instant],
        owner: str,
        stopping: Callable[[], bool],
        journal: Journal,
        rests: Rests,
    ) -> None:
        self.store = store
        self.playbook = playbook
        self.clock = clock
        self.owner = owner
        self.stopping = stopping
        self.journal = journal
        self.rests = rests
        self.done = Dispatched(halted=rests.halted)
        self.sending = Sending(workspace.folder, journal, rests, playbook.grace, clock, self._may_leave)
        self.preparing = Preparing(store, workspace, playbook, rests, self.sending.adapter)
        self.results: list[Ended] = []

    def run(self) -> Dispatched:
        with left_behind(self.store.path) as left:
            self._tidy(left | self.journal.left())
        self.journal.start()
        with self.sending:
            try:
                while not self._should_end() and (claimed := self._claim()):
                    self._hand_over(Portion(claimed, self.clock()))
            finally:  # what went out must be marked, whatever happened to the rest
                self._arrive()
                self._settle()
        if self.sending.fault is not None:
            raise self.sending.fault
        return self.done

    def _should_end(self) -> bool:
        return self.sending.fault is not None or self.stopping()

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
            self.rests.keep(connection)

    def _recover(self, connection: Connection, left: Mapping[str, Left | None], at: Instant) -> None:
        found = outbox.recover(connection, at, is_gone, self._idempotent(), left)
        self.done.uncertain += found.uncertain.total()
        self.done.count([mark for _, mark in found.ended])
        gone = found.uncertain.copy()
        gone.update(channel for channel, mark in found.ended if mark.state in ("sent", "uncertain"))
        self._count_handed_over(connection, gone, at)

    def _idempotent(self) -> set[str]:
        names = set()
        for channel in self.playbook.channels.values():
            try:
                if adapter_class(channel.kind).idempotent_by_key:
                    names.add(channel.name)
            except ManometerError as error:
                self.rests.begin(channel.name, str(error), self.clock(), LONGEST_HALT)
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
            allowed = Allowed(rooms, held.triggers | self.preparing.waiting, held.purposes, others)
            claimed = outbox.claim(connection, at, self.owner, LEASE, PORTION, allowed)
            self.journal.claimed(claimed)
        return claimed

    def _shorten_journal(self) -> None:
        """Begin the journal anew once it is long; first all that stands in it is marked."""
        if self.journal.size > LONGEST:
            self._arrive()
            self._settle()
            self.journal.start()

    def _rooms(self, connection: Connection, at: Instant) -> Iterator[tuple[str, int | None]]:
        for name, channel in self.playbook.channels.items():
            if name not in self.rests.halted:
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
            if self.sending.under_way >= AHEAD:
                self._arrive(keep=AHEAD // 2)
        if len(self.results) >= PORTION // 2:
            self._settle()

    def _send(self, message: Claimed, portion: Portion) -> None:
        made = self._prepared(message, portion)
        ended = made if isinstance(made, Ended) else self.sending.send(made)
        if ended is not None:
            self.results.append(ended)

    def _prepared(self, message: Claimed, portion: Portion) -> ReadyMessage | Ended:
        at = self.clock()
        if message.channel in self.rests.halted or at - portion.begun > PATIENCE or self._should_end():
            return back(message)
        return self.preparing.prepare(message, portion, at)

    def _may_leave(self, ready: ReadyMessage) -> bool:
        """In the sender's thread: whether the last look is fresh enough still."""
        return not self.stopping() and self.clock() - ready.outbound.sent_at < LEAVING

    def _arrive(self, keep: int = 0) -> None:
        """Take results until only so many are under way; what could not leave in time is looked at anew."""
        self.sending.wait(keep)
        while self.sending.under_way > keep:
            arrived = self.sending.arrive()
            if isinstance(arrived, Ended):
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
            self.rests.keep(connection)
        self.journal.marked(ended.message.id for ended in final)
        self.done.count(marks)

    def _made_sure(self, results: Sequence[Ended], at: Instant) -> Iterator[Ended]:
        faulty = self.sending.flush(
            {ended.message.channel for ended in results if ended.mark.state == "sent"}
        )
        for ended in results:
            reason = faulty.get(ended.message.channel)
            if reason is None or ended.mark.state != "sent":
                yield ended
                continue
            kind = self.playbook.channels[ended.message.channel].kind
            changed = unsafe(ended, reason, at, is_idempotent=adapter_class(kind).idempotent_by_key)
            self.journal.ended(changed)
            yield changed

    def _follow_up(self, connection: Connection, kept: Sequence[Ended], at: Instant) -> None:
        """Dead addresses and capacities."""
        for ended in kept:
            if ended.dead_address is not None:
                outbox.suppress(
                    connection,
                    *ended.dead_address,
                    ended.mark.error or "",
                    at,
                    f"channel {ended.message.channel}",
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
