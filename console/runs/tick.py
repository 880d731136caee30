"""One pass of the engine: every customer whose next instant has come is played up to now, chunk by chunk.

A chunk is one transaction: dossiers are read, decided and written in it, so two passes at once cannot decide
the same step twice, and a crash leaves whole plans or none. Where a chunk fails its customers are played one
by one, and what fails by itself is set aside (`isolation`); so are, after all others, those of a chunk during
which the process was killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from console.clock import SIMULATED_AT
from console.quarantine.work_notes import WorkNote
from console.runs.isolation import Isolation, Played, play
from core.instants import Instant
from core.model.decisions import Decision
from core.model.dossier import Dossier, Plan
from core.playbook.playbook import Playbook
from storage.play import dossiers, plans
from storage.sqlite import StoreError
from storage.status import LAST_TICK_AT
from storage.store import Store, meta, set_meta

CHUNK = 200


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was written: whose, and the outbox id of its message."""

    customer: str
    decision: Decision
    message: int | None


def tick(
    store: Store,
    playbook: Playbook,
    now: Instant,
    progress: Callable[[int], None] | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[Decided]:
    """Play everyone who is due up to `now`; yields the decisions of each chunk once it is committed.

    What was due before now less the grace is decided as of then and marked late. `progress` is told how many
    customers each chunk had; `stopping` is asked between chunks, and ends the pass where it says so.
    """
    with WorkNote.open(store.path, "tick") as note:
        isolation = Isolation(store, playbook, now, note)
        isolation.look_back()
        while not stopping():
            alone: Sequence[int] = ()
            try:
                played, written = _chunk(store, now, isolation)
            except StoreError:
                raise
            except Exception:  # the border of a customer: whoever it was is found below
                alone = isolation.next_ids(CHUNK)
            else:
                if not played and isolation.put_off:
                    alone = isolation.suspects(CHUNK)
                    if not alone:
                        continue  # once more, to note the pass
            if alone:
                yield from _one_by_one(alone, isolation, progress, stopping)
                continue
            if not played:
                return
            if progress is not None:
                progress(len(played))
            yield from _named(played, written)


def _one_by_one(
    ids: Sequence[int],
    isolation: Isolation,
    progress: Callable[[int], None] | None,
    stopping: Callable[[], bool],
) -> Iterator[Decided]:
    for number in ids:
        if stopping():
            return
        played = isolation.play(number)
        if progress is not None:
            progress(1)
        yield from _named(*played)


def _chunk(store: Store, now: Instant, isolation: Isolation) -> Played:
    """Play the next customers in one transaction; where there are none, the pass is noted."""
    with store.writing() as connection:
        playbook = isolation.playbook(connection)
        left_out = isolation.left_out(connection) | isolation.put_off
        ids = dossiers.due_ids(connection, now, playbook.version, CHUNK, left_out)
        isolation.begin(ids)
        known = dossiers.load(connection, ids, playbook).values()
        played = play(known, playbook, now)
        if played:
            written = plans.save(connection, played, playbook.version)
            isolation.begin(())  # a kill while the disk is waited for accuses nobody
            return played, written
        if not isolation.put_off:
            _note(connection, now)
        return played, []


def _note(connection: Connection, now: Instant) -> None:
    """Remember the pass; in a workspace with a clock of its own that clock goes with it, never back."""
    last = meta(connection, LAST_TICK_AT)
    if last is None or int(last) < now:
        set_meta(connection, LAST_TICK_AT, str(now))
    simulated = meta(connection, SIMULATED_AT)
    if simulated is not None and int(simulated) < now:
        set_meta(connection, SIMULATED_AT, str(now))


def _named(
    played: list[tuple[Dossier, Plan]], written: list[tuple[Decision, int | None]]
) -> Iterator[Decided]:
    rows = iter(written)
    for dossier, plan in played:
        for _ in plan.decisions:
            decision, message = next(rows)
            yield Decided(dossier.key, decision, message)


def row(decided: Decided) -> dict[str, Any]:
    """A decision as `decisions`, `tick` and `preview` list it."""
    return decision_row(decided.customer, decided.decision, decided.message)


def decision_row(customer: str, decision: Decision, message: int | None = None) -> dict[str, Any]:
    """The fields of the contract; instants in milliseconds, `rules` as JSON text."""
    return {
        "at": decision.at,
        "customer": customer,
        "trigger": decision.trigger,
        "step": decision.step,
        "channel": decision.channel,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "until": decision.until,
        "late": decision.late,
        "rules": plans.rules_json(decision.rules) if decision.rules else "[]",
        "message": message,
    }
