"""Two kept previews against each other, over the span that both look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from console.forecast.diff import difference_row
from console.forecast.preview_result import PreviewResult
from core.errors import ManometerError
from core.forecast.diff import DecisionDifference, Diff, differences
from core.forecast.preview import PreviewCustomer
from core.instants import Instant, format_instant
from core.model.decisions import Decision
from storage.forecasts.saved_previews import SavedPreview, chunks, decision_of


class ComparedPreview(NamedTuple):
    """One of the two, open."""

    saved: SavedPreview
    answer: PreviewResult


@dataclass(frozen=True, slots=True)
class Compared:
    """What is different in (first, last]; read from the files as it is asked for."""

    before: ComparedPreview
    after: ComparedPreview
    first: Instant
    last: Instant

    @property
    def is_whole(self) -> bool:
        """Whether both look at just this span, so that what was counted over all of it holds here."""
        return all(
            (each.answer.first, each.answer.last) == (self.first, self.last)
            for each in (self.before, self.after)
        )

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """The differences as `diff --json` has them, by customer."""
        for person, _, _, found in self._people():
            for each in found:
                yield difference_row(person.key, person.id, each)

    def diff(self) -> Diff:
        """The sums."""
        diff = Diff()
        for person, before, after, found in self._people():
            diff.add(person, before, after, found, self.after.answer.zone)
        if self.is_whole:
            diff.before.fullness, diff.after.fullness = (
                self.before.saved.totals.fullness,
                self.after.saved.totals.fullness,
            )
        looked_at = max(self.before.saved.totals.looked_at, self.after.saved.totals.looked_at)
        diff.before.looked_at = diff.after.looked_at = looked_at
        return diff

    def _people(
        self,
    ) -> Iterator[
        tuple[PreviewCustomer, Sequence[Decision], Sequence[Decision], Sequence[DecisionDifference]]
    ]:
        for ids in chunks([*self.before.saved.customers(), *self.after.saved.customers()]):
            old, new = self.before.saved.of(ids), self.after.saved.of(ids)
            for each in sorted(old.keys() | new.keys()):
                rows = old.get(each, []), new.get(each, [])
                before, after = (
                    [decision_of(row) for row in side if self.first < row["at"] <= self.last] for side in rows
                )
                key = (rows[1] or rows[0])[0]["customer"]
                yield PreviewCustomer(key, each), before, after, differences(before, after)


def compare_kept(before: ComparedPreview, after: ComparedPreview) -> Compared:
    """The two over the span that both look at; ManometerError where there is none, or where they look at
    different triggers.
    """
    first, last = max(before.answer.first, after.answer.first), min(before.answer.last, after.answer.last)
    if last <= first:
        spans = " and ".join(
            f"{format_instant(each.answer.first)} to {format_instant(each.answer.last)}"
            for each in (before, after)
        )
        raise ManometerError(f"{before.saved.name} and {after.saved.name} have no day in common: {spans}.")
    if before.answer.trigger != after.answer.trigger:
        named = (f"{each.saved.name} has {each.answer.trigger or 'all triggers'}" for each in (before, after))
        raise ManometerError(f"These cannot be compared: {', '.join(named)}.")
    return Compared(before, after, first, last)
