"""Who is in an audience now, who was at a past instant, and so who came and went. Instants are ms UTC.

The past is folded back from the log of events, customer by customer: what occurred by then, with the consents
of then. Who is known only since then was in none.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from core.engine.state import CustomerState
from core.instants import Instant
from core.limits.pressure import PressureRule
from core.model.audiences import AudienceChanges
from core.model.predicate import Predicate
from core.playbook.playbook import Playbook
from storage import search, segments
from storage.forecasts import previews
from storage.play.past import load_past

CHUNK: Final = 500
"""So many customers are folded back at once."""


def changes_since(
    connection: Connection,
    playbook: Playbook,
    predicate: Predicate,
    since: Instant,
    at: Instant,
    tell: Callable[[int, int], None] = lambda _, __: None,
) -> AudienceChanges:
    """Who came into an audience and who went since an instant; `tell` hears how many of how many were looked
    at. The connection shows customers as of `at`.
    """
    known = {name: each.condition for name, each in playbook.segments.items()}
    segments.prepare(connection)
    now = set(
        connection.execute(segments.those_in(predicate.condition, known, at).where(search.LIVING)).scalars()
    )
    asked, then = _reading(playbook, predicate), set[int]()
    people = previews.known_by(connection, since)
    for first in range(0, len(people), CHUNK):
        then.update(_in_it(connection, asked, predicate, people[first : first + CHUNK], since))
        tell(min(first + CHUNK, len(people)), len(people))
    return AudienceChanges(
        since, at, array("q", sorted(now - then)), array("q", sorted(then - now)), len(then), len(now)
    )


def _reading(playbook: Playbook, predicate: Predicate) -> Playbook:
    """The playbook with the condition among those whose events are kept in a dossier."""
    rule = PressureRule(name="", limit=None, gap=0, audience=predicate)
    return replace(playbook, rules=(*playbook.rules, rule))


def _in_it(
    connection: Connection, playbook: Playbook, predicate: Predicate, part: list[int], since: Instant
) -> set[int]:
    found = set()
    for identifier, dossier in load_past(connection, part, playbook, since, with_state=False).items():
        if dossier.erased_at is None or dossier.erased_at > since:
            state = CustomerState(dossier, playbook)
            state.now = since
            if state.holds(predicate):
                found.add(identifier)
    return found
