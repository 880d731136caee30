"""A kept preview against what was decided in fact, with the cause of every difference; one snapshot of the
database, writing nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from console.forecast.news import NewsSince
from console.forecast.preview_result import PreviewResult, kept_answer
from core.errors import ManometerError
from core.explain.words import in_full
from core.forecast.diff import row_of
from core.forecast.drift import Circumstances, Explained, compared, explained
from core.instants import Instant, format_instant, rounded_up
from core.model.decisions import Decision
from core.playbook.playbook import Playbook
from storage.forecasts import drift as facts
from storage.forecasts.saved_previews import SavedPreview, chunks, decision_of
from storage.status import LAST_TICK_AT
from storage.store import meta


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
        self.news = NewsSince(connection, answer, saved.about["mark"], playbook, until)
        self.into = facts.gone_into(connection)
        self.merged: dict[int, list[int]] = defaultdict(list)
        for gone, survivor in self.into.items():
            self.merged[survivor].append(gone)
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
        saved = self.saved.of([*ids, *(gone for each in ids for gone in self.merged.get(each, ()))])
        people = facts.people(self.connection, ids)
        foretold = {each: self._foretold(saved, each) for each in ids}
        decided = facts.actual(self.connection, ids, answer.first, self.until, answer.trigger)
        predicted = {each: list(map(decision_of, foretold[each])) for each in ids}
        actual = {each: [row[0] for row in decided.get(each, ())] for each in ids}
        found = {each: compared(predicted[each], actual[each]) for each in ids}
        different = [each for each in ids if found[each]]
        news = self.news.of(different, people) if different else {}
        caught_up = facts.caught_up(self.connection, different, answer.first, self.until) if different else {}
        for each in ids:
            known = Circumstances(
                sorted(news.get(each, ()), key=lambda item: item.at),
                _imagined(foretold[each]) if found[each] else (),
                _events_of(decided.get(each, ())),
                ", ".join(answer.changes) or None,
                self.last_tick,
                caught_up.get(each, ()),
            )
            key = people[each][0] if each in people else str(each)
            yield Drifting(key, each, predicted[each], actual[each], explained(found[each], known))

    def _foretold(
        self, found: Mapping[int, Sequence[Mapping[str, Any]]], customer: int
    ) -> list[Mapping[str, Any]]:
        """What was foretold of a customer and of those merged into that one, as far as its day has come."""
        rows = [row for each in (customer, *self.merged.get(customer, ())) for row in found.get(each, ())]
        return [row for row in rows if row["at"] <= self.until]


def _imagined(rows: Sequence[Mapping[str, Any]]) -> set[tuple[object, ...]]:
    return {row_of(decision_of(row)) for row in rows if row["imagined"]}


def _events_of(decided: Sequence[tuple[Decision, int | None]]) -> dict[tuple[str, str], int]:
    """The event that each entry came of, by trigger and cause."""
    return {(decision.trigger, decision.cause_key): event for decision, event in decided if event is not None}


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
        "until": None if decision.until is None else format_instant(rounded_up(decision.until)),
        "late": decision.late,
    }
