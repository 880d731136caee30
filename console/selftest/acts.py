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
MOST_CHANGES: Final = {"import": 80, "tick": 80, "dispatch": 80}
"""About so many changes of the disk an act makes at most."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that is done. `what` names it, `value` says more, `fault` is what happens to the disk
    meanwhile.

    import N: batch N arrives (again). does CUSTOMER EVENT: one call arrives. tick, dispatch: one pass. later
    MS: time goes on. mood CHANNEL=MOOD: how a provider answers from now on. stop, go: the emergency stop.
    pause TRIGGER, resume TRIGGER. cut: the power fails. settle: passes over thirty days.
    """

    what: str
    value: str = ""
    fault: DiskFault | None = None

    def words(self) -> str:
        """As it stands in a report, and in a file of acts."""
        told = f"{self.what} {self.value}".rstrip()
        return told if self.fault is None else f"{told} [{self.fault.kind} at {self.fault.at}]"


def acts_of(seed: int, number: int, *, disk: bool) -> list[Act]:
    """So many acts of a seed; faults of the disk only where it can be made to fail."""
    dice = Random(f"{seed} acts")  # noqa: S311 - to be repeated
    batches = 0
    made: list[Act] = []
    while len(made) < number:
        what = dice.choices(
            ("import", "tick", "dispatch", "later", "mood", "stop", "pause"), (25, 25, 25, 20, 6, 2, 3)
        )[0]
        fault = _fault(dice, what, disk=disk) if what in MOST_CHANGES and dice.random() < 0.5 else None
        match what:
            case "import":
                again = batches and dice.random() < 0.2
                batch = dice.randrange(batches) if again else batches
                batches = max(batches, batch + 1)
                made.append(Act("import", str(batch), fault))
            case "later":
                span = dice.choice((MINUTE, 20 * MINUTE, HOUR, 5 * HOUR, DAY, 4 * DAY))
                made.append(Act("later", str(dice.randrange(span) + 1)))
            case "mood":
                mood = dice.choice((*MOODS, "well", "well", "moody", "moody"))
                made.append(Act("mood", f"{dice.choice(CHANNELS)}={mood}"))
            case "stop":
                made += [Act("stop"), Act("dispatch", fault=fault), Act("go")]
            case "pause":
                made += [Act("pause", "basket"), Act("tick", fault=fault), Act("resume", "basket")]
            case _:
                made.append(Act(what, fault=fault))
    return made[:number]


def _fault(dice: Random, what: str, *, disk: bool) -> DiskFault | None:
    """Early changes are hit more often than late ones: most acts make few."""
    kinds = (*(FAULTS if disk else ()), *((TAKEN,) if what == "dispatch" else ()))
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
    return [*calm, *(Act("import", batch) for batch in batches), Act("settle")]


# ---- in a file ----


def as_json(acts: Sequence[Act]) -> str:
    """A file of acts."""
    rows = [
        {"what": act.what, "value": act.value}
        | ({} if act.fault is None else {"fault": act.fault.kind, "at": act.fault.at})
        for act in acts
    ]
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def from_json(text: str) -> list[Act]:
    """The acts of such a file; ValueError or KeyError where it is none."""
    return [_act(json.loads(line)) for line in text.splitlines() if line.strip()]


def _act(row: Mapping[str, Any]) -> Act:
    fault = DiskFault(str(row["fault"]), int(row["at"])) if "fault" in row else None
    return Act(str(row["what"]), str(row.get("value", "")), fault)
