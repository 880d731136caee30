"""Faults that the self-test must find: each breaks one promise in the process that plays. Run as a program
with the name of a fault and a request, it prints what the self-test makes of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from console.dispatch import journal, outcomes, sending
from console.intake import files
from console.selftest import player
from console.selftest.__main__ import SelftestRequest, rows
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

    def outcome_of(message: Any, outbound: Any, result: Any, grace: int) -> Any:
        told = Retry(result.reason) if isinstance(result, Uncertain) else result
        return outcomes.outcome_of(message, outbound, told, grace)

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


PLANTED: dict[str, Callable[[], None]] = {
    function.__name__: function
    for function in (
        nothing_is_noted_before_a_message_leaves,
        commits_are_not_forced_to_the_disk,
        an_uncertain_message_is_tried_again,
        an_event_that_was_taken_is_lost,
    )
}


def _put(owner: object, name: str, value: object) -> None:
    setattr(owner, name, value)


if __name__ == "__main__":
    PLANTED[sys.argv[1]]()
    for row in rows(SelftestRequest(**json.loads(sys.argv[2]))):
        print(json.dumps(row), flush=True)
