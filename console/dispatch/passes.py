"""One pass over the outbox: what a crash has left is taken up, and then each channel hands over by itself, in
a thread of its own, so that none waits for another.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Final, NamedTuple

from sqlalchemy import Connection

from console import clock as clocks
from console.dispatch.approvals import numeric_approvals
from console.dispatch.channel_backoff import LONGEST_MISCONFIGURED, ChannelBackoffs, forget_others
from console.dispatch.channel_failures import ChannelFailures, is_unforeseen
from console.dispatch.channel_pass import ChannelPass, Dispatched, Dispatcher, count_handed_over
from console.dispatch.journal import Journal, left_behind
from console.dispatch.process_identity import is_gone
from console.dispatch.setting_aside import note_crash
from console.dispatch.surges import surge_bounds
from console.workspace.reading import Workspace
from core.instants import Instant
from storage import quarantine, surges
from storage.outbox import dispatch as outbox
from storage.outbox.dispatch import Left

LOOK: Final = 2.0
"""Seconds after which channels that have nothing to do are looked at again while others are under way."""
CONVERSATION: Final = 8.0
"""Seconds that a conversation under way gets to end by itself once the pass is to end; then it is cut."""
PARTING: Final = 4.0
"""Seconds after that until a channel that cannot be cut is left behind, as after a crash."""
HEARING: Final = 0.2
"""Seconds between two questions whether to stop."""
SWITCHING: Final = 0.0005
"""Seconds after which a thread gets its turn beside one that makes messages; the usual 5 ms are longer than a
mail takes.
"""
USUAL_SWITCHING: Final = sys.getswitchinterval()

Told = Callable[[str, Dispatched], None]
"""Is told of a channel what it did, each time its part of a pass ends."""


class _Ended(NamedTuple):
    """How a channel's part ended."""

    channel: str
    error: BaseException | None


def run_pass(
    dispatcher: Dispatcher,
    workspace: Callable[[], Workspace],
    *,
    is_watching: bool = False,
    told: Told | None = None,
) -> Dispatched:
    """One pass; nothing is done where there is nothing to do, or while another pass runs under the same name.

    `is_watching`: while a channel is under way the others are looked at again and again, with the workspace
    as it is then; else each has its part once. JournalError, and nothing more is sent, where what goes out
    cannot be noted.
    """
    with dispatcher.store.reading() as connection:
        if not outbox.has_work(connection, dispatcher.clock()):
            return Dispatched()
    journal = dispatcher.ports.open_journal(dispatcher.store.path, dispatcher.owner)
    if journal is None:
        return Dispatched()
    with journal, _quick_switching():
        return _Pass(dispatcher, workspace, journal, is_watching, told).run()


@contextmanager
def _quick_switching() -> Iterator[None]:
    sys.setswitchinterval(SWITCHING)
    try:
        yield
    finally:
        sys.setswitchinterval(USUAL_SWITCHING)


class _Pass:
    """One run over the outbox; its parts are called in the order in which they stand."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        workspace: Callable[[], Workspace],
        journal: Journal,
        is_watching: bool,
        told: Told | None,
    ) -> None:
        self.dispatcher = dispatcher
        self.store = dispatcher.store
        self.clock = dispatcher.clock
        self.workspace = workspace
        self.journal = journal
        self.is_watching = is_watching
        self.told = told
        self.ending = Event()
        self.ended: SimpleQueue[_Ended] = SimpleQueue()
        self.running: dict[str, tuple[ChannelPass, Thread]] = {}
        self.errors: list[BaseException] = []
        self.done = Dispatched()

    def run(self) -> Dispatched:
        with left_behind(self.store.path) as left:
            present = self._tidied(left | self.journal.left())
        self.journal.start()
        try:
            for name in present.playbook.channels:
                self._begin(present, name)
            self._until_all_ended()
        finally:  # what went out must be marked, whatever happened to the rest
            self._wind_down()
        if self.errors:
            raise self.errors[0]
        return self.done

    # -- what is done for all channels together --

    def _tidied(self, left: Mapping[str, Left | None] | None = None) -> Workspace:
        """Take over what a crash left, end what is over, hold what needs an approval; what is in force."""
        workspace, at = self.workspace(), self.clock()
        playbook = workspace.playbook
        with self.store.writing() as connection:
            backoffs = ChannelBackoffs(connection, playbook, at)
            killed = [] if left is None else self._recover(connection, workspace, left, at)
            while expired := outbox.expire(connection, at):
                self.done.expired += expired
            while cancelled := outbox.cancel_without_channel(connection, playbook.channels.keys(), at):
                self.done.cancelled += cancelled
            self.done.held += outbox.hold_large(connection, numeric_approvals(playbook), at, playbook.zone)
            for bound in surge_bounds(playbook, workspace.folder, at):
                self.done.held += surges.hold(connection, bound, at)
            aside = quarantine.channels_aside(connection)
            faults = {name: error for name, error in self._kinds(workspace)[1].items() if name not in aside}
            if faults:
                for name, error in faults.items():
                    backoffs.begin(name, str(error) or type(error).__name__, at, LONGEST_MISCONFIGURED)
                backoffs.save(connection)
            forget_others(connection, playbook.channels)
        for number in killed:
            note_crash(self.store, number, at)
        self.done.halted |= backoffs.halted
        self.done.halted |= {name: each.reason for name, each in aside.items()}
        for name, error in faults.items():
            if is_unforeseen(error):
                self._failed(name, error, at)
        return workspace

    def _recover(
        self, connection: Connection, workspace: Workspace, left: Mapping[str, Left | None], at: Instant
    ) -> Sequence[int]:
        """The messages that were being handed over, and are tried again."""
        playbook = workspace.playbook
        idempotent, _ = self._kinds(workspace)
        found = outbox.recover(connection, at, is_gone, idempotent, left, playbook.bounces)
        self.done.uncertain += found.uncertain.total()
        self.done.count([mark for _, mark in found.ended])
        gone = found.uncertain.copy()
        gone.update(channel for channel, mark in found.ended if mark.state in ("sent", "uncertain"))
        count_handed_over(connection, playbook, Counter(gone), at)
        return found.begun

    def _kinds(self, workspace: Workspace) -> tuple[set[str], dict[str, Exception]]:
        """The channels that take a key twice for once, and those for which no adapter can be had, with what
        was raised.
        """
        idempotent: set[str] = set()
        faults: dict[str, Exception] = {}
        for channel in workspace.playbook.channels.values():
            try:
                if self.dispatcher.ports.adapter_class(channel.kind).idempotent_by_key:
                    idempotent.add(channel.name)
            except Exception as error:  # the border to a channel: the others go on
                faults[channel.name] = error
        return idempotent, faults

    def _failed(self, name: str, error: Exception, at: Instant) -> None:
        """Count that a channel failed by itself."""
        aside = ChannelFailures(self.store).note(name, error, at)
        if aside is not None:
            self.done.halted[name] = aside

    # -- the channels --

    def _begin(self, workspace: Workspace, name: str) -> None:
        """Let a channel hand over what is due, where anything is and it is not left alone."""
        at = self.clock()
        with self.store.reading() as connection:
            halted = ChannelBackoffs(connection, workspace.playbook, at, (name,)).halted
            if halted or name in quarantine.channels_aside(connection):
                return
            if not outbox.has_due(connection, name, at):
                return
        part = ChannelPass(self.dispatcher, workspace, name, self.journal, self.ending)
        thread = Thread(target=self._run, args=(name, part), name=f"manometer-{name}", daemon=True)
        self.running[name] = (part, thread)
        self.dispatcher.ports.start(thread)

    def _run(self, name: str, part: ChannelPass) -> None:
        try:
            part.run()
        except BaseException as error:  # raised by the thread that waits for it
            self.ended.put(_Ended(name, error))
        else:
            self.ended.put(_Ended(name, None))

    def _until_all_ended(self) -> None:
        looked = clocks.steady()
        while self.running and not self.errors:
            unfinished = self._take_ends(HEARING)
            if self.errors or self._is_stopping():
                return
            if unfinished is not None:
                self._begin(self.workspace(), unfinished)
            if self.is_watching and clocks.steady() - looked > LOOK:
                self._look_again()
                looked = clocks.steady()

    def _is_stopping(self) -> bool:
        """Asked only where it has to be: who asks may count."""
        return bool(self.running) and self.dispatcher.stopping()

    def _take_ends(self, patience: float) -> str | None:
        """Wait so many seconds for a channel to end; its name where it only ran out of time."""
        try:
            name, error = self.ended.get(timeout=patience)
        except Empty:
            return None
        part, thread = self.running.pop(name)
        thread.join()
        self.done.add(part.done)
        if self.told is not None:
            self.told(name, part.done)
        if error is not None and is_unforeseen(error):
            self._rest(name, error)
            return None
        if error is not None:
            self.errors.append(error)
            return None
        return name if part.is_unfinished else None

    def _rest(self, name: str, error: BaseException) -> None:
        """One channel's part broke off: the others go on, and it is left alone for a while."""
        assert isinstance(error, Exception)
        playbook, at = self.workspace().playbook, self.clock()
        with self.store.writing() as connection:
            backoffs = ChannelBackoffs(connection, playbook, at, (name,))
            backoffs.begin(name, f"unexpected {type(error).__name__}", at, LONGEST_MISCONFIGURED)
            backoffs.save(connection)
        self.done.halted |= backoffs.halted
        self._failed(name, error, at)

    def _look_again(self) -> None:
        """Begin with the channels that have something to do again."""
        workspace, at = self.workspace(), self.clock()
        idle = [name for name in workspace.playbook.channels if name not in self.running]
        with self.store.reading() as connection:
            due = [name for name in idle if outbox.has_due(connection, name, at)]
        if due:
            present = self._tidied()
            for name in due:
                if name in present.playbook.channels:
                    self._begin(present, name)

    def _wind_down(self) -> None:
        """Have all channels end: by themselves for a while, then by cutting their lines. One that cannot be
        cut is left behind, and the next scheduler finds it in the journal.
        """
        self.ending.set()
        self._wait(CONVERSATION)
        for part, _ in list(self.running.values()):
            part.interrupt()
        self._wait(PARTING)

    def _wait(self, seconds: float) -> None:
        until = clocks.steady() + seconds
        while self.running and (left := until - clocks.steady()) > 0:
            self._take_ends(left)
