"""The backtest for the screens: run in a worker, its decisions kept on disk until the next one replaces
it.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from threading import Lock

from console.forecast.backtest import Backtest, BacktestPart, backtest
from console.forecast.question import Question
from console.playbooks.known_triggers import refuse_unknown
from console.tui.answers.local_workspace import LocalWorkspace
from console.tui.answers.parts import take_parts
from console.tui.answers.pressure import PressureAnswers, foreseen
from core.errors import ManometerError
from core.forecast.backtest import Backtested
from core.forecast.preview_filter import PreviewFilter
from core.instants import DAY
from screens.ports import Cancelled, CancelledError, Progress
from screens.ports.backtest import Tried
from screens.ports.pressure import ForecastDecision
from storage.forecasts import previews
from storage.forecasts.previews import Kept


class BacktestAnswers:
    """Answers the questions of `screens.ports.backtest` from the workspace's database."""

    def __init__(self, local: LocalWorkspace, pressure: PressureAnswers) -> None:
        self._local = local
        self._pressure = pressure
        self._lock = Lock()
        self._runs = 0
        self._kept: tuple[Tried, Kept] | None = None

    def run(self, trigger: str, days: int, cancelled: Cancelled, progress: Progress) -> Tried:
        """Try it on the past."""
        local, at = self._local, self._local.now()
        refuse_unknown(
            trigger, local.in_force().playbook, local.context.folder, "manometer triggers backtest --file"
        )
        first = at - days * DAY
        question = Question(
            local.context.folder,
            local.context.database,
            now=at,
            first=first,
            last=at,
            future="as-it-was",
            with_details=True,
        )
        sums, kept = Backtested(), Kept()

        def take(part: BacktestPart) -> None:
            sums.merge(part.sums)
            kept.add(part.details)

        try:
            parts = backtest(Backtest(question, trigger), local.store, self._pressure.workers)
            take_parts(parts, take, cancelled, progress)
            kept.finish()
        except BaseException:
            kept.close()
            raise
        return self._keep(Tried(0, trigger, first, at, days, sums), kept)

    def _keep(self, found: Tried, kept: Kept) -> Tried:
        with self._lock:
            self._runs += 1
            tried = Tried(self._runs, found.trigger, found.first, found.last, found.days, found.sums)
            before, self._kept = self._kept, (tried, kept)
        if before is not None:
            before[1].close()
        return tried

    def ids(self, tried: Tried, behind: PreviewFilter, cancelled: Cancelled) -> array[int]:
        """Numbers of its decisions, by instant."""
        try:
            return self._of(tried).ids(behind, cancelled)
        except ManometerError:
            if cancelled():
                raise CancelledError from None
            raise

    def rows(self, tried: Tried, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, ForecastDecision]:
        """These of them, with the customers' names of now."""
        rows = self._of(tried).rows(ids)
        with self._local.asking(cancelled) as connection:
            names = previews.names(connection, [row["customer_id"] for row in rows.values()])
        return {
            number: foreseen(number, row, names.get(row["customer_id"], "")) for number, row in rows.items()
        }

    def _of(self, tried: Tried) -> Kept:
        kept = self._kept
        if kept is None or kept[0].number != tried.number:
            raise ManometerError("This backtest was replaced by a newer one. Go back to look at that.")
        return kept[1]

    def close(self) -> None:
        """Forget the decisions that were kept."""
        with self._lock:
            kept, self._kept = self._kept, None
        if kept is not None:
            kept[1].close()
