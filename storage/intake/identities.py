"""Who is who: identities and the customers they belong to, two customers that turn out to be one, and the way
back.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeVar

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from core.errors import ManometerError
from core.instants import Instant, format_instant
from core.model.customer import Profile
from core.model.outbox import UNSENT
from core.model.reasons import Reason
from core.people import Identity
from storage.intake.orders import settle_customers, settle_merged
from storage.intake.refolding import refold, refold_all
from storage.outbox import digests
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.identities import MergeRow, identities, merges
from storage.schema.intake import arrivals
from storage.schema.messages import messages
from storage.schema.profiles import READ_COLUMNS, dump_profile, load_profile, profile_columns, profile_from
from storage.session import session

CHUNK: Final = 500
_PROGRESS: Final = (
    "id", "state", "step", "planned_at", "due_at", "waits_for", "waits_until", "last_message_at",
    "resumed_at", "ended_at", "waited",
    "variant", "held_by", "version", "shared",
)  # fmt: skip
"""How far a journey has come."""
_NEVER_OLDER: Final = 2**53
_RESERVED = re.compile(r"(user|email|phone|loyalty|anonymous|push|merged):")
_T = TypeVar("_T")


def chunks(values: Sequence[_T], size: int = CHUNK) -> Iterable[Sequence[_T]]:
    """The values in pieces that fit into one statement."""
    return (values[start : start + size] for start in range(0, len(values), size))


def key_for(identity: Identity) -> str:
    """The public key of a customer who is known by this identity first: the userId itself, else
    KIND:VALUE.
    """
    kind, value = identity
    return value if kind == "user" and not _RESERVED.match(value) else f"{kind}:{value}"


# ---- merging ----


def merge(connection: Connection, survivor: int, merged: int, *, cause: str, at: Instant, wake: bool) -> int:
    """Let one customer go into another with everything; gives the id under which `unmerge` undoes it.

    `wake` has the engine look at the survivor at once.
    """
    rows = {
        row.id: row
        for row in connection.execute(select(customers).where(customers.c.id.in_((survivor, merged))))
    }
    moved = _moved(connection, survivor, merged) | {
        "merged": _engine_state(rows[merged]),
        "survivor": _engine_state(rows[survivor]),
    }
    have_past = all(_has_past(connection, customer, at) for customer in (survivor, merged))
    merge_id: int = connection.execute(
        insert(merges)
        .values(at=at, customer_id=survivor, merged_id=merged, cause=cause, moved="{}")
        .returning(merges.c.id)
    ).scalar_one()
    moved["cancelled"] = _cancel_twins(connection, survivor, merged, at)
    moved["clashes"] = _end_clashes(connection, survivor, merged, at)
    clashing = [clash["id"] for clash in moved["clashes"] if "owner" not in clash]
    for table in (identities, events, arrivals, consents, messages, decisions):
        connection.execute(update(table).where(table.c.customer_id == merged).values(customer_id=survivor))
    connection.execute(
        update(enrolments)
        .where(enrolments.c.customer_id == merged, enrolments.c.id.not_in(clashing))
        .values(customer_id=survivor)
    )
    connection.execute(
        update(merges).where(merges.c.id == merge_id).values(moved=orjson.dumps(moved).decode())
    )
    played = merge_id if have_past else None
    _join_rows(connection, rows[survivor], rows[merged], played, at if wake else None)
    settle_merged(connection, survivor, in_force=wake)
    return merge_id


def _has_past(connection: Connection, customer: int, at: Instant) -> bool:
    """Whether anything is known of a customer from before an instant. Otherwise the engine has no merge to
    play: what arrives is the survivor's, and in which order the lines of one arrival were read says nothing.
    """
    before = select(events.c.id).where(events.c.customer_id == customer, events.c.arrived_at < at)
    journeys = select(enrolments.c.id).where(enrolments.c.customer_id == customer)
    return any(connection.execute(query.limit(1)).first() is not None for query in (before, journeys))


def _moved(connection: Connection, survivor: int, merged: int) -> dict[str, Any]:
    """Ids of all that goes over. Events go by the identity they came through; only those that would stray are
    listed.
    """
    own = _ids(connection, identities, identities.c.customer_id == merged)
    through = events.c.identity_id.in_(own)
    otherwise = or_(events.c.identity_id.not_in(own), events.c.identity_id.is_(None))
    return {
        "identities": own,
        "strayed": _ids(connection, events, and_(events.c.customer_id == merged, otherwise)),
        "kept": _ids(connection, events, and_(events.c.customer_id == survivor, through)),
        "consents": _ids(connection, consents, consents.c.customer_id == merged),
        "enrolments": _ids(connection, enrolments, enrolments.c.customer_id == merged),
        "messages": _ids(connection, messages, messages.c.customer_id == merged),
        "decisions": _ids(connection, decisions, decisions.c.customer_id == merged),
    }


def _ids(connection: Connection, table: Table, condition: ColumnElement[bool]) -> list[int]:
    return list(connection.execute(select(table.c.id).where(condition).order_by(table.c.id)).scalars())


def _engine_state(row: Any) -> dict[str, Any]:
    return {
        name: getattr(row, name)
        for name in ("key", "settled_until", "next_due_at", "planned_version", "entries", "joins")
    }


def _end_clashes(connection: Connection, survivor: int, merged: int, at: Instant) -> list[dict[str, Any]]:
    """Of two journeys for the same cause the survivor's stays, or what the other's has come to; gives what it
    changes as it was.
    """
    other = enrolments.alias()
    pairs = select(enrolments, *(other.c[name].label(f"other_{name}") for name in _PROGRESS)).join(
        other, and_(other.c.trigger == enrolments.c.trigger, other.c.cause_key == enrolments.c.cause_key)
    )
    before: list[dict[str, Any]] = []
    columns, pair = enrolments.c, and_(enrolments.c.customer_id == survivor, other.c.customer_id == merged)
    for row in connection.execute(pairs.where(pair).order_by(enrolments.c.id)).all():
        mine = {name: getattr(row, name) for name in _PROGRESS}
        theirs = {name: getattr(row, f"other_{name}") for name in _PROGRESS}
        before.append(theirs)
        if _is_further(theirs, mine):
            before.append(mine | {"owner": survivor, "came_to": [theirs["state"], theirs["step"]]})
            connection.execute(
                update(enrolments).where(columns.id == mine["id"]).values(theirs | {"id": mine["id"]})
            )
        if theirs["state"] == "open":
            gone = {"state": "exited", "due_at": None, "ended_at": at}
            connection.execute(update(enrolments).where(columns.id == theirs["id"]).values(gone))
            _note_end(connection, row, theirs, survivor, at)
    return before


def _is_further(theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> bool:
    """Whether the journey under way on the survivor's side has less behind it than the same one on the
    other's.
    """
    return bool(
        mine["state"] == "open"
        and (theirs["state"] == "done" or (theirs["state"] == "open" and theirs["step"] > mine["step"]))
    )


def _note_end(connection: Connection, row: Any, ended: Mapping[str, Any], survivor: int, at: Instant) -> None:
    """A row for the open step of a journey that ends because the survivor is in the same one."""
    entered = format_instant(row.entered_at)
    same = f"goes on as the journey of {entered} by the same cause, of a customer with whom she is one now"
    connection.execute(
        insert(decisions).values(
            at=at, customer_id=survivor, enrolment_id=ended["id"], trigger=row.trigger, step=ended["step"],
            outcome="suppress",
            reason=Reason.CUSTOMER_MERGED.value, late=0, planned_at=ended["planned_at"], version=row.version,
            variant=ended["variant"],
            objections=orjson.dumps([[Reason.CUSTOMER_MERGED, same, None]]).decode(),
        )
    )  # fmt: skip


class _Sent(NamedTuple):
    """One step that a message carries, of several or alone."""

    message: Any  # row
    place: int  # among those it carries
    trigger: str
    step: int
    cause_key: str | None
    key_value: str | None

    def comes_twice(self, other: _Sent, survivor: int) -> bool:
        """Whether it need not go where the other goes or has gone, to a customer who is now the same."""
        mine, its = self.message, other.message
        if mine.customer_id == its.customer_id or (self.trigger, self.step) != (other.trigger, other.step):
            return False
        is_waiting = its.state in UNSENT
        if self.cause_key != other.cause_key and not (is_waiting and self.key_value == other.key_value):
            return False
        return mine.customer_id != survivor or not is_waiting


def _cancel_twins(connection: Connection, survivor: int, merged: int, at: Instant) -> list[dict[str, Any]]:
    """Cancel what waits and would come twice, messages or their parts; gives them as they were.

    One step of one cause is sent once. Of two messages of one step for different causes that both wait, the
    survivor's goes, unless each is about a thing of its own (`per`). A message of several steps goes without
    those that would come twice.
    """
    columns, both = messages.c, (survivor, merged)
    shown = (
        columns.id,
        columns.customer_id,
        columns.state,
        columns.reason,
        columns.released_at,
        columns.digest,
    )
    theirs = select(*shown, columns.trigger, columns.step, columns.enrolment_id).where(
        columns.customer_id.in_(both)
    )
    if not connection.execute(theirs.where(columns.state.in_(UNSENT)).limit(1)).all():
        return []
    sent = _sent(
        connection, connection.execute(theirs.where(columns.released_at.is_(None)).order_by(columns.id)).all()
    )
    twins: dict[int, list[_Sent]] = {}
    for each in sent:
        if each.message.state in UNSENT and any(each.comes_twice(other, survivor) for other in sent):
            twins.setdefault(each.message.id, []).append(each)
    return [
        _go_without(connection, parts, [each for each in sent if each.message.id == message], at)
        for message, parts in twins.items()
    ]


def _sent(connection: Connection, rows: Sequence[Any]) -> list[_Sent]:
    """All steps that these messages carry, but for those that were left out."""
    carried = [
        (row, place, part) for row in rows for place, part in enumerate(_parts(row)) if part[3] is None
    ]
    columns, causes = enrolments.c, dict[int, tuple[str, str | None]]()
    for ids in chunks(sorted({part[2] for _, _, part in carried})):
        found = connection.execute(
            select(columns.id, columns.cause_key, columns.key_value).where(columns.id.in_(ids))
        )
        causes.update((number, (cause, value)) for number, cause, value in found)
    return [
        _Sent(row, place, trigger, step, *causes.get(enrolment, (None, None)))
        for row, place, (trigger, step, enrolment, _) in carried
    ]


def _parts(row: Any) -> list[tuple[str, int, int, str | None]]:
    """Trigger, step and enrolment of each step in a message, and why it was left out."""
    if row.digest is None:
        return [(row.trigger, row.step, row.enrolment_id, None)]
    return [(each.trigger, each.step, each.enrolment, each.left_out) for each in digests.load(row.digest)]


def _go_without(
    connection: Connection, twins: Sequence[_Sent], carried: Sequence[_Sent], at: Instant
) -> dict[str, Any]:
    """Leave the twins out of their message, or cancel it where nothing else is in it; gives what it changes
    as it was.
    """
    row = twins[0].message
    before = {"id": row.id, "owner": row.customer_id}
    if len(twins) == len(carried):
        changed: dict[str, Any] = {
            "state": "cancelled",
            "reason": Reason.CUSTOMER_MERGED.value,
            "released_at": at,
        }
        before |= {"state": row.state, "reason": row.reason, "released_at": row.released_at}
    else:
        places = {each.place for each in twins}
        parts = enumerate(digests.load(row.digest))
        left = [
            replace(each, left_out=Reason.CUSTOMER_MERGED.value) if place in places else each
            for place, each in parts
        ]
        changed = {"digest": digests.dump(left)}
        before |= {"digest": row.digest, "waits": True}
    connection.execute(update(messages).where(messages.c.id == row.id).values(changed))
    return before


def _join_rows(
    connection: Connection, survivor: Any, merged: Any, played: int | None, due: Instant | None
) -> None:
    """`played` is the merge that the engine has to play; None where there is none."""
    profile, other = _profile_of(survivor), _profile_of(merged)
    settled = None
    if survivor.settled is not None or merged.settled is not None:
        before = load_profile(survivor.settled) if survivor.settled is not None else profile.copy()
        before.merge(load_profile(merged.settled) if merged.settled is not None else other)
        settled = dump_profile(before)
    profile.merge(other)
    values = profile_columns(profile) | {
        "settled": settled,
        "settled_until": max(_given(survivor.settled_until, merged.settled_until), default=None),
        "next_due_at": due
        if due is not None
        else min(_given(survivor.next_due_at, merged.next_due_at), default=None),
        "entries": _latest_entries(survivor.entries, merged.entries),
        "joins": _joins(survivor, merged, played, due),
    }
    gone = {
        "key": f"merged:{merged.id}",
        "merged_into": survivor.id,
        "settled": None,
        "next_due_at": None,
        "joins": None,
    }
    gone["planned_version"] = (
        _NEVER_OLDER  # or a new playbook would have the engine plan for who is no longer there
    )
    connection.execute(update(customers).where(customers.c.id == merged.id).values(gone))
    connection.execute(update(customers).where(customers.c.id == survivor.id).values(values))


def _given(*instants: Instant | None) -> list[Instant]:
    return [instant for instant in instants if instant is not None]


def _profile_of(row: Any) -> Profile:
    return profile_from([getattr(row, column.name) for column in READ_COLUMNS])


def _joins(survivor: Any, merged: Any, played: int | None, at: Instant | None) -> str | None:
    """What the engine has to play of merges: this one, with the last entries of both, after those that it has
    not played yet.
    """
    entries = [
        [name, *entry] for row in (survivor, merged) for name, entry in orjson.loads(row.entries).items()
    ]
    waiting = [
        join for row in (survivor, merged) if row.joins is not None for join in orjson.loads(row.joins)
    ]
    return _dumped(waiting if at is None or played is None else [*waiting, [played, at, entries]])


def _dumped(joins: Sequence[Any]) -> str | None:
    return orjson.dumps(joins).decode() if joins else None


def _latest_entries(mine: str, theirs: str) -> str:
    entries = orjson.loads(mine)
    for trigger, entry in orjson.loads(theirs).items():
        entries[trigger] = max(entries.get(trigger, entry), entry)
    return orjson.dumps(entries).decode()


# ---- the way back ----


def unmerge(
    connection: Connection, merge_id: int, *, at: Instant, wake: bool, cause: str = "operator"
) -> int:
    """Undo a merge: what came by the identities that went over goes back, also what came since, with the
    journeys that it began; gives the customer's row id.
    """
    with session(connection) as opened:
        entry = opened.get(MergeRow, merge_id)
    if entry is None or entry.undone_at is not None:
        raise ManometerError(
            f"merge {merge_id}: there is no such merge, or it was undone already. `manometer merges` lists "
            "them."
        )
    survivor, merged = entry.customer_id, entry.merged_id
    into = select(customers.c.merged_into).where(customers.c.id == survivor).scalar_subquery()
    later = connection.execute(select(customers.c.key).where(customers.c.id == into)).scalar()
    if later is not None:
        raise ManometerError(
            f"merge {merge_id}: the survivor herself went into {later} since. Undo that merge first."
        )
    moved = orjson.loads(entry.moved)
    begun = _send_back(connection, survivor, merged, moved)
    _reopen_clashes(connection, moved, merged)
    with session(connection) as opened:
        opened.add(entry)
        entry.undone_at, entry.undone_cause = at, cause
    others = settle_customers(connection, [survivor, merged], in_force=wake) - {survivor, merged}
    is_news = not wake or cause == "operator" or entry.at < at
    _part_rows(connection, survivor, merged, moved, merge_id, at if wake else None, is_news=is_news)
    refold_all(connection, others)
    for customer in (survivor, merged):
        _count_entries(connection, customer, begun)
    return int(merged)


def _send_back(connection: Connection, survivor: int, merged: int, moved: Mapping[str, Any]) -> set[str]:
    """Gives the triggers whose journeys, begun since, go back as well."""
    begun: set[str] = set()
    back = {"customer_id": merged}
    went = (
        (identities, "identities"),
        (consents, "consents"),
        (enrolments, "enrolments"),
        (messages, "messages"),
        (decisions, "decisions"),
        (events, "strayed"),
    )
    for table, name in went:
        for ids in chunks(moved[name]):
            connection.execute(
                update(table).where(table.c.id.in_(ids), table.c.customer_id == survivor).values(back)
            )
    for ids in chunks(moved["identities"]):
        came = and_(
            events.c.customer_id == survivor, events.c.identity_id.in_(ids), events.c.id.not_in(moved["kept"])
        )
        begun |= _send_journeys(connection, select(events.c.id).where(came), survivor, merged)
        connection.execute(update(events).where(came).values(back))
    theirs = select(events.c.id).where(events.c.customer_id == merged)
    for table in (arrivals, consents):
        connection.execute(
            update(table).where(table.c.customer_id == survivor, table.c.event_id.in_(theirs)).values(back)
        )
    return begun


def _send_journeys(connection: Connection, causes: Select[Any], source: int, target: int) -> set[str]:
    """What began by these events goes to another customer: journeys, their messages and decisions; gives
    their triggers, the entries of which are to be counted anew.
    """
    columns = enrolments.c
    journeys = connection.execute(
        select(columns.id, columns.trigger, columns.entered_at, columns.cause_key)
        .where(columns.customer_id == source, columns.cause_event.in_(causes))
        .order_by(columns.id)
    ).all()
    taken = select(columns.trigger, columns.cause_key).where(columns.customer_id == target)
    there = {tuple(row) for row in connection.execute(taken)} if journeys else set()
    going = [row for row in journeys if (row.trigger, row.cause_key) not in there]
    for part in chunks([row.id for row in going]):
        to = {"customer_id": target}
        connection.execute(update(enrolments).where(columns.id.in_(part)).values(to))
        for table in (messages, decisions):
            connection.execute(update(table).where(table.c.enrolment_id.in_(part)).values(to))
    return {row.trigger for row in going}


def _count_entries(connection: Connection, customer: int, triggers: Iterable[str]) -> None:
    """The last entry into each of these triggers, as the customer's journeys tell it."""
    columns = enrolments.c
    before = connection.execute(select(customers.c.entries).where(customers.c.id == customer)).scalar_one()
    entries = orjson.loads(before)
    for trigger in triggers:
        last = connection.execute(
            select(columns.entered_at, columns.cause_key)
            .where(columns.customer_id == customer, columns.trigger == trigger)
            .order_by(columns.entered_at.desc(), columns.cause_key.desc())
            .limit(1)
        ).first()
        entries.pop(trigger, None)
        if last is not None:
            entries[trigger] = list(last)
    values = {"entries": orjson.dumps(entries).decode()}
    connection.execute(update(customers).where(customers.c.id == customer).values(values))


def send_events(
    connection: Connection, numbers: Sequence[int], source: int, target: int, due: Instant | None
) -> set[int]:
    """Events, and all that came of them, go from one customer to another; both are looked at again at
    `due`, in ms UTC. Gives all customers whose rows may have changed: an order of whom it concerns may count
    for somebody else now.
    """
    to = {"customer_id": target}
    for part in chunks(numbers):
        among = select(events.c.id).where(events.c.id.in_(part))
        begun = _send_journeys(connection, among, source, target)
        for customer in (source, target):
            _count_entries(connection, customer, begun)
        connection.execute(update(events).where(events.c.id.in_(part)).values(to))
        for table in (arrivals, consents):
            connection.execute(
                update(table).where(table.c.customer_id == source, table.c.event_id.in_(part)).values(to)
            )
    others = settle_customers(connection, (source, target), in_force=due is not None) - {source, target}
    refold_all(connection, others)
    for customer in (source, target):
        values = refold(connection, customer)
        if due is not None:
            values["next_due_at"] = func.min(func.coalesce(customers.c.next_due_at, due), due)
        connection.execute(update(customers).where(customers.c.id == customer).values(values))
    return {source, target} | others


def lose_addresses(
    connection: Connection, customer: int, addresses: Collection[str], due: Instant | None
) -> bool:
    """Note which of a customer's addresses somebody else has said since, all others being the customer's own;
    whether that is news. The customer is looked at again at `due`, in ms UTC.
    """
    columns = (customers.c.detail, customers.c.settled, customers.c.next_due_at)
    row = connection.execute(select(*columns).where(customers.c.id == customer)).one()
    detail = orjson.loads(row.detail)
    now = sorted(addresses)
    if now == sorted(detail.get("lost", ())):
        return False
    values: dict[str, Any] = {"detail": orjson.dumps(detail | {"lost": now}).decode()}
    if row.settled is not None:
        values["settled"] = orjson.dumps(orjson.loads(row.settled) | {"lost": now}).decode()
    if due is not None:
        values["next_due_at"] = due if row.next_due_at is None else min(due, row.next_due_at)
    connection.execute(update(customers).where(customers.c.id == customer).values(values))
    return True


def _reopen_clashes(connection: Connection, moved: Mapping[str, Any], merged: int) -> None:
    for table, rows in ((enrolments, moved["clashes"]), (messages, moved["cancelled"])):
        for row in rows:
            as_it_was = {
                name: value for name, value in row.items() if name not in ("owner", "came_to", "waits")
            }
            changed = (
                update(table)
                .where(table.c.id == row["id"], table.c.customer_id == row.get("owner", merged))
                .values(as_it_was)
            )
            if "came_to" in row:  # what has gone on since stays
                changed = changed.where(
                    tuple_(enrolments.c.state, enrolments.c.step) == tuple(row["came_to"])
                )
            if "waits" in row:
                changed = changed.where(messages.c.state.in_(UNSENT))
            connection.execute(changed)


def _part_rows(
    connection: Connection,
    survivor: int,
    merged: int,
    moved: Mapping[str, Any],
    merge_id: int,
    due: Instant | None,
    *,
    is_news: bool,
) -> None:
    """The engine plays the parting, unless it has not played the merge either: one that is undone within the
    arrival that brought it never was.
    """
    columns = (customers.c.entries, customers.c.next_due_at, customers.c.joins)
    now = connection.execute(select(*columns).where(customers.c.id == survivor)).one()
    theirs, mine = orjson.loads(moved["merged"]["entries"]), orjson.loads(moved["survivor"]["entries"])
    entries = {
        name: mine.get(name, entry) if entry == theirs.get(name) else entry
        for name, entry in orjson.loads(now.entries).items()
    }
    entries = {name: entry for name, entry in entries.items() if name in mine or entry != theirs.get(name)}
    before = {
        name: moved["merged"][name] for name in ("settled_until", "next_due_at", "planned_version", "entries")
    }
    if due is not None:
        before["next_due_at"] = due
    waiting = orjson.loads(now.joins or "[]")
    joins = [join for join in waiting if join[0] != merge_id]
    went = {join[0] for join in orjson.loads(moved["merged"].get("joins") or "[]")}
    is_played = is_news and joins == waiting
    parting = [[merge_id, due, []]] if due is not None and is_played else []
    before["joins"] = _dumped([*(join for join in joins if join[0] in went), *parting])
    values = {
        "entries": orjson.dumps(entries).decode(),
        "next_due_at": due if due is not None else now.next_due_at,
        "joins": _dumped([*(join for join in joins if join[0] not in went), *parting]),
    }
    connection.execute(
        update(customers).where(customers.c.id == survivor).values(refold(connection, survivor) | values)
    )
    before |= {"key": _key_of(connection, merged, moved["merged"]["key"]), "merged_into": None}
    connection.execute(
        update(customers).where(customers.c.id == merged).values(refold(connection, merged) | before)
    )


def _key_of(connection: Connection, customer: int, before: str) -> str:
    """The key of before; that of a userId where the customer has got one since."""
    user = (
        select(identities.c.value)
        .where(identities.c.customer_id == customer, identities.c.kind == "user")
        .order_by(identities.c.id)
    )
    value = connection.execute(user.limit(1)).scalar()
    return key_for(("user", value)) if value is not None and _RESERVED.match(before) else before


def merged(connection: Connection, customer: int | None = None) -> Iterator[dict[str, Any]]:
    """Every merge, or those into one customer, oldest first: who stays, who went into whom, and why."""
    query = (
        select(merges, customers.c.key)
        .outerjoin_from(merges, customers, customers.c.id == merges.c.customer_id)
        .order_by(merges.c.id)
    )
    if customer is not None:
        query = query.where(merges.c.customer_id == customer)
    for row in connection.execute(query):
        moved = orjson.loads(row.moved)
        went = moved["merged"]["key"]
        yield {
            "id": row.id,
            "at": row.at,
            "customer": moved["survivor"]["key"] if row.key is None else row.key,
            "merged": went,
            "cause": row.cause,
            "undone_at": row.undone_at,
            "undone_cause": row.undone_cause,
        }
