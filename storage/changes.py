"""Whether anything that people look at has changed, told cheaply: by the last keys of what only grows, and
the facts.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from sqlalchemy import Connection, func, select

from core.instants import MINUTE
from storage.lateness import HEARD
from storage.schema.consents import consents
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.identities import merges
from storage.schema.messages import messages
from storage.schema.operations import audit
from storage.schema.playbooks import playbooks
from storage.schema.workspace import facts
from storage.status import BOOKS, CLOCK_KNOWN, LAST_TICK_AT

Fingerprint: TypeAlias = tuple[object, ...]

GROWING: Final = (events, decisions, messages, enrolments, consents, merges, audit)
"""Tables that every act of a person or of the engine adds a row to; each has a key that grows, so that its
end is found at once.
"""

QUIET: Final = (BOOKS, CLOCK_KNOWN, HEARD)
"""Facts that the scheduler writes again and again, and that no screen shows."""


def fingerprint(connection: Connection) -> Fingerprint:
    """Differs once anything was taken in, decided, handed over or done; and once a minute while a scheduler
    ticks.

    What changes a row alone comes with a fact (a dispatch) or a line of the audit (an operator's act). Leases
    are not in it.
    """
    ends = [select(func.max(table.c.id)).scalar_subquery() for table in GROWING]
    last = select(*ends, select(func.max(playbooks.c.version)).scalar_subquery())
    told = select(facts.c.name, facts.c.value).where(facts.c.name.not_in(QUIET)).order_by(facts.c.name)
    known = connection.execute(told)
    return (*connection.execute(last).one(), *(_slowly(name, value) for name, value in known))


def _slowly(name: str, value: str) -> tuple[str, str]:
    return (name, str(int(value) // MINUTE)) if name == LAST_TICK_AT else (name, value)
