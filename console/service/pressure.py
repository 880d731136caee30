"""The preview for the pressure screen: run in a worker, its decisions kept on disk until the next one replaces it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from console.preview import Question, preview
from core.errors import ManometerError
from core.instants import DAY, format_instant, local
from core.playbook import Playbook
from core.preview import Totals, daily_capacities
from core.words import in_words
from screens.service import Cancelled, CancelledError, Progress
from screens.service.pressure import Behind, Forecast, Foreseen, Limit, Since
from storage import previews
from storage.previews import Filter, Kept, Mark

if TYPE_CHECKING:
    from console.service import LocalService

PAGE: Final = 2_000
"""Rows of an export that are in memory at once."""
HEADS: Final = ("at", "customer", "trigger", "step", "channel", "outcome", "reason", "until", "late", "rules")


class Pressure:
    """Answers the questions of `screens.service.pressure` from the workspace's database."""

    def __init__(self, local: LocalService) -> None:
        self._local = local
        self._lock = Lock()
        self._runs = 0
        self._kept: tuple[Forecast, Kept, Mark] | None = None

    @property
    def last(self) -> Forecast | None:
        """The newest forecast that was finished."""
        kept = self._kept
        return None if kept is None else kept[0]

    def run(self, days: int, cancelled: Cancelled, progress: Progress) -> Forecast:
        """Look so many days ahead; in one process where the database may not be written, for several need its write lock."""
        local, at = self._local, self._local.now()
        playbook = local.in_force().playbook
        with local.asking(cancelled) as connection:
            mark = previews.mark(connection)
        question = Question(local.context.folder, local.context.database, at, at, at + days * DAY, with_details=True)
        kept = Kept()
        try:
            totals = self._look_ahead(question, playbook, kept, cancelled, progress)
        except BaseException:
            kept.close()
            raise
        return self._keep(question, days, playbook, totals, kept, mark)

    def _look_ahead(self, question: Question, playbook: Playbook, kept: Kept, cancelled: Cancelled, progress: Progress) -> Totals:
        totals = Totals()
        with closing(preview(question, self._local.store, playbook, None if self._local.store.is_writable else 1)) as parts:
            for part, done, total in parts:
                if cancelled():
                    raise CancelledError
                totals.merge(part.totals)
                kept.add(part.details)
                progress(done, total)
        kept.finish()
        return totals

    def _keep(self, question: Question, days: int, playbook: Playbook, totals: Totals, kept: Kept, mark: Mark) -> Forecast:
        with self._lock:
            self._runs += 1
            forecast = Forecast(
                number=self._runs,
                first=question.first,
                last=question.last,
                days=days,
                playbook=playbook.version,
                totals=totals,
                channels=tuple(playbook.channels),
                capacities=daily_capacities(playbook),
                limits=tuple(_limits(playbook)),
            )
            before, self._kept = self._kept, (forecast, kept, mark)
        if before is not None:
            before[1].close()
        return forecast

    def since(self, forecast: Forecast, cancelled: Cancelled) -> Since:
        """What has happened since its snapshot."""
        _, mark = self._of(forecast)
        with self._local.asking(cancelled) as connection:
            newest = previews.mark(connection)
        return Since(
            newest.events - mark.events, newest.decisions - mark.decisions, newest.acts - mark.acts, newest.playbook != mark.playbook
        )

    def ids(self, forecast: Forecast, behind: Behind, cancelled: Cancelled) -> array[int]:
        """Numbers of the decisions, by instant, customer and rank."""
        try:
            return self._of(forecast)[0].ids(_filter(behind), cancelled)
        except ManometerError:
            if cancelled():
                raise CancelledError from None
            raise

    def rows(self, forecast: Forecast, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, Foreseen]:
        """Decisions by number, with the customers' names of now."""
        rows = self._of(forecast)[0].rows(ids)
        with self._local.asking(cancelled) as connection:
            names = previews.names(connection, [row["customer_id"] for row in rows.values()])
        return {number: _foreseen(number, row, names.get(row["customer_id"], "")) for number, row in rows.items()}

    def why(self, forecast: Forecast, id: int, cancelled: Cancelled) -> str:  # noqa: ARG002 - one row is there at once
        """One decision in words."""
        return in_words(self._of(forecast)[0].rows([id])[id], self._local.place.zone)

    def export(self, forecast: Forecast, behind: Behind, cancelled: Cancelled) -> tuple[str, int]:
        """Write the decisions to a new file in the workspace's folder of exports."""
        kept, _ = self._of(forecast)
        day = f"{local(forecast.first, self._local.place.zone):%Y-%m-%d}"
        cells = self._cells(kept, self.ids(forecast, behind, cancelled), cancelled)
        return self._local.exports.table(f"preview-{forecast.days}-days-from-{day}", HEADS, cells)

    def _cells(self, kept: Kept, ids: array[int], cancelled: Cancelled) -> Iterator[Sequence[object]]:
        for start in range(0, len(ids), PAGE):
            if cancelled():
                raise CancelledError
            page = ids[start : start + PAGE]
            rows = kept.rows(page)
            yield from (_cells(rows[number]) for number in page)

    def _of(self, forecast: Forecast) -> tuple[Kept, Mark]:
        kept = self._kept
        if kept is None or kept[0].number != forecast.number:
            raise ManometerError("This preview was replaced by a newer one. Go back to look at that.")
        return kept[1], kept[2]

    def close(self) -> None:
        """Forget the decisions that were kept."""
        with self._lock:
            kept, self._kept = self._kept, None
        if kept is not None:
            kept[1].close()


def _limits(playbook: Playbook) -> Iterator[Limit]:
    for rule in playbook.rules:
        if rule.limit is not None and rule.window is not None:
            yield Limit(rule.name, rule.limit, rule.unit, rule.window.text, rule.audience is None)


def _filter(behind: Behind) -> Filter:
    return Filter(behind.since, behind.until, behind.channels, behind.triggers, behind.outcomes, behind.reasons, behind.rule)


def _foreseen(number: int, row: Mapping[str, Any], name: str) -> Foreseen:
    return Foreseen(
        number, row["at"], row["customer_id"], row["customer"], name, row["trigger"], row["step"], row["channel"], row["outcome"],
        row["reason"], row["until"],
    )  # fmt: skip


def _cells(row: Mapping[str, Any]) -> Sequence[object]:
    instants = {"at": format_instant(row["at"]), "until": None if row["until"] is None else format_instant(row["until"])}
    rules = ", ".join(rule["rule"] for rule in row["rules"])
    return [{**row, **instants, "rules": rules}[name] for name in HEADS]
