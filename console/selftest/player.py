"""Acts played one after the other, or beside each other in turns that the seed chooses, each in a process of
its own, so that whatever ends it leaves only what is on the disk. Instants are ms UTC.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain
from pathlib import Path
from random import Random
from typing import IO, Any, Final, NoReturn

from console.dispatch import process_identity
from console.selftest import deeds as doings
from console.selftest import disk, history
from console.selftest.acts import TAKEN, Act, quiet_end
from console.selftest.deeds import DATABASE, SETTLING, Deeds, Machine
from console.selftest.disk import DiskFault
from console.selftest.history import Known
from console.selftest.provider import OutsideWorld
from console.selftest.turns import TurnPipes, Turns
from console.selftest.world import BEGIN, CHANNELS, Lives, furnish
from core.errors import ManometerError
from core.instants import HOUR, MINUTE, Instant, Millis
from storage.leases import TTL

_OURS: Final = (
    "console", "core", "storage", "jinja2", "phonenumbers", "babel", "pysqlite3", "sqlalchemy", "zoneinfo",
)  # fmt: skip
_IDLE: Final = ("later", "mood", "wall")
"""Acts that change nothing in the workspace."""


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


@dataclass(slots=True)
class _Process:
    """One process that was forked, and the pipes to it."""

    act: Act
    pid: int
    hearing: IO[bytes]
    telling: int


class Player:
    """One workspace of a seed, in a folder of its own, and what is known of it outside."""

    def __init__(self, folder: Path, seed: int, *, forks: bool = True) -> None:
        self.shop = folder / "shop"
        self._forks = forks
        self._seed = seed
        self._record = folder / "changes"
        self._safe = folder / "safe"
        self._files = folder / "batches"
        self._backups = folder / "backups"
        self._now: Instant = BEGIN
        self._boot = 0
        self._skew: Millis = 0
        self._is_clock_known = False
        """A pass has trusted the clock since the machine was started."""
        self._noting = -1
        self._stopped = ""
        """What may not leave: nothing, `marketing`, or all."""
        self._paused = ""
        """The trigger of which nothing may leave."""
        self._poisoned: tuple[str, list[str | None]] | None = None
        self._term = 0
        self._led_at: Instant = 0
        """When the last term began; none is prolonged."""
        self._lives = Lives(seed)
        self._world = OutsideWorld(folder / "handed-over.ndjson", seed, dict.fromkeys(CHANNELS, "well"))
        self._is_restored = False
        """The outbox has to be compared with what the providers have."""
        self._known = Known()
        self._kept: list[tuple[str, Known, int]] = []
        """Backups: the name, what was known outside, and how many messages had left."""
        self._transcript = sha256()
        self.counts: dict[str, int] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._files.mkdir()
        self._backups.mkdir()
        furnish(self.shop)
        self._make_safe()

    def play(self, acts: Sequence[Act]) -> Playthrough:
        """All of them and the quiet end; it stops at the first thing that does not hold."""
        found = Playthrough(self._seed, acts, counts=self.counts)
        for number, act in enumerate(chain(acts, self._end())):
            problems = self._played(act)
            if problems:
                found.failure = Failure(number, act, tuple(problems))
                break
        for each in self._world.known():
            self._count(f"left_{each.channel}")
        found.digest = self._transcript.hexdigest()
        return found

    def _end(self) -> Iterator[Act]:
        """Asked for once all else was played, when it is known what was told."""
        yield from quiet_end(list(self._known.told))

    def _played(self, act: Act) -> list[str]:
        """Do it; what does not hold afterwards."""
        before = len(self._world.known())
        state = self._is_lied_to()
        problems = []
        results = self._do(act)
        for each, result in results:
            self._count(result.how)
            self._note_doubts(each, result)
            if result.how == "raised":
                problems.append(f"{each.words()} raised:\n{result.said}")
            if act.what == "settle" and result.how != "done":
                problems.append(f"the quiet end did not end: {result.said}")
            self._transcript.update(f"{each.words()} {result.how}\n".encode())
        problems += self._left_in_spite(before, is_lied_to=state)
        if act.what not in _IDLE:
            is_decided = act.what == "tick" and results[-1][1].how == "done" and self._poisoned is None
            problems += self._checked(
                is_quiet=act.what == "settle", decided_at=self._now if is_decided else None
            )
        return problems

    def _note_doubts(self, act: Act, result: ActResult) -> None:
        """What may leave messages of which nobody knows."""
        if result.how == "ended" and act.what in ("dispatch", "lead"):
            self._known.kills += 1
        kind = "" if act.fault is None else act.fault.kind
        is_doubtful = kind in ("power", "io", "full") or act.what in ("cut", "restore", "lead")
        if is_doubtful or not {"slow", "moody"}.isdisjoint(self._world.moods.values()):
            self._known.is_unsure = True

    def _is_lied_to(self) -> bool:
        return self._skew != 0 and self._is_clock_known

    def _left_in_spite(self, before: int, *, is_lied_to: bool) -> Iterator[str]:
        left = self._world.known()[before:]
        for each in left:
            if self._stopped == "all" or (self._stopped == "marketing" and each.purpose == "marketing"):
                yield f"{each.key} left over {each.channel} during the emergency stop"
            elif each.trigger == self._paused:
                yield f"{each.key} of {each.trigger} left over {each.channel} while it was paused"
            elif is_lied_to:
                yield f"{each.key} left over {each.channel} while the clock was wrong"

    # ---- one act ----

    def _do(self, act: Act) -> list[tuple[Act, ActResult]]:
        match act.what:
            case "later":
                self._now += int(act.value)
            case "mood":
                channel, _, mood = act.value.partition("=")
                self._world.moods[channel] = mood
            case "wall":
                self._skew = int(act.value) if self._is_clock_known else 0
            case "cut":
                if disk.can_fail():
                    self._cut_power(act)
            case "beside":
                return self._beside([self._arrived(each) for each in act.beside], act.value == "slow")
            case _:
                return self._alone(self._arrived(act))
        return [(act, ActResult("done"))]

    def _arrived(self, act: Act) -> Act:
        """The act, its batch as a file; `does` becomes the import of one."""
        if act.what == "import" and act.value not in self._known.told:
            self._arrive(act.value, self._lives.lines(act.value, self._now))
        if act.what == "does":
            batch = f"{len(self._known.told)} {act.value}"
            self._arrive(batch, self._lives.one(batch, act.value, self._now))
            return Act("import", batch, act.fault)
        if act.what == "crowd":
            batch = f"{len(self._known.told)} {act.value}"
            self._arrive(batch, self._lives.crowd(batch, act.value, self._now))
            return Act("import", batch, act.fault)
        return act

    def _arrive(self, batch: str, lines: list[str]) -> None:
        self._known.told[batch] = tuple(lines)
        self._file_of(batch).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def _file_of(self, batch: str) -> Path:
        return self._files / f"{batch}.ndjson"

    def _alone(self, act: Act) -> list[tuple[Act, ActResult]]:
        more: Any = None
        match act.what:
            case "import":
                more = self._file_of(act.value)
            case "heal":
                if self._poisoned is None:
                    return [(act, ActResult("done"))]
                act, more = Act("heal", self._poisoned[0]), self._poisoned[1]
            case "backup":
                more = f"{len(self._kept)}.db"
            case "restore":
                if not self._kept:
                    return [(act, ActResult("done"))]
                more = self._kept[-1][0]
            case "compare" if not self._is_restored:
                return [(act, ActResult("done"))]
            case "go":
                self._stopped = ""
            case "resume":
                self._paused = ""
        result = self._in_child(act, lambda deeds: doings.doing(deeds, act.what, act.value, more))
        self._learn(act, result)
        return [(act, result)]

    def _learn(self, act: Act, result: ActResult) -> None:
        """What is known of an act that was done."""
        if act.what == "settle":
            self._now += SETTLING * 12 * HOUR
        if result.how != "done":
            return
        match act.what:
            case "import":
                self._known.acknowledge(act.value, len(self._world.offers()), self._now)
                self._known.summaries[act.value] = result.said
            case "tick" | "dispatch" | "confirm" if self._skew == 0:
                self._is_clock_known = True
            case "stop":
                self._stopped = self._stopped or "all"
            case "stopfile":
                self._stopped = "all"
            case "pause":
                self._paused = act.value
                self._known.was_paused = True
            case "poison" if result.said is not None:
                self._poisoned = (act.value, result.said)
            case "heal":
                self._poisoned = None
            case "backup":
                self._kept.append((f"{len(self._kept)}.db", self._known.copy(), len(self._world.offers())))
            case "compare":
                self._is_restored = False
            case "restore":
                self._is_restored = True
                _, self._known, offered = self._kept[-1][0], self._restored(), self._kept[-1][2]
                self._known.forgotten |= {each.key for each in self._world.offers()[offered:]}
                self._stopped = "all"

    def _restored(self) -> Known:
        """What a database knows that was restored; what was told since lies in the files still."""
        known = self._kept[-1][1].copy()
        known.told = dict(self._known.told)
        known.forgotten = set(self._known.forgotten)
        return known

    # ---- in processes of their own ----

    def _in_child(self, act: Act, work: Callable[[Deeds], Any]) -> ActResult:
        """Do the work in a process of its own, under the act's fault."""
        if not self._forks:
            return ActResult("done", work(self._deeds(Turns(self._now), 0)))
        process = self._forked(act, work)
        return self._after(process, process.hearing.read())

    def _after(self, process: _Process, answer: bytes) -> ActResult:
        """What became of a process that said this, and nothing more."""
        os.close(process.telling)
        process.hearing.close()
        _, status = os.waitpid(process.pid, 0)
        act, code = process.act, os.waitstatus_to_exitcode(status)
        result = ActResult("ended" if code == disk.KILLED else "raised", f"the process ended with {code}")
        if answer:
            how, said, modules, elapsed = json.loads(answer)
            self._now += elapsed
            _load(modules)
            result = ActResult(how, said)
        if act.fault is not None and act.fault.kind == "power" and disk.can_fail():
            self._cut_power(act)
            return result if result.how == "done" else ActResult("ended")
        return result

    def _beside(self, acts: Sequence[Act], is_slow: bool) -> list[tuple[Act, ActResult]]:
        """Do all of them at once: at each turn the seed chooses who goes on, and now and then time goes
        by.
        """
        words = [act.words() for act in acts]
        dice = Random(f"{self._seed} {self._now} {words}")  # noqa: S311 - to be repeated
        alive = [self._forked(act, self._work_of(act), place) for place, act in enumerate(acts)]
        results: list[tuple[Act, ActResult]] = []
        while alive:
            process = dice.choice(alive)
            if dice.random() < (0.3 if is_slow else 0.05):
                span = dice.choice((1_000, 20_000, MINUTE, 16 * MINUTE if is_slow else 5 * MINUTE))
                self._now += span
                self._known.is_unsure |= span > 15 * MINUTE
            self._give_turn(process)
            line = process.hearing.readline()
            if line and not line.startswith(b"["):
                self._take_turn(line)
                continue
            alive.remove(process)
            boot = self._boot
            result = self._after_beside(process, line, alive)
            self._learn(process.act, result)
            results.append((process.act, result))
            if self._boot != boot:  # the power failed, for all of them
                results += [(each.act, ActResult("ended")) for each in alive]
                break
        return results

    def _after_beside(self, process: _Process, line: bytes, others: Sequence[_Process]) -> ActResult:
        fault = process.act.fault
        if fault is not None and fault.kind == "power" and disk.can_fail():
            for each in others:
                os.kill(each.pid, signal.SIGKILL)
                os.waitpid(each.pid, 0)
                os.close(each.telling)
                each.hearing.close()
        return self._after(process, line)

    def _give_turn(self, process: _Process) -> None:
        os.write(process.telling, f"{self._now}\n".encode())

    def _take_turn(self, line: bytes) -> None:
        elapsed, wrote, began = map(int, line.split())
        if began > self._term:
            if self._now - self._led_at < TTL:
                self._known.seen.append(f"term {began} began while the leader of term {self._term} lived")
            self._term, self._led_at = began, self._now
        if 0 < wrote < self._term:
            self._known.seen.append(f"term {wrote} wrote after term {self._term} had begun")
        self._now += elapsed

    def _forked(self, act: Act, work: Callable[[Deeds], Any], place: int | None = None) -> _Process:
        """A process that does it; one that has a place beside others waits for its turn."""
        hearing, asking = os.pipe()
        listening, telling = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(hearing)
            os.close(telling)
            pipes = TurnPipes(asking, listening)
            self._be_the_child(act, work, pipes, place)
        os.close(asking)
        os.close(listening)
        return _Process(act, child, os.fdopen(hearing, "rb"), telling)

    def _be_the_child(
        self, act: Act, work: Callable[[Deeds], Any], pipes: TurnPipes, place: int | None
    ) -> NoReturn:
        loaded = set(sys.modules)
        turns = Turns(self._now, None if place is None else pipes)
        try:
            _be_quiet()
            turns.wait()
            process_identity.pretend_boot(f"boot-{self._boot}")
            self._arm(act.fault)
            answer: tuple[str, Any] = ("done", work(self._deeds(turns, place or 0)))
        except ManometerError as error:
            answer = ("refused", str(error))
        except BaseException:
            answer = ("raised", traceback.format_exc())
        try:
            modules = sorted(name for name in sys.modules.keys() - loaded if name.startswith(_OURS))
            with os.fdopen(pipes.asking, "wb") as pipe:
                pipe.write(json.dumps([*answer, modules, turns.elapsed]).encode())
        finally:
            os._exit(0)

    def _deeds(self, turns: Turns, number: int) -> Deeds:
        self._world.turns = turns
        name = f"{doings.AUTHOR}-{self._boot}" + (f"-{number}" if number else "")
        return Deeds(Machine(self.shop, self._backups, self._boot, self._skew, name), self._world, turns)

    def _work_of(self, act: Act) -> Callable[[Deeds], Any]:
        more = self._file_of(act.value) if act.what == "import" else None
        return lambda deeds: doings.doing(deeds, act.what, act.value, more)

    # ---- the disk ----

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

    def _make_safe(self) -> None:
        shutil.rmtree(self._safe, ignore_errors=True)
        shutil.copytree(self.shop, self._safe)
        self._record.write_bytes(b"")

    def _cut_power(self, act: Act) -> None:
        self._boot += 1
        self._skew, self._is_clock_known = 0, False  # a machine that starts sets its clock
        dice = Random(f"{self._seed} {self._boot} {act.words()}")  # noqa: S311 - to be repeated
        how = disk.cut_power(self.shop, self._safe, self._record.read_bytes(), dice)
        self._count(f"power_{how}")
        self._make_safe()

    # ---- what holds ----

    def _checked(self, *, is_quiet: bool, decided_at: Instant | None) -> list[str]:
        """What does not hold now; asked under no fault."""
        self._arm(None)
        try:
            problems, digest = history.judged(
                self.shop / DATABASE,
                self._known,
                self._world.offers(),
                is_quiet=is_quiet,
                decided_at=decided_at,
            )
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


def _load(modules: Sequence[str]) -> None:
    """Have what a child had to import, so that the next needs not."""
    for name in modules:
        with suppress(ImportError):
            importlib.import_module(name)


def _be_quiet() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
