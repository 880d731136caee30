"""Acts played one after the other, each in a process of its own, so that whatever ends it leaves only what is
on the disk. Instants are ms UTC.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any, Final
from zoneinfo import ZoneInfo

from console.dispatch import DispatchPorts, dispatch, process_identity
from console.intake.files import import_file, intake_settings
from console.operating import pausing
from console.playbooks.applied import ensure_applied, load_in_force
from console.runs.tick import tick
from console.selftest import disk, history
from console.selftest.acts import TAKEN, Act, quiet_end
from console.selftest.disk import DiskFault
from console.selftest.provider import OutsideWorld, adapters
from console.selftest.world import BEGIN, CHANNELS, Lives, furnish
from console.workspace.reading import Workspace
from core.errors import ManometerError
from core.instants import HOUR, Instant
from core.model.pauses import EVERYTHING, Pause, parse_target
from core.sources.connector import SourceFile
from storage.store import Store

SETTLING: Final = 60
"""Passes of the quiet end; each is half a day after the one before."""
_AUTHOR: Final = "selftest"
_OURS: Final = (
    "console",
    "core",
    "storage",
    "jinja2",
    "phonenumbers",
    "babel",
    "pysqlite3",
    "sqlalchemy",
    "zoneinfo",
)


@dataclass(frozen=True, slots=True)
class ActResult:
    """How an act ended: `done` with what it said, `refused` with a sentence, `raised` with a traceback, which
    is a fault of the program, or `ended` by the fault of the disk.
    """

    how: str
    said: Any = None


@dataclass(frozen=True, slots=True)
class Failure:
    """What did not hold, and after which act of those played."""

    number: int
    act: Act
    problems: tuple[str, ...]


@dataclass(slots=True)
class Playthrough:
    """What became of the acts of one seed. `digest` is the same whenever the same acts are played."""

    seed: int
    acts: Sequence[Act]
    failure: Failure | None = None
    digest: str = ""
    counts: dict[str, int] = field(default_factory=dict)


class Player:
    """One workspace of a seed, in a folder of its own, and what is known of it outside."""

    def __init__(self, folder: Path, seed: int, *, forks: bool = True) -> None:
        self.shop = folder / "shop"
        self._forks = forks
        self._seed = seed
        self._record = folder / "changes"
        self._safe = folder / "safe"
        self._files = folder / "batches"
        self._now: Instant = BEGIN
        self._boot = 0
        self._noting = -1
        self._stopped = False
        self._lives = Lives(seed)
        self._batches: dict[str, list[str]] = {}
        self._acknowledged: set[str] = set()
        self._world = OutsideWorld(folder / "handed-over.ndjson", seed, dict.fromkeys(CHANNELS, "well"))
        self._transcript = sha256()
        self.counts: dict[str, int] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._files.mkdir()
        furnish(self.shop)
        self._make_safe()

    def play(self, acts: Sequence[Act]) -> Playthrough:
        """All of them and the quiet end; it stops at the first thing that does not hold."""
        found = Playthrough(self._seed, acts, counts=self.counts)
        for number, act in enumerate([*acts, *self._end()]):
            problems = self._played(act)
            if problems:
                found.failure = Failure(number, act, tuple(problems))
                break
        for each in self._world.known():
            self._count(f"left_{each.channel}")
        found.digest = self._transcript.hexdigest()
        return found

    def _end(self) -> Iterator[Act]:
        yield from quiet_end(list(self._batches))

    def _played(self, act: Act) -> list[str]:
        """Do it; what does not hold afterwards."""
        before = len(self._world.known())
        result = self._do(act)
        self._count(result.how)
        problems = [f"{act.words()} raised:\n{result.said}"] if result.how == "raised" else []
        if act.what == "settle" and result.how != "done":
            problems.append(f"the quiet end did not end: {result.said}")
        if self._stopped and act.what == "dispatch" and len(self._world.known()) > before:
            problems += self._left_while_stopped(before)
        if act.what not in ("later", "mood"):
            problems += self._checked(is_quiet=act.what == "settle")
        self._transcript.update(f"{act.words()} {result.how}\n".encode())
        return problems

    def _left_while_stopped(self, before: int) -> list[str]:
        left = [each for each in self._world.known()[before:] if each.purpose == "marketing"]
        return [f"{each.key} left over {each.channel} during the emergency stop" for each in left]

    # ---- one act ----

    def _do(self, act: Act) -> ActResult:
        match act.what:
            case "later":
                self._now += int(act.value)
                return ActResult("done")
            case "mood":
                channel, _, mood = act.value.partition("=")
                self._world.moods[channel] = mood
                return ActResult("done")
            case "import":
                if act.value not in self._batches:
                    self._arrive(act.value, self._lives.lines(act.value, self._now))
                return self._import(act, act.value)
            case "does":
                batch = f"{len(self._batches)} {act.value}"
                self._arrive(batch, self._lives.one(batch, act.value, self._now))
                return self._import(act, batch)
            case "cut":
                if disk.can_fail():
                    self._cut_power(act)
                return ActResult("done")
            case "stop" | "go" | "pause" | "resume":
                result = self._in_child(act, lambda: self._held(act))
                if result.how == "done" and act.what in ("stop", "go"):
                    self._stopped = act.what == "stop"
                return result
            case "tick":
                return self._in_child(act, self._tick)
            case "dispatch":
                return self._in_child(act, self._dispatch)
            case "settle":
                result = self._in_child(act, self._settle)
                self._now += SETTLING * 12 * HOUR
                return result
        raise ManometerError(f"The self-test has no act '{act.what}'.")

    def _arrive(self, batch: str, lines: list[str]) -> None:
        self._batches[batch] = lines
        self._file_of(batch).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def _import(self, act: Act, batch: str) -> ActResult:
        result = self._in_child(act, lambda: self._taken(batch))
        if result.how == "done":
            self._acknowledged.add(batch)
        return result

    def _file_of(self, batch: str) -> Path:
        return self._files / f"{batch}.ndjson"

    # ---- in the child ----

    def _taken(self, batch: str) -> list[int]:
        with self._store() as (store, workspace):
            settings = intake_settings(self.shop, workspace, workspace.playbook.index.concerns_at(self._now))
            done = import_file(
                store, SourceFile(self._file_of(batch)), settings=settings, arrived_at=self._now
            )
        return [done.read, done.taken, done.duplicate, done.rejected]

    def _held(self, act: Act) -> None:
        operator = pausing.Operator(_AUTHOR, None, ZoneInfo("UTC"))
        with self._store() as (store, _), store.writing() as connection:
            match act.what:
                case "stop":
                    pausing.stop(connection, self._now, True, operator)
                case "pause":
                    pausing.pause(connection, Pause(parse_target(act.value), self._now), operator)
                case _:
                    pausing.resume(connection, act.value or EVERYTHING, self._now, "skip", operator)

    def _tick(self) -> int:
        with self._store() as (store, workspace):
            return sum(1 for _ in tick(store, workspace.playbook, self._now))

    def _dispatch(self) -> int:
        with self._store() as (store, workspace):
            return self._handed_over(store, workspace, self._now)

    def _handed_over(self, store: Store, workspace: Workspace, at: Instant) -> int:
        ports = DispatchPorts(adapter_class=adapters(self._world), start=_one_at_a_time)
        return dispatch(store, workspace, at, owner=f"{_AUTHOR}-{self._boot}", ports=ports).sent

    def _settle(self) -> None:
        with self._store() as (store, workspace):
            for number in range(1, SETTLING + 1):
                at = self._now + number * 12 * HOUR
                for _ in tick(store, workspace.playbook, at):
                    pass
                self._handed_over(store, workspace, at)

    @contextmanager
    def _store(self) -> Iterator[tuple[Store, Workspace]]:
        path = self.shop / "manometer.db"
        with Store.open(path) if path.exists() else Store.create(path) as store:
            workspace = load_in_force(store, self.shop)
            if workspace.playbook.version == 0:
                ensure_applied(store, workspace, self._now, _AUTHOR)
                workspace = load_in_force(store, self.shop)
            yield store, workspace

    def _in_child(self, act: Act, work: Callable[[], Any]) -> ActResult:
        """Do the work in a process of its own, under the act's fault."""
        result = self._forked(act, work)
        if act.fault is not None and act.fault.kind == "power":
            self._cut_power(act)
            return result if result.how == "done" else ActResult("ended")
        return result

    def _forked(self, act: Act, work: Callable[[], Any]) -> ActResult:
        if not self._forks:
            return ActResult("done", work())
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            self._be_the_child(act, work, writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            answer = pipe.read()
        _, status = os.waitpid(child, 0)
        if answer:
            how, said, modules = json.loads(answer)
            _load(modules)
            return ActResult(how, said)
        code = os.waitstatus_to_exitcode(status)
        return ActResult("ended" if code == disk.KILLED else "raised", f"the process ended with {code}")

    def _be_the_child(self, act: Act, work: Callable[[], Any], writing: int) -> None:
        loaded = set(sys.modules)
        try:
            _be_quiet()
            process_identity.pretend_boot(f"boot-{self._boot}")
            self._arm(act.fault)
            answer: tuple[str, Any] = ("done", work())
        except ManometerError as error:
            answer = ("refused", str(error))
        except BaseException:
            answer = ("raised", traceback.format_exc())
        try:
            modules = sorted(name for name in sys.modules.keys() - loaded if name.startswith(_OURS))
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(json.dumps([*answer, modules]).encode())
        finally:
            os._exit(0)

    def _arm(self, fault: DiskFault | None) -> None:
        if fault is not None and fault.kind == TAKEN:
            self._world.ends_after, fault = fault.at, None
        if disk.can_fail():
            self._noting = os.open(self._record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            disk.arm(self.shop, self._noting, fault)

    def _disarm(self) -> None:
        if disk.can_fail():
            disk.disarm()
            os.close(self._noting)

    # ---- the disk ----

    def _make_safe(self) -> None:
        shutil.rmtree(self._safe, ignore_errors=True)
        shutil.copytree(self.shop, self._safe)
        self._record.write_bytes(b"")

    def _cut_power(self, act: Act) -> None:
        self._boot += 1
        dice = Random(f"{self._seed} {self._boot} {act.words()}")  # noqa: S311 - to be repeated
        how = disk.cut_power(self.shop, self._safe, self._record.read_bytes(), dice)
        self._count(f"power_{how}")
        self._make_safe()

    # ---- what holds ----

    def _checked(self, *, is_quiet: bool) -> list[str]:
        """What does not hold now; asked under no fault."""
        known = history.Known(
            handed_over=self._world.known(),
            told={batch: tuple(lines) for batch, lines in self._batches.items()},
            acknowledged=frozenset(self._acknowledged),
            is_quiet=is_quiet,
        )
        self._arm(None)
        try:
            problems, digest = history.judged(self.shop / "manometer.db", known)
        except Exception:
            return [f"the check raised:\n{traceback.format_exc()}"]
        finally:
            self._disarm()
        self._transcript.update(digest.encode())
        return list(problems)

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


def warm_up(folder: Path) -> None:
    """Play a little in this process, so that each that is forked from it has loaded and prepared what all
    need.
    """
    player = Player(folder, 0, forks=False)
    story = ("import 0", f"later {5 * HOUR}", "tick", "dispatch", "import 1", "tick", "pause basket")
    for what, _, value in (words.partition(" ") for words in story):
        player._played(Act(what, value))
    gc.collect()
    gc.freeze()  # what nobody sweeps over is not copied into each process


def _one_at_a_time(thread: Thread) -> None:
    """Channels that hand over side by side would meet the disk in another order each time."""
    thread.start()
    thread.join()


def _load(modules: Sequence[str]) -> None:
    """Have what a child had to import, so that the next needs not."""
    for name in modules:
        with suppress(ImportError):
            importlib.import_module(name)


def _be_quiet() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
