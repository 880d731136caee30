"""What must hold in a workspace of the self-test, whatever happened to it, judged from its tables and from
what the world outside knows; nothing of the engine is asked.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select, text

from console.selftest.provider import Offer
from console.selftest.world import CHANNELS, LIMIT, OPEN, ZONE, address_of
from core.instants import HOUR, MINUTE, Instant, local, parse_instant
from core.model.reasons import Reason
from storage import status
from storage.audit_proof import prove
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.intake import arrivals
from storage.schema.messages import messages
from storage.schema.playbooks import playbooks
from storage.schema.quarantine import quarantine
from storage.store import Store

_OPEN = frozenset({"planned", "held", "due", "claimed"})
_MAY_BE_OUT = frozenset({"sent", "uncertain", "claimed"})
_VOLATILE = ("claimed_by", "claimed_until")
_TEMPORARY = frozenset({"down", "later", "misconfigured"})
_TOLERANCE = 30 * MINUTE
"""A message that was planned in time may leave so long after its hours: the grace, and a slow provider."""


_LATE = 3 * HOUR
_MOST_IN_A_RUN = {"refused": 14, "down": 1, "misconfigured": 1, "lost": 4, "mute": 4}


@dataclass(slots=True)
class Known:
    """What is known outside of the workspace of what it was told."""

    told: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The lines of each batch."""
    acknowledged: dict[str, tuple[int, Instant]] = field(default_factory=dict)
    """The batches of which it was said that they are taken in, with the number of messages that had been
    offered to providers by then, and when.
    """
    summaries: dict[str, Sequence[int]] = field(default_factory=dict)
    """What was said of each: lines read, taken, known already, refused."""
    kills: int = 0
    """Passes that were killed."""
    is_unsure: bool = False
    """More happened than kills of a pass, so that any message may be one of which nobody knows."""
    was_paused: bool = False
    """A trigger was paused, which enrols nobody meanwhile."""
    forgotten: set[str] = field(default_factory=set)
    """Messages that left after a backup that was restored: the workspace need not know them."""
    seen: list[str] = field(default_factory=list)
    """What did not hold while acts were done."""

    def acknowledge(self, batch: str, offered: int, at: Instant) -> None:
        """It was said that a batch is taken in."""
        self.acknowledged.setdefault(batch, (offered, at))

    def copy(self) -> Known:
        """One of its own."""
        return Known(
            dict(self.told),
            dict(self.acknowledged),
            dict(self.summaries),
            self.kills,
            self.is_unsure,
            self.was_paused,
            set(self.forgotten),
            list(self.seen),
        )


def judged(
    database: Path, known: Known, offers: Sequence[Offer], *, is_quiet: bool, decided_at: Instant | None
) -> tuple[list[str], str]:
    """What does not hold, in words, and a digest of all rows. `is_quiet`: everything has come to its end;
    `decided_at`: when a tick has just been over everybody.
    """
    if not database.exists():
        lost = ["the database is gone"] if known.acknowledged or offers else []
        return lost, ""
    with Store.open(database) as store, store.reading() as connection:
        problems = list(_problems(connection, known, offers, is_quiet))
        if decided_at is not None:
            problems += _waiting(connection, decided_at)
        return problems, _digest(connection)


def _problems(connection: Connection, known: Known, offers: Sequence[Offer], is_quiet: bool) -> Iterator[str]:
    left = [each for each in offers if each.is_taken]
    yield from known.seen
    yield from _damage(connection)
    books = status.conservation(connection)
    if not books["holds"]:
        yield f"the books do not balance: {json.dumps(books)}"
    proof = prove(connection)
    if proof.fault is not None:
        yield f"the audit does not hold: {proof.fault}"
    yield from _events(connection, known)
    yield from _summaries(known)
    yield from _messages(connection, known, left, is_quiet)
    yield from _answers(connection, known, offers)
    yield from _pressure(connection, [each for each in left if each.key not in known.forgotten])
    yield from _hours(left)
    yield from _places(connection, known, left)
    yield from _runs(offers)
    yield from _doubts(connection, known, offers)
    yield from _wishes(connection, known, offers)
    if is_quiet:
        yield from _left_over(connection, known)


def _damage(connection: Connection) -> Iterator[str]:
    found = connection.execute(text("PRAGMA integrity_check")).scalars().all()
    if found != ["ok"]:
        yield f"the database is damaged: {found[:3]}"
    if broken := connection.execute(text("PRAGMA foreign_key_check")).fetchmany(3):
        yield f"rows refer to what is not there: {[tuple(row) for row in broken]}"


def _ids(lines: Sequence[str]) -> set[str]:
    found = set()
    for line in lines:
        try:
            found.add(json.loads(line)["messageId"])
        except ValueError:
            continue
    return found


def _events(connection: Connection, known: Known) -> Iterator[str]:
    """What was acknowledged is there, nothing is there twice, nothing that was never told."""
    kept = connection.execute(select(func.count()).select_from(events)).scalar_one()
    least = set().union(*(_ids(known.told[batch]) for batch in known.acknowledged), set())
    most = set().union(*map(_ids, known.told.values()), set())
    if kept < len(least):
        yield f"{len(least)} calls were acknowledged, and {kept} are kept"
    if kept > len(most):
        yield f"{len(most)} calls were told, and {kept} are kept"


def _summaries(known: Known) -> Iterator[str]:
    """What an import says of itself adds up, and refused is what cannot be read, and nothing else."""
    for batch, (read, taken, duplicate, rejected) in known.summaries.items():
        lines = known.told[batch]
        broken = sum(1 for line in lines if not _is_json(line))
        if (read, rejected) != (len(lines), broken) or read != taken + duplicate + rejected:
            yield (
                f"batch {batch} has {len(lines)} lines, {broken} of them broken, and its import says: {read} "
                f"read, {taken} taken, {duplicate} duplicate, {rejected} rejected"
            )


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _messages(connection: Connection, known: Known, left: Sequence[Offer], is_quiet: bool) -> Iterator[str]:
    """What is said of each message is so outside."""
    columns = (messages.c.key, messages.c.channel, messages.c.state, messages.c.reason, messages.c.error)
    rows = connection.execute(select(*columns)).all()
    states = {row.key: row.state for row in rows}
    out = Counter((each.channel, each.key) for each in left)
    for (channel, key), times in out.items():
        if channel == "email" and times > 1:
            yield f"{key} left {times} times over {channel}"
        if key in known.forgotten:
            continue
        if key not in states:
            yield f"{key} left over {channel} and is in no outbox"
        elif states[key] in ("failed", "cancelled", "expired") or (
            is_quiet and states[key] not in _MAY_BE_OUT
        ):
            yield f"{key} left over {channel} and is said to be {states[key]}"
    gone = {key for _, key in out}
    for row in rows:
        if row.state == "sent" and row.key not in gone:
            yield f"{row.key} is said to be sent over {row.channel} and never left"
        if row.reason == Reason.TEMPLATE_ERROR:
            yield f"{row.key} could not be made, and nothing is wrong with its template: {row.error}"


def _answers(connection: Connection, known: Known, offers: Sequence[Offer]) -> Iterator[str]:
    """Nothing fails for what passes, and nothing goes to an address that the provider called dead."""
    answers = defaultdict(list)
    for each in offers:
        answers[each.key].append(each.said)
    columns = (messages.c.key, messages.c.attempts, messages.c.error, messages.c.address)
    failed = connection.execute(select(*columns).where(messages.c.state == "failed")).all()
    for row in failed:
        said = answers[row.key]
        if said and _TEMPORARY.issuperset(said) and "expires" not in (row.error or "") and len(said) < 5:
            yield f"{row.key} failed after the provider said {said}: {row.error}"
    ended = {row.key for row in failed} - known.forgotten
    dead: set[tuple[str, str]] = set()
    for each in offers:
        if (each.channel, each.address) in dead:
            yield f"{each.key} was offered over {each.channel} to {each.address}, which is dead"
        if each.said == "dead" and each.key in ended:
            dead.add((each.channel, each.address))


def _places(connection: Connection, known: Known, left: Sequence[Offer]) -> Iterator[str]:
    """Each message goes to its customer's address, not before its time and not after it."""
    columns = select(messages.c.key, messages.c.planned_at, messages.c.expires_at)
    times = {row.key: row for row in connection.execute(columns)}
    for each in left:
        if each.address != address_of(each.customer, each.channel):
            yield f"{each.key} for {each.customer} left to {each.address}"
        row = times.get(each.key)
        if row is None or each.key in known.forgotten:
            continue
        if each.at < row.planned_at:
            yield f"{each.key} left {row.planned_at - each.at} ms before its time"
        if each.at > row.expires_at + _TOLERANCE:
            yield f"{each.key} left {each.at - row.expires_at} ms after its time was over"


def _runs(offers: Sequence[Offer]) -> Iterator[str]:
    """A channel that is broken is left alone soon: so many messages at most are offered to it at one
    instant.
    """
    for (channel, _), several in groupby(offers, key=lambda each: (each.channel, each.at)):
        for said, run in groupby(several, key=lambda each: each.said):
            number = len(list(run))
            if number > _MOST_IN_A_RUN.get(said, number):
                yield f"{number} messages were offered to {channel}, one after the other, while it was {said}"


def _doubts(connection: Connection, known: Known, offers: Sequence[Offer]) -> Iterator[str]:
    """Nothing is called uncertain of which the provider was heard, but for what a kill interrupted."""
    if known.is_unsure:
        return
    heard = {each.key for each in offers if each.said in ("well", "refused", "dead", "later")}
    query = select(messages.c.key).where(messages.c.state == "uncertain")
    doubted = heard.intersection(connection.execute(query).scalars())
    if len(doubted) > known.kills:
        yield f"{len(doubted)} messages are uncertain, after {known.kills} kills"


def _waiting(connection: Connection, at: Instant) -> Iterator[str]:
    """What starts or ends a journey does not wait for the next tick, but for customers who are set aside."""
    if connection.execute(select(func.count()).select_from(quarantine)).scalar_one():
        return
    names = ("Checkout Started", "Order Completed")
    query = (
        select(func.count())
        .select_from(arrivals)
        .join(events, events.c.id == arrivals.c.event_id)
        .where(events.c.name.in_(names), events.c.arrived_at <= at)
    )
    if number := connection.execute(query).scalar_one():
        yield f"{number} events that start or end something were not looked at by a tick"


def _hours(left: Sequence[Offer]) -> Iterator[str]:
    """The second channel sends within its hours."""
    first, last = OPEN
    for each in left:
        if each.channel == CHANNELS[1]:
            moment = local(each.at, ZONE)
            early = local(each.at - _TOLERANCE, ZONE)
            if not (first <= moment.hour < last or first <= early.hour < last):
                yield f"{each.key} left over {each.channel} at {moment:%H:%M}, out of its hours"


def _wishes(connection: Connection, known: Known, offers: Sequence[Offer]) -> Iterator[str]:
    """Whoever unsubscribed gets no marketing mail any more, and whoever bought is not asked for the basket
    of before.
    """
    columns = select(messages.c.key, enrolments.c.cause_at).join(
        enrolments, enrolments.c.id == messages.c.enrolment_id
    )
    causes = {row.key: row.cause_at for row in connection.execute(columns)}
    stopped: dict[str, int] = {}
    bought: dict[str, list[tuple[int, Instant]]] = defaultdict(list)
    for batch, (offered, _) in known.acknowledged.items():
        for call in _calls(known.told[batch]):
            match call.get("event"):
                case "Unsubscribed":
                    stopped[call["userId"]] = min(offered, stopped.get(call["userId"], offered))
                case "Order Completed":
                    bought[call["userId"]].append((offered, parse_instant(call["timestamp"])))
    for number, each in enumerate(offers):
        if not each.is_taken or each.key in known.forgotten:
            continue
        is_mail = each.channel == "email" and each.purpose == "marketing"
        if is_mail and number >= stopped.get(each.customer, len(offers)):
            yield f"{each.key} left over email to {each.customer}, who had unsubscribed"
        if each.trigger == "basket" and each.key in causes:
            for offered, at in bought[each.customer]:
                if number >= offered and at > causes[each.key]:
                    yield f"{each.key} asks {each.customer} for a basket that was bought"


def _calls(lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if _is_json(line):
            yield json.loads(line)


def _pressure(connection: Connection, handed_over: Sequence[Offer]) -> Iterator[str]:
    """No customer got more marketing in any window than its rule allows, counted by what really left. The
    channels of one step are one contact.
    """
    most, window = LIMIT
    columns = select(messages.c.key, messages.c.enrolment_id, messages.c.step)
    contacts = {key: (enrolment, step) for key, enrolment, step in connection.execute(columns)}
    first: dict[object, Offer] = {}
    for each in handed_over:
        if each.purpose == "marketing":
            first.setdefault(contacts.get(each.key, each.key), each)
    ordered = sorted(first.values(), key=lambda each: (each.customer, each.at))
    for customer, theirs in groupby(ordered, key=lambda each: each.customer):
        instants = [each.at for each in theirs]
        for early, late in zip(instants, instants[most:]):
            if late - early < window:
                yield f"{customer} got {most + 1} contacts within {late - early} ms, from {early} on"


def _left_over(connection: Connection, known: Known) -> Iterator[str]:
    """At the quiet end nothing waits, and each decision to send came to one end."""
    waiting = connection.execute(
        select(messages.c.state, func.count())
        .where(messages.c.state.in_(sorted(_OPEN)))
        .group_by(messages.c.state)
    ).all()
    if waiting:
        yield f"messages wait for ever: {dict(tuple(row) for row in waiting)}"
    sends = connection.execute(
        select(func.count()).select_from(decisions).where(decisions.c.outcome == "send")
    ).scalar_one()
    carried = connection.execute(
        select(func.count(decisions.c.message_id.distinct())).where(decisions.c.outcome == "send")
    ).scalar_one()
    if sends != carried:
        yield f"{sends} decisions to send have {carried} messages"
    if unplayed := connection.execute(select(func.count()).select_from(arrivals)).scalar_one():
        yield f"{unplayed} events were never looked at"
    yield from _overlooked(connection, known)


def _overlooked(connection: Connection, known: Known) -> Iterator[str]:
    """Whoever left a basket and never bought, or bought, once triggers were in force, was decided for."""
    since = connection.execute(select(func.min(playbooks.c.applied_at))).scalar_one()
    left: set[str] = set()
    bought: set[str] = set()
    for batch, (_, at) in known.acknowledged.items():
        for call in _calls(known.told[batch]):
            occurred = parse_instant(call["timestamp"])
            if occurred <= since or at - occurred > _LATE:  # what comes too late starts nothing any more
                continue
            if call.get("event") == "Checkout Started":
                left.add(call["userId"])
            if call.get("event") == "Order Completed":
                bought.add(call["userId"])
    query = (
        select(customers.c.key, enrolments.c.trigger)
        .join(enrolments, enrolments.c.customer_id == customers.c.id)
        .join(decisions, decisions.c.enrolment_id == enrolments.c.id)
        .distinct()
    )
    entered = {(key, trigger) for key, trigger in connection.execute(query)}
    calls = (call for lines in known.told.values() for call in _calls(lines))
    ever = {call["userId"] for call in calls if call.get("event") == "Order Completed"}
    for customer in () if known.was_paused else sorted(left - ever):
        if (customer, "basket") not in entered:
            yield f"{customer} left a basket, and nothing was ever decided"
    for customer in sorted(bought):
        if (customer, "thanks") not in entered:
            yield f"{customer} ordered, and no thanks were ever decided"


def _digest(connection: Connection) -> str:
    """Of all rows of the tables that tell what happened, less who had claimed what."""
    digest = sha256()
    for table in (events, decisions, messages):
        columns = [column for column in table.c if column.name not in _VOLATILE]
        for row in connection.execute(select(*columns).order_by(table.c.id)):
            digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()
