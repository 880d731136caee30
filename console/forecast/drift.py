"""A kept preview against what was decided in fact, with the cause of every difference; one snapshot of the
database, writing nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection

from console.forecast.preview_result import PreviewResult, kept_answer
from core.errors import ManometerError
from core.explain.words import in_full
from core.forecast.diff import row_of
from core.forecast.drift import Cause, Circumstances, Explained, News, Step, compared, explained
from core.instants import HOUR, MINUTE, Instant, format_duration, format_instant, local
from core.model.decisions import Decision
from core.model.events import NO_ACTIVITY
from core.model.triggers import EVERYTHING
from core.playbook.playbook import Playbook
from storage.forecasts import drift as facts
from storage.forecasts.saved_previews import SavedPreview, chunks, decision_of
from storage.status import LAST_TICK_AT
from storage.store import meta

FREEING: Final = frozenset({"outbox cancel", "outbox reject"})
"""Acts of operators by which a message gives its room back."""


@dataclass(frozen=True, slots=True)
class Drifting:
    """One customer: what was foretold, what was decided, and how that differs."""

    customer: str
    customer_id: int
    predicted: Sequence[Decision]
    actual: Sequence[Decision]
    found: Sequence[Explained]


def judged_until(
    answer: PreviewResult, now: Instant, zone: ZoneInfo, until: Instant | None = None
) -> Instant:
    """How far a preview can be judged: to the end of its span, to now, or to where that was asked;
    ManometerError where it cannot be.
    """
    if answer.future == "as-it-was" or answer.first < answer.now:
        raise ManometerError(
            "This preview looks at days that had passed when it was made. Only one of coming days can be "
            "judged by them."
        )
    last = min(answer.last, now, answer.last if until is None else until)
    if last <= answer.first:
        begin, now_is = in_full(answer.first, zone), in_full(now, zone)
        raise ManometerError(
            f"Nothing of this preview's days has passed yet: they begin at {begin}, and now it is {now_is}."
        )
    return last


def drift(
    connection: Connection,
    saved: SavedPreview,
    playbook: Playbook,
    until: Instant,
    customer: int | None = None,
) -> Iterator[Drifting]:
    """The customers of whom anything was foretold or decided up to `until`; `customer` leaves only the one of
    that row.
    """
    comparing = _Comparing(connection, saved, kept_answer(saved), playbook, until)
    for ids in chunks(comparing.ids(customer)):
        yield from comparing.part(ids)


class _Comparing:
    """One comparison's work, on chunks of customers."""

    def __init__(
        self,
        connection: Connection,
        saved: SavedPreview,
        answer: PreviewResult,
        playbook: Playbook,
        until: Instant,
    ) -> None:
        self.connection, self.saved, self.answer, self.playbook, self.until = (
            connection,
            saved,
            answer,
            playbook,
            until,
        )
        self.mark: Mapping[str, int] = saved.about["mark"]
        self.into = facts.gone_into(connection)
        self.merged: dict[int, list[int]] = defaultdict(list)
        for gone, survivor in self.into.items():
            self.merged[survivor].append(gone)
        self.versions = list(_versions(connection, self.mark, until, answer.zone))
        self.acts = facts.new_acts(connection, self.mark["audit"], until)
        ticked = meta(connection, LAST_TICK_AT)
        self.last_tick = None if ticked is None else int(ticked)

    def ids(self, customer: int | None) -> list[int]:
        """Whom it concerns, those who went into another one as that one."""
        if customer is not None:
            return [customer]
        foretold = {self.into.get(each, each) for each in self.saved.customers()}
        return sorted(
            foretold.union(
                facts.deciding(self.connection, self.answer.first, self.until, self.answer.trigger)
            )
        )

    def part(self, ids: Sequence[int]) -> Iterator[Drifting]:
        """These customers."""
        answer = self.answer
        foretold = self.saved.of([*ids, *(gone for each in ids for gone in self.merged.get(each, ()))])
        decided = facts.actual(self.connection, ids, answer.first, self.until, answer.trigger)
        people = facts.people(self.connection, ids)
        rows = {each: self._foretold(foretold, each) for each in ids}
        different = {
            each: found
            for each in ids
            if (
                found := compared(
                    list(map(decision_of, rows[each])), [row[0] for row in decided.get(each, ())]
                )
            )
        }
        news = self._news(list(different), people) if different else {}
        caught_up = (
            facts.caught_up(self.connection, list(different), answer.first, self.until) if different else {}
        )
        for each in ids:
            known = Circumstances(
                sorted(news.get(each, ()), key=lambda item: item.at),
                {row_of(decision_of(row)) for row in rows[each] if row["imagined"]}
                if each in different
                else (),
                {
                    (decision.trigger, decision.cause_key): event
                    for decision, event in decided.get(each, ())
                    if event is not None
                },
                ", ".join(answer.changes) or None,
                self.last_tick,
                caught_up.get(each, ()),
            )
            actual = [row[0] for row in decided.get(each, ())]
            key = people[each][0] if each in people else str(each)
            yield Drifting(
                key,
                each,
                list(map(decision_of, rows[each])),
                actual,
                explained(different.get(each, ()), known),
            )

    def _foretold(
        self, found: Mapping[int, Sequence[Mapping[str, Any]]], customer: int
    ) -> list[Mapping[str, Any]]:
        """What was foretold of a customer and of those merged into that one, as far as its day has come."""
        rows = [row for each in (customer, *self.merged.get(customer, ())) for row in found.get(each, ())]
        return [row for row in rows if row["at"] <= self.until]

    # ---- what became known since ----

    def _news(
        self, ids: Sequence[int], people: Mapping[int, tuple[str, Instant | None]]
    ) -> dict[int, list[News]]:
        keys = {people[each][0]: each for each in ids if each in people}
        found: dict[int, list[News]] = defaultdict(list)
        for source in (self._events, self._consents, self._addresses, self._identity, self._sending):
            for customer, item in source(ids):
                found[customer].append(item)
        for each in ids:
            erased = people[each][1] if each in people else None
            if erased is not None and erased > self.answer.now:
                found[each].append(News(erased, "identity", f"erased, {self._clock(erased)}"))
        for one, item in self._operators(ids, keys):
            for each in ids if one is None else (one,):
                found[each].append(item)
        return {each: [*found[each], *self.versions] for each in ids}

    def _clock(self, at: Instant) -> str:
        return clock(at, self.answer.zone)

    def _events(self, ids: Sequence[int]) -> Iterator[tuple[int, News]]:
        for row in facts.new_events(self.connection, ids, self.mark["events"], self.until):
            over = row.channel or row.source
            what = _said(row.properties) if row.kind == "identify" else row.name or row.kind
            late = (
                f", known since {self._clock(row.arrived_at)}"
                if row.arrived_at - row.occurred_at > HOUR
                else ""
            )
            detail = f"{what} over {over}, {self._clock(row.occurred_at)}{late}"
            cause: Cause = "address" if row.kind == "identify" else "event"
            triggers = concerned(self.playbook, row.kind, row.name)
            yield row.customer_id, News(row.arrived_at, cause, detail, triggers or None, row.id)

    def _consents(self, ids: Sequence[int]) -> Iterator[tuple[int, News]]:
        for row in facts.new_consents(self.connection, ids, self.mark["consents"], self.until):
            about = f"{row.channel}, {row.purpose if row.purpose != EVERYTHING else 'every purpose'}"
            detail = f"consent {row.state}: {about}, {self._clock(row.arrived_at)}"
            yield row.customer_id, News(row.arrived_at, "consent", detail, channel=row.channel)

    def _addresses(self, ids: Sequence[int]) -> Iterator[tuple[int, News]]:
        for row in facts.new_suppressions(self.connection, ids, self.mark["suppressions"], self.until):
            detail = f"{row.medium} address blocked ({row.reason}), {self._clock(row.arrived_at)}"
            yield row.customer_id, News(row.arrived_at, "address", detail, channel=row.medium)

    def _identity(self, ids: Sequence[int]) -> Iterator[tuple[int, News]]:
        wanted = set(ids)
        for row in facts.new_merges(self.connection, ids, self.mark["merges"], self.until):
            for each in {row.customer_id, row.merged_id} & wanted:
                if row.id > self.mark["merges"]:
                    yield (
                        each,
                        News(
                            row.at,
                            "identity",
                            f"found to be one person with another ({row.cause}), {self._clock(row.at)}",
                        ),
                    )
                if row.undone_at is not None and row.undone_at > self.answer.now:
                    yield (
                        each,
                        News(
                            row.undone_at,
                            "identity",
                            f"parted from another again, {self._clock(row.undone_at)}",
                        ),
                    )

    def _sending(self, ids: Sequence[int]) -> Iterator[tuple[int, News]]:
        """Messages whose room came free otherwise than by an operator, and those that count only from their
        hand-over on.
        """
        by_hand = {row.subject for row in self.acts if row.action in FREEING}
        for row in facts.released(self.connection, ids, self.answer.now, self.until):
            if str(row.id) not in by_hand:
                why = f" ({row.error or row.reason})" if row.error or row.reason else ""
                became = f"{row.trigger}, step {row.step}: {row.state}{why}"
                detail = f"{became}, {self._clock(row.released_at)}, and its room was free again"
                yield row.customer_id, News(row.released_at, "sending", detail, room=_step(row))
        for row in facts.handed_over_late(
            self.connection, ids, self.answer.now, self.until, self.playbook.grace
        ):
            detail = (
                f"{row.trigger}, step {row.step}: handed over {self._clock(row.sent_at)}, "
                f"{_late(row)} late, and counts from then on"
            )
            yield row.customer_id, News(row.sent_at, "sending", detail, room=_step(row))

    def _operators(self, ids: Sequence[int], keys: Mapping[str, int]) -> Iterator[tuple[int | None, News]]:
        """Acts on a trigger or everything for all, on a message or a customer for the one."""
        acts = [row for row in self.acts if row.action != "apply"]
        messages = facts.message_subjects(self.connection, ids) if acts else {}
        for row in acts:
            subject = "everything" if row.subject == EVERYTHING else row.subject
            detail = f"{row.action} {subject} by {row.author}, {self._clock(row.at)}"
            news = News(row.at, "operator", f"{detail}: {row.reason}" if row.reason else detail)
            scope, _, name = row.subject.partition(":")
            if row.action.startswith("outbox "):
                if row.subject in messages:
                    of = messages[row.subject]
                    room = _step(of) if row.action in FREEING else None
                    yield of.customer_id, news._replace(triggers=frozenset({of.trigger}), room=room)
            elif scope == "customer" or row.subject in keys or row.action == "unmerge":
                yield from ((keys[key], news) for key in (row.subject, name) if key in keys)
            else:
                yield None, self._concerning(news, row.subject, scope, name)

    def _concerning(self, news: News, subject: str, scope: str, name: str) -> News:
        """An act on a trigger, on everything, on a channel, or on what may touch anybody."""
        known = frozenset(self.playbook.index.by_name)
        if subject == EVERYTHING or subject in known:
            return news._replace(triggers=known if subject == EVERYTHING else frozenset({subject}))
        return news._replace(channel=name) if scope == "channel" else news


def _step(row: Any) -> Step:
    return row.trigger, row.cause_key or "", row.step


def _late(row: Any) -> str:
    return format_duration((row.sent_at - row.planned_at) // MINUTE * MINUTE)


def _said(properties: str) -> str:
    """The names of the traits that a source told."""
    traits = sorted(orjson.loads(properties))
    return f"identify ({', '.join(traits[:5])}{', ...' if len(traits) > 5 else ''})" if traits else "identify"


def _versions(
    connection: Connection, mark: Mapping[str, int], until: Instant, zone: ZoneInfo
) -> Iterator[News]:
    """Each playbook that came in force since: by the triggers it changed, and, where it changed rules for
    all, by itself.
    """
    for row in facts.new_versions(connection, mark["playbooks"], until):
        lines = [line.partition(": ") for line in row.summary.splitlines()]
        named = {
            name
            for head, _, names in lines
            if "trigger" in head or "active" in head
            for name in names.split(", ")
        }
        detail = f"playbook {row.version} by {row.author}, {clock(row.applied_at, zone)}"
        if named:
            yield News(row.applied_at, "playbook", detail, frozenset(named))
        yield News(row.applied_at, "playbook", detail)


def concerned(playbook: Playbook, kind: str, name: str) -> frozenset[str]:
    """The triggers that an event of that kind and name begins, ends or moves by itself."""
    index, clocked = playbook.index, playbook.index.firing_without_event
    if kind in ("identify", "alias"):
        return frozenset(each.name for each in clocked if each.when.moves_with_traits)
    is_activity = name not in NO_ACTIVITY
    begun = frozenset(trigger.name for trigger in index.entering.get(name, ()))
    moved = frozenset(trigger.name for trigger in clocked) if name in index.moving else frozenset[str]()
    return begun | index.ended_by(name, is_activity) | moved


def clock(at: Instant, zone: ZoneInfo) -> str:
    """An instant as people name it within a few days: weekday, date and time."""
    return f"{local(at, zone):%a %Y-%m-%d %H:%M}"


# ---- rows ----


def drift_row(customer: str, each: Explained) -> Mapping[str, Any]:
    """One difference; `predicted` and `actual` as objects of what was decided, or None."""
    decision = each.difference.either
    return {
        "customer": customer,
        "trigger": decision.trigger,
        "step": decision.step,
        "channel": decision.channel,
        "change": each.difference.change,
        "cause": each.cause,
        "detail": each.detail,
        "predicted": _side(each.difference.predicted),
        "actual": _side(each.difference.actual),
    }


def _side(decision: Decision | None) -> Mapping[str, Any] | None:
    if decision is None:
        return None
    return {
        "at": format_instant(decision.at),
        "channel": decision.channel,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "until": None if decision.until is None else format_instant(decision.until),
        "late": decision.late,
    }
