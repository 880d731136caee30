"""What is set aside because working on it failed: noted, listed, released, dropped. Instants are ms UTC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from core.errors import ManometerError
from core.instants import Instant, format_instant
from core.model.quarantine import MOST_FAILURES, QuarantineKind, SetAside, Suspect
from core.model.reasons import Reason
from storage import audit
from storage.outbox.dispatch import TROUBLE, WAITING, change, wake
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.intake import arrivals
from storage.schema.messages import messages
from storage.schema.playbooks import playbooks
from storage.schema.quarantine import quarantine

_COLUMNS: Final = tuple(
    quarantine.c[name] for name in ("id", "kind", "subject", "what", "since", "reason", "trace")
)
# word for word as in the partial index, or SQLite will not use it
_OPEN: Final = and_(quarantine.c.since.is_not(None), quarantine.c.dropped_at.is_(None))
_HELD: Final = and_(
    WAITING,
    messages.c.state == literal_column("'held'"),
    messages.c.reason == literal_column(f"'{Reason.SET_ASIDE}'"),
)


# made once, since it is asked for each chunk
_LEFT_OUT: Final = select(quarantine.c.subject).where(
    quarantine.c.kind == bindparam("kind"), quarantine.c.since.is_not(None)
)


class QuarantineError(ManometerError):
    """An operator named something that is not set aside; nothing was changed."""


# ---- noting ----


def note_failure(
    connection: Connection,
    suspect: Suspect,
    reason: str,
    trace: str,
    at: Instant,
    *,
    crashed: bool = False,
    most: int = MOST_FAILURES,
    version: int = 0,
) -> SetAside | None:
    """Count a failure, or a crash, of a thing; it, once it is set aside, which the last of `most` does."""
    row = quarantine.c
    found = connection.execute(
        select(row.failures, row.crashes, row.since).where(*_is(suspect))
    ).one_or_none()
    failures, crashes, since = (0, 0, None) if found is None else found
    failures, crashes = failures + (not crashed), crashes + crashed
    if since is None and max(failures, crashes) >= most:
        since = at
    values = {
        "what": suspect.what, "reason": reason, "trace": trace, "failures": failures, "crashes": crashes,
        "since": since, "dropped_at": None, "version": version,
    }  # fmt: skip
    statement = insert(quarantine).values(kind=suspect.kind, subject=suspect.subject, first_at=at, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["kind", "subject"], set_=values))
    return next(iter(_listed(connection, and_(*_is(suspect), row.since.is_not(None)))), None)


def is_known(connection: Connection, suspect: Suspect) -> bool:
    """Whether a thing has failed before."""
    return connection.execute(select(quarantine.c.id).where(*_is(suspect))).first() is not None


def watched_for_a_crash(connection: Connection, kind: QuarantineKind) -> list[str]:
    """The subjects of a kind that were being worked on, alone, at one crash, and were not since."""
    row = quarantine.c
    query = select(row.subject).where(row.kind == kind, row.since.is_(None), row.crashes > 0)
    return list(connection.execute(query.order_by(row.id.desc())).scalars())


def forget_watched(connection: Connection, suspect: Suspect) -> None:
    """It went well after all: what is only watched is watched no longer."""
    connection.execute(delete(quarantine).where(*_is(suspect), quarantine.c.since.is_(None)))


def forget(connection: Connection, suspect: Suspect) -> None:
    """It went well after all, or goes by another name now."""
    connection.execute(delete(quarantine).where(*_is(suspect)))


def _is(suspect: Suspect) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return quarantine.c.kind == suspect.kind, quarantine.c.subject == suspect.subject


# ---- asking ----


def left_out(connection: Connection, kind: QuarantineKind) -> frozenset[str]:
    """The subjects of a kind that are set aside or were given up."""
    return frozenset(connection.execute(_LEFT_OUT, {"kind": kind}).scalars())


def customers_set_aside() -> Select[Any]:
    """The rows of customers whom nothing is decided for, as a query within another."""
    number = quarantine.c.subject.cast(customers.c.id.type)
    return select(number).where(
        quarantine.c.kind == literal_column("'customer'"), quarantine.c.since.is_not(None)
    )


def customers_left_out(connection: Connection) -> frozenset[int]:
    """The rows of customers whom nothing is decided for."""
    return frozenset(map(int, left_out(connection, "customer")))


def template_subject(channel: str, template: str) -> str:
    """The subject of a template that makes no messages for a channel."""
    return f"{channel}\n{template}"


def _channel_and_template(subject: str) -> tuple[str, str]:
    channel, _, template = subject.partition("\n")
    return channel, template


def templates_left_out(connection: Connection, version: int) -> frozenset[tuple[str, str]]:
    """Channel and template of the messages that wait for a template; a later version of the playbook may have
    put any of them right, so it is tried anew.
    """
    mine = (quarantine.c.kind == "template", quarantine.c.version == version)
    found = connection.execute(select(quarantine.c.subject).where(*mine, _OPEN)).scalars()
    return frozenset(map(_channel_and_template, found))


def why_left_out(connection: Connection, customer: int) -> str | None:
    """Why nothing is decided for the customer of a row, as a sentence; None where it is."""
    row = quarantine.c
    query = select(row.id, row.reason, row.since, row.dropped_at).where(
        *_is(Suspect("customer", str(customer), "")), row.since.is_not(None)
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        return None
    if found.dropped_at is not None:
        return f"The customer was given up, since working on the customer failed: {found.reason}."
    return (
        f"The customer is set aside since {format_instant(found.since)}, so that nothing is decided: "
        f"{found.reason}. `manometer quarantine release {found.id}` ends that."
    )


def of_templates(uses: Collection[tuple[str, str]]) -> ColumnElement[bool]:
    """The messages of these channels and templates, as a condition on a row."""
    return tuple_(messages.c.channel, messages.c.template).in_(sorted(uses))


def made_and_failed(
    connection: Connection, use: tuple[str, str], trigger: str, version: int, most: int
) -> tuple[bool, int]:
    """Whether any message of a trigger and a `use`, a channel with its template, went out since a version of
    the playbook was applied, and how many, up to `most`, failed since because the template could not make
    them.
    """
    channel, template = use
    applied = select(playbooks.c.applied_at).where(playbooks.c.version == version).scalar_subquery()
    since = func.coalesce(applied, 0)
    made = select(messages.c.id).where(
        messages.c.trigger == trigger,
        messages.c.sent_at >= since,
        messages.c.channel == channel,
        messages.c.template == template,
    )
    if connection.execute(made.limit(1)).first() is not None:
        return True, 0
    failed = select(messages.c.id).where(
        TROUBLE,
        messages.c.state == literal_column("'failed'"),
        messages.c.planned_at >= since,
        messages.c.channel == channel,
        messages.c.template == template,
        messages.c.reason == str(Reason.TEMPLATE_ERROR),
    )
    return False, len(connection.execute(failed.limit(most)).all())


def listing(connection: Connection) -> Sequence[SetAside]:
    """All that is set aside, the oldest first; a message only while it is held for that, and a template only
    under the playbook with which it failed.
    """
    still = select(messages.c.id).where(_HELD, messages.c.id == quarantine.c.subject.cast(messages.c.id.type))
    newest = select(func.coalesce(func.max(playbooks.c.version), 0)).scalar_subquery()
    kind = quarantine.c.kind
    in_force = and_(
        or_(kind != "message", still.exists()), or_(kind != "template", quarantine.c.version >= newest)
    )
    return _listed(connection, and_(_OPEN, in_force))


def channels_aside(connection: Connection) -> Mapping[str, SetAside]:
    """The channels that are set aside, by name."""
    return {each.subject: each for each in listing(connection) if each.kind == "channel"}


def counts(connection: Connection) -> Mapping[str, int]:
    """How many things are set aside, by kind."""
    return Counter(each.kind for each in listing(connection))


def _listed(connection: Connection, condition: ColumnElement[bool]) -> list[SetAside]:
    query: Select[Any] = select(*_COLUMNS).where(condition).order_by(quarantine.c.since, quarantine.c.id)
    return [SetAside(*row) for row in connection.execute(query)]


def named(connection: Connection, identifier: int) -> SetAside:
    """The thing of that number; QuarantineError where nothing of it is set aside."""
    found = _listed(connection, and_(_OPEN, quarantine.c.id == identifier))
    if not found:
        raise QuarantineError(
            f"Nothing with the number {identifier} is set aside. `manometer quarantine` lists what is. "
            "Nothing was changed."
        )
    return found[0]


# ---- acts of operators ----


def release(connection: Connection, identifier: int, author: str, at: Instant) -> SetAside:
    """Work on it again as if it had never failed; QuarantineError where it is not set aside."""
    thing = named(connection, identifier)
    connection.execute(delete(quarantine).where(quarantine.c.id == identifier))
    _RELEASES.get(thing.kind, _nothing)(connection, thing, at)
    _record(connection, thing, author, at, "release", None)
    return thing


def drop(connection: Connection, identifier: int, author: str, at: Instant, reason: str) -> SetAside:
    """Give it up: a message is cancelled, a customer is decided for no more, an event is left out for good;
    QuarantineError where it is not set aside.
    """
    thing = named(connection, identifier)
    if thing.kind in ("customer", "event"):
        connection.execute(update(quarantine).where(quarantine.c.id == identifier).values(dropped_at=at))
    else:
        connection.execute(delete(quarantine).where(quarantine.c.id == identifier))
    _DROPS.get(thing.kind, _nothing)(connection, thing, at)
    _record(connection, thing, author, at, "drop", reason)
    return thing


def _record(
    connection: Connection, thing: SetAside, author: str, at: Instant, action: str, reason: str | None
) -> None:
    detail = {"kind": thing.kind, "subject": thing.subject, "trace": thing.trace}
    audit.record(connection, at, author, f"quarantine {action}", str(thing.id), reason, detail)


def _nothing(connection: Connection, thing: SetAside, at: Instant) -> None:
    """Nothing in the database waits for it."""


def _release_customer(connection: Connection, thing: SetAside, at: Instant) -> None:
    customer = int(thing.subject)
    own = select(quarantine.c.subject.cast(messages.c.id.type)).where(quarantine.c.kind == "message")
    mine = select(messages.c.id).where(_HELD, messages.c.customer_id == customer, messages.c.id.not_in(own))
    change(connection, list(connection.execute(mine).scalars()), state="due", reason=None, error=None)
    wake(connection, {customer}, at)


def _release_event(connection: Connection, thing: SetAside, at: Instant) -> None:
    owner = select(events.c.customer_id).where(events.c.id == int(thing.subject))
    customer = connection.execute(owner).scalar_one_or_none()
    if customer is not None:
        wake(connection, {customer}, at)


def _release_message(connection: Connection, thing: SetAside, at: Instant) -> None:
    """It waits on, at the earliest from the instant on."""
    mine = select(messages.c.id).where(_HELD, messages.c.id == int(thing.subject))
    ids = list(connection.execute(mine).scalars())
    change(connection, ids, state="due", reason=None, error=None, claimed_until=at)


def _drop_customer(connection: Connection, thing: SetAside, at: Instant) -> None:
    customer = int(thing.subject)
    mine = select(messages.c.id).where(_HELD, messages.c.customer_id == customer)
    _cancel(connection, list(connection.execute(mine).scalars()), at)
    connection.execute(update(customers).where(customers.c.id == customer).values(next_due_at=None))


def _drop_event(connection: Connection, thing: SetAside, at: Instant) -> None:
    connection.execute(delete(arrivals).where(arrivals.c.event_id == int(thing.subject)))
    _release_event(connection, thing, at)


def _drop_message(connection: Connection, thing: SetAside, at: Instant) -> None:
    mine = select(messages.c.id).where(_HELD, messages.c.id == int(thing.subject))
    _cancel(connection, list(connection.execute(mine).scalars()), at)


def _drop_template(connection: Connection, thing: SetAside, at: Instant) -> None:
    """Its messages that are due now are cancelled; later ones are tried again."""
    due = select(messages.c.id).where(
        WAITING,
        messages.c.state.in_(("planned", "due")),
        messages.c.planned_at <= at,
        of_templates([_channel_and_template(thing.subject)]),
    )
    _cancel(connection, list(connection.execute(due).scalars()), at)


def _cancel(connection: Connection, ids: Sequence[int], at: Instant) -> None:
    change(connection, ids, state="cancelled", reason=str(Reason.REJECTED), released_at=at)
    owners = {
        owner
        for identifier in ids
        for owner in connection.execute(
            select(messages.c.customer_id).where(messages.c.id == identifier)
        ).scalars()
    }
    wake(connection, owners, at)


_Act = Callable[[Connection, SetAside, Instant], None]
_RELEASES: Final[Mapping[str, _Act]] = {
    "customer": _release_customer,
    "event": _release_event,
    "message": _release_message,
}
_DROPS: Final[Mapping[str, _Act]] = {
    "customer": _drop_customer,
    "event": _drop_event,
    "message": _drop_message,
    "template": _drop_template,
}
