"""What the acts of the self-test do, in a process of their own. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from console.backups.making import back_up
from console.backups.restoring import restore
from console.daemon.leadership import Clocks, Leadership
from console.dispatch import DispatchPorts, dispatch
from console.intake.files import import_file, intake_settings
from console.operating import pausing
from console.operating.quarantine import release
from console.playbooks.applied import ensure_applied, load_in_force
from console.runs.tick import tick
from console.safeguards.clock_guard import ClockGuard, ClockSources, confirm
from console.safeguards.stop_file import SendingGate, StopFile, StopNote
from console.safeguards.stopping import take_in
from console.selftest.provider import OutsideWorld, adapters
from console.selftest.turns import StoreInTurns, Turns
from console.workspace.reading import Workspace
from core.clock_trust import ClockReading
from core.errors import ManometerError
from core.instants import HOUR, Millis
from core.model.pauses import EVERYTHING, Pause, parse_target
from core.sources.connector import SourceFile
from storage import quarantine, restored
from storage.schema.customers import customers

AUTHOR: Final = "selftest"
SETTLING: Final = 60
"""Passes of the quiet end; each is half a day after the one before."""
DATABASE: Final = "manometer.db"
BROKEN: Final = "{"
_UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and when an act is done."""

    shop: Path
    backups: Path
    boot: int
    """How often the machine was started before."""
    skew: Millis
    """How far its clock is ahead of the true time."""
    name: str = AUTHOR
    """Of the process."""


class Deeds:
    """The acts of one process."""

    def __init__(self, machine: Machine, world: OutsideWorld, turns: Turns) -> None:
        self._machine = machine
        self._shop = machine.shop
        self._world = world
        self._turns = turns
        self._gate = SendingGate(StopFile(self._shop), lambda: self._guard.is_held)

    # ---- time ----

    def _reading(self) -> ClockReading:
        uptime = self._turns.now  # only differences mean something
        return ClockReading(
            self._turns.now + self._machine.skew, uptime, f"boot-{self._machine.boot}", "unknown"
        )

    @cached_property
    def _guard(self) -> ClockGuard:
        sources = ClockSources(
            self._reading, lambda: self._turns.now + self._machine.skew, lambda: self._turns.now
        )
        return ClockGuard(sources)

    def _trust(self, store: StoreInTurns) -> None:
        distrust = self._guard.review(store)
        if distrust is not None:
            raise ManometerError(f"Nothing was done: {distrust.reason}.")

    # ---- intake, decisions, sending ----

    def take(self, file: Path) -> list[int]:
        """Import a file: how many lines were read, taken, known already and refused."""
        with self._store() as (store, workspace):
            now = self._turns.now
            settings = intake_settings(self._shop, workspace, workspace.playbook.index.concerns_at(now))
            done = import_file(store, SourceFile(file), settings=settings, arrived_at=now)
        return [done.read, done.taken, done.duplicate, done.rejected]

    def tick(self) -> int:
        """One pass that decides."""
        with self._store() as (store, workspace):
            self._trust(store)
            return self._decided(store, workspace)

    def dispatch(self) -> int:
        """One pass that hands over."""
        with self._store() as (store, workspace):
            self._trust(store)
            return self._handed_over(store, workspace, self._gate.is_shut)

    def lead(self) -> int:
        """Become the leader, and decide and hand over as such for as long as that is believed."""
        clocks = Clocks(lambda: self._turns.now, lambda: self._turns.now)
        with self._store() as (store, workspace):
            leadership = Leadership(store, self._machine.name, clocks)
            store.is_seeking = True
            lease = leadership.seek()
            store.is_seeking = False
            if lease is None:
                raise ManometerError("Another scheduler leads.")
            with closing(store.fenced_as(leadership.fence, lease.term)) as fenced:
                self._decided(fenced, workspace)
                return self._handed_over(
                    fenced, workspace, lambda: self._gate.is_shut() or not leadership.is_trusted
                )

    def settle(self) -> None:
        """Passes over thirty days, with a clock that nobody doubts."""
        with self._store() as (store, workspace):
            for _ in range(SETTLING):
                self._turns.now += 12 * HOUR
                for _ in tick(store, workspace.playbook, self._turns.now):
                    pass
                self._handed_over(store, workspace, lambda: False)

    def _decided(self, store: StoreInTurns, workspace: Workspace) -> int:
        held = self._guard
        decided = tick(store, workspace.playbook, held.now(), stopping=lambda: held.is_held)
        return sum(1 for _ in decided)

    def _handed_over(self, store: StoreInTurns, workspace: Workspace, stopping: Callable[[], bool]) -> int:
        ports = DispatchPorts(adapter_class=adapters(self._world), start=one_at_a_time)
        return dispatch(
            store, workspace, self._guard.now, self._machine.name, stopping=stopping, ports=ports
        ).sent

    # ---- what operators do ----

    def hold(self, what: str, name: str) -> None:
        """stop, go, pause, resume."""
        operator, now = pausing.Operator(AUTHOR, None, _UTC), self._turns.now
        with self._store() as (store, _):
            if what == "go":
                take_in(store, SendingGate(StopFile(self._shop)), now, _UTC)
            with store.writing() as connection:
                match what:
                    case "stop":
                        pausing.stop(connection, now, True, operator)
                    case "pause":
                        pausing.pause(connection, Pause(parse_target(name), now), operator)
                    case _:
                        pausing.resume(connection, name or EVERYTHING, now, "skip", operator)
            if what == "go":
                StopFile(self._shop).remove()

    def stop_by_file(self) -> None:
        """The emergency stop that needs no database."""
        StopFile(self._shop).write(StopNote(self._turns.now, AUTHOR))

    def confirm(self) -> None:
        """An operator says that the clock is right."""
        with self._store() as (store, _), store.writing() as connection:
            confirm(connection, self._reading(), AUTHOR, None)

    def release(self) -> int:
        """Have everything that was set aside worked on again."""
        with self._store() as (store, _):
            with store.reading() as connection:
                things = quarantine.listing(connection)
            for thing in things:
                release(store, thing.id, AUTHOR, self._turns.now)
        return len(things)

    # ---- what befalls the database ----

    def poison(self, customer: str) -> list[str | None] | None:
        """Break what is known of a customer; what it was, None where there is no such customer."""
        with self._store() as (store, _), store.writing() as connection:
            mine = customers.c.key == customer
            columns = select(customers.c.traits, customers.c.detail, customers.c.settled).where(mine)
            kept = connection.execute(columns).one_or_none()
            settled = None if kept is None or kept.settled is None else BROKEN
            broken = {"traits": BROKEN, "detail": BROKEN, "settled": settled}
            connection.execute(update(customers).where(mine).values(broken))
        return None if kept is None else list(kept)

    def heal(self, customer: str, kept: Sequence[str | None]) -> None:
        """Mend it."""
        whole = dict(zip(("traits", "detail", "settled"), kept, strict=True))
        with self._store() as (store, _), store.writing() as connection:
            connection.execute(update(customers).where(customers.c.key == customer).values(whole))

    def back_up(self, name: str) -> None:
        """Make a backup."""
        with self._store() as (store, _):
            back_up(store, self._machine.backups / name, self._turns.now)

    def restore(self, name: str) -> None:
        """Put a backup in the place of the database."""
        restore(self._machine.backups / name, self._shop / DATABASE, AUTHOR, at=self._turns.now)

    def compare(self) -> None:
        """Tell the outbox what the providers have, and go on."""
        keys = {each.key for each in self._world.known()}
        with self._store() as (store, _), store.writing() as connection:
            restored.compare(connection, keys, self._turns.now, AUTHOR, ignore_unknown=True)

    @contextmanager
    def _store(self) -> Iterator[tuple[StoreInTurns, Workspace]]:
        with closing(StoreInTurns.of(self._shop / DATABASE, self._turns)) as store:
            take_in(store, self._gate, self._turns.now, _UTC)
            workspace = load_in_force(store, self._shop)
            if workspace.playbook.version == 0:
                ensure_applied(store, workspace, self._turns.now, AUTHOR)
                workspace = load_in_force(store, self._shop)
            yield store, workspace


def one_at_a_time(thread: Thread) -> None:
    """Channels that hand over side by side would meet the disk in another order each time."""
    thread.start()
    thread.join()


def doing(deeds: Deeds, what: str, value: str, more: Any = None) -> Any:
    """Do an act; `more` is what only the player knows of it."""
    match what:
        case "import" | "does":
            return deeds.take(more)
        case "tick":
            return deeds.tick()
        case "dispatch":
            return deeds.dispatch()
        case "lead":
            return deeds.lead()
        case "settle":
            return deeds.settle()
        case "stop" | "go" | "pause" | "resume":
            return deeds.hold(what, value)
        case "stopfile":
            return deeds.stop_by_file()
        case "confirm":
            return deeds.confirm()
        case "release":
            return deeds.release()
        case "poison":
            return deeds.poison(value)
        case "heal":
            return deeds.heal(value, more)
        case "backup":
            return deeds.back_up(more)
        case "restore":
            return deeds.restore(more)
        case "compare":
            return deeds.compare()
    raise ManometerError(f"The self-test has no act '{what}'.")
