"""Faults that the self-test must find: each breaks one promise in the process that plays. Run as a program
with the name of a fault and a file to write its acts to, it prints what the self-test makes of them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.dispatch import journal, outcomes, sending
from console.intake import files
from console.selftest import player
from console.selftest.__main__ import SelftestRequest, rows
from console.selftest.acts import TAKEN, Act, as_json
from console.selftest.disk import DiskFault
from core.instants import HOUR
from core.model.delivery import Retry, Uncertain
from storage import sqlite


def nothing_is_noted_before_a_message_leaves() -> None:
    """After a kill nobody knows that it may have left."""
    _put(journal.Journal, "begun", lambda *_: None)


def commits_are_not_forced_to_the_disk() -> None:
    """What was acknowledged is lost with the power."""
    usual = [each for each in sqlite._SETTINGS if not each.startswith("synchronous")]
    _put(sqlite, "_SETTINGS", (*usual, "synchronous=OFF"))


def an_uncertain_message_is_tried_again() -> None:
    """Whoever got it gets it twice."""

    def outcome_of(message: Any, outbound: Any, result: Any, *others: Any) -> Any:
        told = Retry(result.reason) if isinstance(result, Uncertain) else result
        return outcomes.outcome_of(message, outbound, told, *others)

    _put(sending, "outcome_of", outcome_of)


def an_event_that_was_taken_is_lost() -> None:
    """The summary of an import says more than is kept."""

    def import_file(*args: Any, **named: Any) -> Any:
        result = files.import_file(*args, **named)
        if result.taken:
            with args[0].writing() as connection:
                connection.exec_driver_sql("DELETE FROM arrivals")
                connection.exec_driver_sql("DELETE FROM events WHERE id = (SELECT max(id) FROM events)")
        return result

    _put(player, "import_file", import_file)


@dataclass(frozen=True, slots=True)
class PlantedFault:
    """A fault, the acts that bring it to light on any machine, and words of what the self-test says then.
    They name what happens, not the number of a change of the disk, of which another SQLite makes more or
    fewer.
    """

    plant: Callable[[], None]
    story: Sequence[str]
    shows: str

    def acts(self) -> list[Act]:
        """The story as acts; `taken N` at the end of one is its fault."""
        return [_act(words) for words in self.story]


def _act(words: str) -> Act:
    told, _, after = words.partition(" / taken ")
    what, _, value = told.partition(" ")
    return Act(what, value, DiskFault(TAKEN, int(after)) if after else None)


_BASKETS = (*(f"does c{number} Checkout Started" for number in range(6)), f"later {2 * HOUR}", "tick")
PLANTED: dict[str, PlantedFault] = {
    each.plant.__name__: each
    for each in (
        PlantedFault(
            nothing_is_noted_before_a_message_leaves,
            (*_BASKETS, "dispatch / taken 2", "dispatch"),
            "left 2 times",
        ),
        PlantedFault(
            commits_are_not_forced_to_the_disk,
            [words for number in range(6) for words in (f"import {number}", "cut")],
            "calls were acknowledged",
        ),
        PlantedFault(
            an_uncertain_message_is_tried_again, (*_BASKETS, "mood email=mute", "dispatch"), "left 2 times"
        ),
        PlantedFault(an_event_that_was_taken_is_lost, ("import 0",), "calls were acknowledged"),
    )
}


def _put(owner: object, name: str, value: object) -> None:
    setattr(owner, name, value)


if __name__ == "__main__":
    fault = PLANTED[sys.argv[1]]
    file = Path(sys.argv[2])
    file.write_text(as_json(fault.acts()), encoding="utf-8")
    fault.plant()
    for row in rows(SelftestRequest(file=str(file), shrinks=False)):
        print(json.dumps(row), flush=True)
