"""Faults that the self-test must find: each breaks one promise in the process that plays.

Each has a story aimed at it, acts that bring it to light on any machine: they name what happens, not the
number of a change of the disk, of which another SQLite makes more or fewer; and words of what the self-test
says then, so that it is found for what it is. Run as a program this prints, for each, what the self-test says
of its story, without the fault and with it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from console.backups import restoring
from console.dispatch import channel_backoff, journal, outcomes, passes, preparing, sending
from console.intake import files
from console.messages import handover
from console.runs import isolation
from console.safeguards import clock_guard, stop_file
from console.selftest import deeds
from console.selftest.acts import Act
from console.selftest.disk import DiskFault
from console.selftest.player import Player, warm_up
from core.engine import arrivals, goals, guards, last_look, merges, placement
from core.instants import DAY, HOUR, MINUTE
from core.limits import brake, pressure
from core.model.delivery import Accepted, Permanent, Retry, Uncertain
from storage import audit, copying, leases, pauses, quarantine, restored, sqlite, store
from storage.intake import batch
from storage.outbox import dispatch as outbox
from storage.play import dossiers, plans


@dataclass(frozen=True, slots=True)
class PlantedFault:
    """A fault, its story, and words of what the self-test has to say."""

    plant: Callable[[], None]
    story: Sequence[str]
    shows: str

    def acts(self) -> list[Act]:
        """The story as acts: ` / taken 2` at the end of one is its fault, ` | ` stands between those that are
        done at once.
        """
        return [_act(words) for words in self.story]


def _act(words: str) -> Act:
    pace, _, several = words.partition(" beside ")
    if several:
        beside = tuple(map(_act, several.split(" | ")))
        return Act("beside", "slow" if pace == "slowly" else "", beside=beside)
    told, _, fault = words.partition(" / ")
    what, _, value = told.partition(" ")
    kind, _, at = fault.partition(" ")
    return Act(what, value, DiskFault(kind, int(at)) if fault else None)


PLANTED: dict[str, PlantedFault] = {}


def planted(*story: str, shows: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Enter a fault into the table."""

    def enter(plant: Callable[[], None]) -> Callable[[], None]:
        PLANTED[plant.__name__] = PlantedFault(plant, story, shows)
        return plant

    return enter


def put(owner: object, name: str, value: object) -> None:
    """Plant it."""
    setattr(owner, name, value)


def nothing(*_: Any, **__: Any) -> None:
    """What a fault does in place of a function."""


LATER: Final = f"later {2 * HOUR}"
BASKETS: Final = ("crowd 6 Checkout Started", LATER, "tick")
FOUR: Final = ("does c0 Checkout Started",) * 4
TWICE: Final = "left 2 times"
LOST: Final = "calls were acknowledged"

# ---- intake ----


@planted("import 0", shows=LOST)
def an_event_that_was_taken_is_lost() -> None:
    def import_file(into: Any, *args: Any, **named: Any) -> Any:
        result = usual(into, *args, **named)
        with into.writing() as connection:
            connection.exec_driver_sql("DELETE FROM arrivals")
            connection.exec_driver_sql("DELETE FROM events WHERE id = (SELECT max(id) FROM events)")
        return result

    usual = files.import_file
    put(deeds, "import_file", import_file)


@planted("import 0", "import 1", "cut", "import 2", "cut", "import 3", "cut", shows=LOST)
def commits_are_not_forced_to_the_disk() -> None:
    usual = [each for each in sqlite._SETTINGS if not each.startswith("synchronous")]
    put(sqlite, "_SETTINGS", (*usual, "synchronous=OFF"))


@planted(*(f"import {number}" for number in range(8)), shows="its import says")
def a_refused_line_is_not_counted() -> None:
    usual = files.import_file
    put(deeds, "import_file", lambda *args, **named: replace(usual(*args, **named), rejected=0))


@planted("import 0", "import 0", shows="its import says")
def what_is_known_already_counts_as_taken() -> None:
    def import_file(*args: Any, **named: Any) -> Any:
        result = usual(*args, **named)
        return replace(result, taken=result.taken + result.duplicate)

    usual = files.import_file
    put(deeds, "import_file", import_file)


@planted("import 0", "import 0", shows="0 taken, 0 duplicate")
def an_event_that_is_told_again_is_taken_again() -> None:
    put(batch, "_fresh", lambda _, incoming: [True] * len(incoming))


@planted("tick", "does c0 Product Viewed", "tick", "does c0 Checkout Started", "tick", shows="not looked at")
def a_customer_is_not_woken_by_an_event() -> None:
    put(batch._Customer, "fall_due", nothing)


@planted("tick", f"later {MINUTE}", *BASKETS, shows="nothing was ever decided")
def an_event_is_kept_and_not_queued_for_the_engine() -> None:
    put(batch._Batch, "await_engine", nothing)


@planted("does c0 Unsubscribed", *BASKETS, "dispatch", shows="had unsubscribed")
def a_word_of_consent_is_not_kept() -> None:
    put(batch._Batch, "note_consents", lambda *_: "")


# ---- decisions ----


@planted(*FOUR, LATER, "tick", "dispatch", shows="got 3 contacts")
def contact_pressure_is_not_asked() -> None:
    put(placement, "next_legal", lambda at, *_, **__: at)
    put(placement, "violations", lambda *_, **__: [])


@planted(*FOUR, LATER, "tick", "dispatch", shows="got 3 contacts")
def a_limit_lets_one_more_through() -> None:
    own, later = pressure._own_objections, pressure._later_objections
    put(pressure, "_own_objections", lambda asked, limit, window: own(asked, limit + 1, window))
    put(pressure, "_later_objections", lambda asked, limit, window: later(asked, limit + 1, window))


@planted(*FOUR, LATER, "tick", "dispatch", shows="got 3 contacts")
def a_message_that_is_planned_does_not_count() -> None:
    put(pressure.Ledger, "add", nothing)


@planted(
    "does c0 Checkout Started", LATER, "tick", "dispatch", f"later {DAY}", "does c0 Checkout Started", LATER,
    "tick", "dispatch", "does c0 Checkout Started", LATER, "tick", "dispatch",
    shows="got 3 contacts",
)  # fmt: skip
def what_was_sent_does_not_count() -> None:
    put(dossiers, "_add_contacts", nothing)


@planted(
    "does c0 Checkout Started", LATER, "tick", "dispatch", f"later {DAY}", "does c0 Checkout Started", LATER,
    "tick", "dispatch", "does c0 Checkout Started", LATER, "tick", "dispatch",
    shows="got 3 contacts",
)  # fmt: skip
def what_was_sent_gives_its_room_back() -> None:
    put(outbox, "RELEASING", outbox.RELEASING | {"sent"})


@planted(f"later {15 * HOUR}", "does c0 Order Completed", "tick", "dispatch", shows="out of its hours")
def the_hours_of_a_channel_are_not_asked_for() -> None:
    put(placement, "opens", lambda _, at, __: at)


@planted(
    "mood sms=down", f"later {3 * HOUR}", "does c0 Order Completed", "tick", "dispatch", f"later {13 * HOUR}",
    "mood sms=well", "dispatch",
    shows="out of its hours",
)  # fmt: skip
def what_is_tried_again_goes_out_at_any_hour() -> None:
    put(preparing.MessagePreparer, "_outside_window", nothing)


@planted(
    "does c0 Checkout Started", f"later {30 * MINUTE}", "does c0 Order Completed", LATER, "tick", "dispatch",
    shows="was bought",
)  # fmt: skip
def a_goal_is_overlooked() -> None:
    for module in (arrivals, goals, last_look, merges):
        if hasattr(module, "ends"):
            put(module, "ends", lambda *_: False)


@planted(*BASKETS, "does c1 Order Completed", "dispatch", shows="was bought")
def no_last_look_is_taken() -> None:
    put(preparing, "last_look", nothing)


@planted(*BASKETS, "does c1 Unsubscribed", "dispatch", shows="had unsubscribed")
def the_last_look_does_not_ask_for_consent() -> None:
    others = [each for each in guards.OF_CHANNEL if each is not guards.consent_given]
    put(last_look, "OF_CHANNEL", tuple(others))


@planted("tick", f"later {MINUTE}", *BASKETS, shows="do not balance")
def a_decision_is_not_kept() -> None:
    put(plans, "_save_decisions", nothing)


@planted(*BASKETS, shows="do not balance")
def a_message_is_planned_and_not_kept() -> None:
    def save(connection: Any, *args: Any) -> Any:
        written = usual(connection, *args)
        connection.exec_driver_sql("DELETE FROM messages")
        return written

    usual = plans.save
    put(plans, "save", save)


@planted(*BASKETS, "dispatch", shows=" left to ")
def messages_go_to_another_address() -> None:
    def hand_over(adapter: Any, outbound: Any, *others: Any) -> Any:
        return usual(adapter, replace(outbound, address="c5@example.ch"), *others)

    usual = handover.hand_over
    put(sending, "hand_over", hand_over)


@planted(*BASKETS, "dispatch", shows="is in no outbox")
def messages_go_out_under_another_key() -> None:
    def hand_over(adapter: Any, outbound: Any, *others: Any) -> Any:
        return usual(adapter, replace(outbound, key=f"{outbound.key}x"), *others)

    usual = handover.hand_over
    put(sending, "hand_over", hand_over)


# ---- what is set aside ----


def _fail(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a fault that was planted")


@planted("crowd 6 Checkout Started", LATER, "poison c2", "tick", shows="raised")
def one_broken_customer_stops_the_tick() -> None:
    put(isolation.Isolation, "play", _fail)


@planted("tick", f"later {MINUTE}", "crowd 6 Checkout Started", LATER, "poison c2", "tick", "heal", "release",
         shows="c2 left a basket")  # fmt: skip
def what_was_released_stays_aside() -> None:
    put(quarantine, "release", lambda connection, identifier, *_: quarantine.named(connection, identifier))


# ---- the outbox ----


@planted(*BASKETS, *("quickly beside dispatch | dispatch | dispatch",) * 2, shows="uncertain")
def a_living_dispatcher_is_taken_for_dead() -> None:
    put(passes, "is_gone", lambda _: True)


@planted(*BASKETS, "dispatch / taken 2", shows="wait for ever")
def what_a_kill_left_is_not_taken_up() -> None:
    put(outbox, "recover", lambda *_: outbox.Recovered())


@planted(*BASKETS, "dispatch / taken 2", "dispatch", shows=TWICE)
def nothing_is_noted_before_a_message_leaves() -> None:
    put(journal.Journal, "begun", nothing)


@planted(*BASKETS, "dispatch / taken 3", "dispatch", shows="uncertain")
def what_became_of_a_message_is_not_noted() -> None:
    put(journal.Journal, "ended", nothing)


@planted(*BASKETS, "dispatch / taken 2", "dispatch", shows=TWICE)
def what_was_begun_counts_as_not_begun() -> None:
    read = journal._Notes.read

    def forget(self: Any, line: str) -> None:
        read(self, line)
        self.begun.clear()

    put(journal._Notes, "read", forget)


@planted(*BASKETS, "dispatch", f"later {HOUR}", "dispatch", shows="uncertain")
def marks_are_not_written() -> None:
    put(outbox, "mark", lambda _, __, marks, ___: list(marks))


def _heard_as(kind: type, instead: Any) -> None:
    usual = outcomes.outcome_of

    def outcome_of(message: Any, outbound: Any, result: Any, *others: Any) -> Any:
        return usual(message, outbound, instead(result) if isinstance(result, kind) else result, *others)

    put(sending, "outcome_of", outcome_of)


@planted(*BASKETS, "mood email=mute", "dispatch", shows=TWICE)
def an_uncertain_message_is_tried_again() -> None:
    _heard_as(Uncertain, lambda result: Retry(result.reason))


@planted(*BASKETS, "mood email=mute", "dispatch", shows="said to be failed")
def an_uncertain_message_is_called_failed() -> None:
    _heard_as(Uncertain, lambda result: Permanent(result.reason, before_asking=True))


@planted(*BASKETS, "mood email=later", "dispatch", shows="failed after the provider said")
def what_may_pass_counts_as_final() -> None:
    _heard_as(Retry, lambda result: Permanent(result.reason, before_asking=True))


@planted(*BASKETS, "mood email=refused", "dispatch", shows="never left")
def a_refusal_counts_as_taken() -> None:
    _heard_as(Permanent, lambda _: Accepted())


@planted(*BASKETS, f"later {9 * DAY}", "dispatch", shows="after its time was over")
def what_is_over_goes_out() -> None:
    put(outbox, "expire", lambda *_: 0)
    put(preparing.MessagePreparer, "_looked_at", lambda _, message, *__: (message, None))
    put(preparing.MessagePreparer, "_outside_window", nothing)


# ---- channels ----


@planted(*BASKETS, "mood email=dead", "dispatch", shows="which is dead")
def a_dead_address_is_not_remembered() -> None:
    put(outbox, "note_bounce", nothing)


@planted(*BASKETS, "mood email=dead", "dispatch", shows="which is dead")
def a_suppressed_address_is_not_asked_for() -> None:
    put(dossiers, "add_suppressions", nothing)


@planted(
    "crowd 40 Checkout Started", LATER, "tick", "mood email=refused", "dispatch", shows="one after the other"
)
def nothing_brakes_a_channel_that_refuses() -> None:
    put(brake.BrakeRecord, "why_braked", nothing)


@planted(*BASKETS, "mood email=down", "dispatch", shows="one after the other")
def a_channel_that_is_down_is_asked_for_each_message() -> None:
    put(sending.MessageSender, "_judge", nothing)
    put(channel_backoff.ChannelBackoffs, "note_result", nothing)


# ---- stops ----


@planted(*BASKETS, "stop", "dispatch", shows="during the emergency stop")
def a_stop_is_not_heard() -> None:
    put(pauses, "all_of", lambda _: ())
    put(pauses, "current", lambda *_: {})


@planted(*BASKETS, "stopfile", "dispatch", shows="during the emergency stop")
def the_file_stop_is_not_looked_at() -> None:
    put(stop_file.StopFile, "mark", nothing)
    put(stop_file.StopFile, "read", nothing)


@planted(*BASKETS, "pause basket", "dispatch", shows="while it was paused")
def the_pause_of_a_trigger_is_not_heard() -> None:
    usual = pauses.current
    put(pauses, "all_of", lambda _: ())
    put(pauses, "current", lambda *args: {k: v for k, v in usual(*args).items() if k != "basket"})


@planted(*BASKETS, f"wall {3 * HOUR}", "dispatch", shows="while the clock was wrong")
def a_clock_that_jumped_is_believed() -> None:
    put(clock_guard, "objection", nothing)


# ---- who leads ----


@planted(*BASKETS, *("slowly beside lead | lead | lead",) * 6, shows="wrote after term")
def who_was_replaced_goes_on_writing() -> None:
    put(leases, "fence", nothing)


@planted(*BASKETS, *("slowly beside lead | lead | lead",) * 2, shows="lived")
def a_lease_is_taken_from_one_who_lives() -> None:
    put(leases.Lease, "is_live", lambda *_: False)


# ---- backups, audit, disk ----


@planted(*BASKETS, "backup", "dispatch", "restore", "dispatch", shows="emergency stop")
def sending_goes_on_after_a_restore() -> None:
    put(restored, "hold_sending", lambda *_: 0)


@planted(*BASKETS, "backup", "dispatch", "restore", "compare", "go", "dispatch", shows=TWICE)
def the_records_of_the_channels_are_not_taken_over() -> None:
    put(restored, "_mark_sent", nothing)


@planted("import 0", "backup", "import 1", "restore", shows=LOST)
def a_restore_puts_an_empty_database_there() -> None:
    def put_in_place(part: Any, database: Any) -> None:
        usual(part, database)
        with store.Store.open(database) as opened, opened.writing() as connection:
            connection.exec_driver_sql("DELETE FROM arrivals")
            connection.exec_driver_sql("DELETE FROM events WHERE id = (SELECT max(id) FROM events)")

    usual = copying.put_in_place
    put(restoring, "put_in_place", put_in_place)


@planted("tick", "pause basket", "resume basket", shows="the audit does not hold")
def the_audit_is_not_chained() -> None:
    usual = audit._head
    put(audit, "_head", lambda *args: (usual(*args)[0], "0" * 64))


@planted("import 0", "import 1 / full 1", shows="raised")
def a_full_disk_is_told_as_a_traceback() -> None:
    put(store, "_in_words", lambda _: nullcontext())


# ---- played ----

LONGEST: Final = 150.0
"""Seconds that a story may take; an idle machine takes two or three."""


def played(fault: PlantedFault, folder: Path, *, is_planted: bool) -> list[str]:
    """What the self-test says of the story, in a process of its own; nothing where that does not end."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(reading)
        said = ["the process broke off"]
        try:
            if is_planted:
                fault.plant()
            found = Player(folder, 1).play(fault.acts()).failure
            said = [] if found is None else list(found.problems)
        finally:
            with os.fdopen(writing, "w") as pipe:
                json.dump(said, pipe)
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        if not select.select([pipe], [], [], LONGEST)[0]:
            os.killpg(child, signal.SIGKILL)
        told = pipe.read()
    os.waitpid(child, 0)
    answer: list[str] = json.loads(told or "[]")
    return answer


def all_played(names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A row for each fault: what was said without it, and with it."""
    with tempfile.TemporaryDirectory(prefix="manometer-planted-") as folder:
        warm_up(Path(folder) / "warm")
        known: dict[tuple[str, ...], list[str]] = {}
        for name in names:
            fault = PLANTED[name]
            story = tuple(fault.story)
            if story not in known:
                known[story] = played(fault, Path(folder) / f"{name}-without", is_planted=False)
            said = played(fault, Path(folder) / name, is_planted=True)
            yield {"name": name, "without": known[story], "said": said}


if __name__ == "__main__":
    for row in all_played(sys.argv[1:] or list(PLANTED)):
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()
