"""What can be done to a workspace in the self-test, and the acts that a seed makes. Durations are ms."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from console.selftest.disk import DiskFault
from console.selftest.provider import MOODS
from console.selftest.world import CHANNELS
from core.instants import DAY, HOUR, MINUTE

FAULTS: Final = ("kill", "power", "io", "full")
TAKEN: Final = "taken"
"""The fault that needs no failing disk: the process ends once a provider took a message."""
MOST_CHANGES: Final = {"import": 80, "tick": 80, "dispatch": 80, "lead": 80}
"""About so many changes of the disk an act makes at most."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that is done. `what` names it, `value` says more, `fault` is what happens to the disk
    meanwhile.

    import N: batch N arrives (again). does CUSTOMER EVENT: one call arrives; crowd N EVENT: of N customers.
    tick, dispatch: one pass. lead: both, as a leader. later MS: time goes on. mood CHANNEL=MOOD: how a
    provider answers from now on. stop, go: the emergency stop; stopfile: by the file. pause TRIGGER, resume
    TRIGGER. cut: the power fails. wall MS: the machine's clock is ahead by so much; confirm: an operator says
    that it is right. poison CUSTOMER, heal: what is known of a customer is broken, and mended. release: what
    was set aside is tried again. backup, restore, compare. beside: several of these at once; with `slow` much
    time goes by meanwhile. settle: passes over thirty days.
    """

    what: str
    value: str = ""
    fault: DiskFault | None = None
    beside: tuple[Act, ...] = ()
    """What is done at once, in turns that the seed chooses."""

    def words(self) -> str:
        """As it stands in a report, and in a file of acts."""
        if self.beside:
            return f"{self.what} {' | '.join(act.words() for act in self.beside)}"
        told = f"{self.what} {self.value}".rstrip()
        return told if self.fault is None else f"{told} [{self.fault.kind} at {self.fault.at}]"


_HABITS: Final = {
    "import": 22, "tick": 22, "dispatch": 22, "later": 20, "beside": 8, "mood": 6, "stop": 2, "stopfile": 1,
    "pause": 3, "wall": 3, "poison": 1, "release": 1, "backup": 2, "restore": 1,
}  # fmt: skip
"""How often what is done."""
_LIES: Final = (-20 * DAY, -3 * HOUR, 3 * HOUR, 20 * DAY)


def acts_of(seed: int, number: int, *, disk: bool) -> list[Act]:
    """So many acts of a seed; faults of the disk only where it can be made to fail."""
    return _ActMaker(Random(f"{seed} acts"), disk).made(number)  # noqa: S311 - to be repeated


class _ActMaker:
    """The acts of a seed."""

    def __init__(self, dice: Random, disk: bool) -> None:
        self._dice = dice
        self._disk = disk
        self._batches = 0

    def made(self, number: int) -> list[Act]:
        """So many acts."""
        found: list[Act] = []
        while len(found) < number:
            found += self._next(self._dice.choices(list(_HABITS), list(_HABITS.values()))[0])
        return found[:number]

    def _next(self, what: str) -> Sequence[Act]:
        dice = self._dice
        match what:
            case "import" | "tick" | "dispatch":
                return [self._work(what)]
            case "later":
                span = dice.choice((MINUTE, 20 * MINUTE, HOUR, 5 * HOUR, DAY, 4 * DAY))
                return [Act("later", str(dice.randrange(span) + 1))]
            case "mood":
                mood = dice.choice((*MOODS, "well", "well", "moody", "moody"))
                return [Act("mood", f"{dice.choice(CHANNELS)}={mood}")]
            case "beside":
                works = ("import", "tick", "dispatch", "dispatch", "lead", "lead")
                several = [self._work(dice.choice(works)) for _ in range(dice.choice((2, 2, 3)))]
                return [Act("beside", dice.choice(("", "slow")), beside=tuple(several))]
            case "stop" | "stopfile":
                return [Act(what), self._work("tick"), self._work("dispatch"), Act("go")]
            case "pause":
                return [Act("pause", "basket"), self._work("tick"), Act("resume", "basket")]
            case "wall":
                lie = Act("wall", str(dice.choice(_LIES)))
                return [lie, self._work("tick"), self._work("dispatch"), Act("wall", "0"), Act("confirm")]
            case "poison":
                poor = Act("poison", f"c{dice.randrange(4 * self._batches + 3)}")
                return [poor, self._work("tick"), self._work("dispatch"), Act("heal"), Act("release")]
            case "restore":
                return [Act("restore"), self._work("tick"), Act("compare"), Act("go")]
        return [Act(what)]

    def _work(self, what: str) -> Act:
        fault = None
        if what in MOST_CHANGES and self._dice.random() < 0.5:
            fault = _fault(self._dice, what, disk=self._disk)
        if what != "import":
            return Act(what, fault=fault)
        again = self._batches and self._dice.random() < 0.2
        batch = self._dice.randrange(self._batches) if again else self._batches
        self._batches = max(self._batches, batch + 1)
        return Act("import", str(batch), fault)


def _fault(dice: Random, what: str, *, disk: bool) -> DiskFault | None:
    """Early changes are hit more often than late ones: most acts make few."""
    kinds = (*(FAULTS if disk else ()), *((TAKEN,) if what in ("dispatch", "lead") else ()))
    if not kinds:
        return None
    kind = dice.choice(kinds)
    most = 8 if kind == TAKEN else MOST_CHANGES[what]
    return DiskFault(kind, int(most ** dice.random()))


def sweep(stride: int) -> Iterator[list[Act]]:
    """A small story played again and again, each time with another fault at another change of one of its
    acts; every change is met with a stride of 1.
    """
    story = [
        Act("import", "0"),
        Act("later", str(2 * HOUR)),
        Act("tick"),
        Act("later", str(5 * HOUR)),
        Act("import", "1"),
        Act("tick"),
        Act("dispatch"),
    ]
    number = 0
    for place, act in enumerate(story):
        for kind in FAULTS if act.what in MOST_CHANGES else ():
            number += 1
            for at in range(1 + number % stride, MOST_CHANGES[act.what] + 1, stride):
                yield [*story[:place], replace(act, fault=DiskFault(kind, at)), *story[place + 1 :]]


def quiet_end(batches: Iterable[str]) -> Sequence[Act]:
    """What brings everything to its end: every batch is told again, nothing fails any more, and time goes on
    until nothing waits.
    """
    calm = [Act("mood", f"{channel}=well") for channel in CHANNELS]
    again = [Act("import", batch) for batch in batches]
    right = [Act("wall", "0"), Act("confirm"), Act("heal"), Act("release")]
    going = [Act("resume", "basket"), Act("tick"), Act("compare"), Act("go")]
    return [*calm, *right, *again, *going, Act("settle")]


# ---- in a file ----


def as_json(acts: Sequence[Act]) -> str:
    """A file of acts."""
    return "".join(f"{json.dumps(_row(act))}\n" for act in acts)


def from_json(text: str) -> list[Act]:
    """The acts of such a file; ValueError or KeyError where it is none."""
    return [_act(json.loads(line)) for line in text.splitlines() if line.strip()]


def _row(act: Act) -> dict[str, Any]:
    row: dict[str, Any] = {"what": act.what, "value": act.value}
    if act.fault is not None:
        row |= {"fault": act.fault.kind, "at": act.fault.at}
    if act.beside:
        row["beside"] = [_row(each) for each in act.beside]
    return row


def _act(row: Mapping[str, Any]) -> Act:
    fault = DiskFault(str(row["fault"]), int(row["at"])) if "fault" in row else None
    beside = tuple(_act(each) for each in row.get("beside", ()))
    return Act(str(row["what"]), str(row.get("value", "")), fault, beside)
