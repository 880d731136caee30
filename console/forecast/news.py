"""What became known to a workspace after a preview of it was made, customer by customer.

Each piece of news may be the cause why the days came otherwise than foretold. Instants are ms UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection

from console.forecast.preview_result import PreviewResult
from core.forecast.drift import Cause, News, Step
from core.instants import HOUR, MINUTE, Instant, format_duration, local
from core.model.events import NO_ACTIVITY
from core.model.pauses import EVERYTHING
from core.playbook.playbook import Playbook
from storage.forecasts import drift as facts

FREEING: Final = frozenset({"outbox cancel", "outbox reject"})
"""Acts of operators by which a message gives its room back."""


class NewsSince:
    """The news since a preview, up to an instant; `mark` says how far the database had come by then."""

    def __init__(
        self,
        connection: Connection,
        answer: PreviewResult,
        mark: Mapping[str, int],
        playbook: Playbook,
        until: Instant,
    ) -> None:
        self.connection, self.answer, self.mark = connection, answer, mark
        self.playbook, self.until = playbook, until
        self.versions = list(_versions(connection, mark, until, answer.zone))
        self.acts = facts.new_acts(connection, mark["audit"], until)

    def of(
        self, ids: Sequence[int], people: Mapping[int, tuple[str, Instant | None]]
    ) -> dict[int, list[News]]:
        """The news of these customers; `people` has each one's key, and when that customer was erased."""
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
