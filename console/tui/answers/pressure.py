"""The preview for the pressure screen: run in a worker, its decisions kept on disk until the next one of its
sort replaces it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from console.forecast.asked_playbook import asked_playbook
from console.forecast.diff import Comparison, DiffPart, compare
from console.forecast.preview import PreviewPart, preview
from console.forecast.preview_result import FOLDER, PreviewResult, about, answer
from console.forecast.question import Question
from console.tui.answers.exports import ExportsAnswers
from console.tui.answers.local_workspace import LocalWorkspace
from console.tui.answers.parts import take_parts
from core.errors import ManometerError
from core.explain.words import BECAUSE, counted, in_full, in_words
from core.forecast.diff import Diff
from core.forecast.preview import Totals, daily_capacities
from core.forecast.preview_filter import PreviewFilter
from core.instants import DAY, Instant, format_instant, local, rounded_up
from core.playbook.playbook import Playbook
from core.suggestions import near
from screens.ports import Cancelled, CancelledError, Progress
from screens.ports.pressure import PRESENT, Forecast, ForecastDecision, LimitLine, Since, Supposed
from storage.forecasts import drift, previews, saved_previews
from storage.forecasts.comparisons import KeptChanges
from storage.forecasts.previews import Kept, PreviewMark
from storage.forecasts.saved_previews import SavedPreview, Saving

PAGE: Final = 2_000
"""Rows of an export that are in memory at once."""
HEADS: Final = (
    "at",
    "customer",
    "trigger",
    "step",
    "channel",
    "outcome",
    "reason",
    "until",
    "late",
    "imagined",
    "message",
    "rules",
)


@dataclass(slots=True)
class Run:
    """What a look ahead gave, as far as it has come; with other rules also what is different."""

    totals: Totals = field(default_factory=Totals)
    diff: Diff | None = None
    kept: Kept = field(default_factory=Kept)
    changes: KeptChanges | None = None
    answer: PreviewResult | None = None
    """With what was asked, once it is complete."""
    reached: Mapping[str, int] = field(default_factory=dict)
    """How far the database had come."""

    def close(self) -> None:
        """Forget the decisions that were kept."""
        self.kept.close()
        if self.changes is not None:
            self.changes.close()


class PressureAnswers:
    """Answers the questions of `screens.ports.pressure` from the workspace's database."""

    def __init__(self, local: LocalWorkspace, exports: ExportsAnswers) -> None:
        self._local = local
        self._exports = exports
        self._lock = Lock()
        self._runs = 0
        self._kept: dict[tuple[bool, bool], tuple[Forecast, Run, PreviewMark]] = {}
        """By sort: whether something is supposed, whether of one trigger only."""

    @property
    def last(self) -> Forecast | None:
        """The newest forecast that was finished."""
        found = [forecast for forecast, _, _ in self._kept.values()]
        return max(found, key=lambda forecast: forecast.number, default=None)

    def run(
        self, days: int, cancelled: Cancelled, progress: Progress, supposed: Supposed = PRESENT
    ) -> Forecast:
        """Look so many days ahead; in one process where the database may not be written, for several need its
        write lock.
        """
        local = self._local
        before = local.in_force().playbook
        question = self.question(days, supposed, local.now())
        with local.asking(cancelled) as connection:
            mark, reached = previews.mark(connection), drift.reached(connection)
        after = asked_playbook(local.store, question)
        if supposed.trigger is not None and after.trigger(supposed.trigger) is None:
            hint = near(supposed.trigger, after.index.by_name) or "The list of triggers has them all."
            raise ManometerError(f"There is no trigger {supposed.trigger[:80]!r}. {hint}")
        run = (
            Run(diff=Diff(), changes=KeptChanges(), reached=reached)
            if supposed.changes
            else Run(reached=reached)
        )
        try:
            (self._compare if supposed.changes else self._look_ahead)(
                question, after, run, cancelled, progress
            )
        except BaseException:
            run.close()
            raise
        run.answer = answer(question, after, before.version, run.totals)
        return self._remember(question, days, (before, after), supposed, run, mark)

    def question(self, days: int, supposed: Supposed, at: Instant) -> Question:
        """What is asked at an instant: the days after it, or, as they came, those before it."""
        first = at - days * DAY if supposed.future == "as-it-was" else at
        local = self._local
        return Question(
            local.context.folder,
            local.context.database,
            now=at,
            first=first,
            last=first + days * DAY,
            future=supposed.future,
            trigger=supposed.trigger,
            with_details=True,
            changes=supposed.changes,
        )

    @property
    def workers(self) -> int | None:
        """How many processes may work on a question: as many as there are cores, or one."""
        return None if self._local.store.is_writable else 1

    def _look_ahead(
        self, question: Question, playbook: Playbook, run: Run, cancelled: Cancelled, progress: Progress
    ) -> None:
        def take(part: PreviewPart) -> None:
            run.totals.merge(part.totals)
            run.kept.add(part.details)

        take_parts(preview(question, self._local.store, playbook, self.workers), take, cancelled, progress)
        run.kept.finish()

    def _compare(
        self, question: Question, _: Playbook, run: Run, cancelled: Cancelled, progress: Progress
    ) -> None:
        diff, changes = run.diff, run.changes
        assert diff is not None
        assert changes is not None

        def take(part: DiffPart) -> None:
            diff.merge(part.diff)
            run.kept.add(part.after)
            changes.add(part.before)
            changes.add_changes(part.changes)

        parts = compare(Comparison(question), self._local.store, self.workers)
        take_parts(parts, take, cancelled, progress)
        run.kept.finish()
        changes.finish()
        run.totals = diff.after

    def _remember(
        self,
        question: Question,
        days: int,
        playbooks: tuple[Playbook, Playbook],
        supposed: Supposed,
        run: Run,
        mark: PreviewMark,
    ) -> Forecast:
        before, playbook = playbooks
        sort = supposed.is_what_if, supposed.trigger is not None
        with self._lock:
            self._runs += 1
            forecast = Forecast(
                number=self._runs,
                first=question.first,
                last=question.last,
                days=days,
                playbook=before.version,
                totals=run.totals,
                channels=tuple(playbook.channels),
                capacities=daily_capacities(playbook),
                limits=tuple(_limits(playbook)),
                supposed=supposed,
                diff=run.diff,
                limits_before=tuple(_limits(before)),
                asked=tuple(run.totals.asked(playbook.channels)),
            )
            replaced = self._kept.get(sort)
            self._kept[sort] = (forecast, run, mark)
        if replaced is not None:
            replaced[1].close()
        return forecast

    def since(self, forecast: Forecast, cancelled: Cancelled) -> Since:
        """What has happened since its snapshot."""
        mark = self._of(forecast)[1]
        with self._local.asking(cancelled) as connection:
            newest = previews.mark(connection)
        return Since(
            newest.events - mark.events,
            newest.decisions - mark.decisions,
            newest.acts - mark.acts,
            newest.playbook != mark.playbook,
        )

    def ids(self, forecast: Forecast, behind: PreviewFilter, cancelled: Cancelled) -> array[int]:
        """Numbers of the decisions, by instant, customer and rank."""
        try:
            return self.kept(forecast).kept.ids(behind, cancelled)
        except ManometerError:
            if cancelled():
                raise CancelledError from None
            raise

    def rows(
        self, forecast: Forecast, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, ForecastDecision]:
        """Decisions by number, with the customers' names of now."""
        rows = self.kept(forecast).kept.rows(ids)
        with self._local.asking(cancelled) as connection:
            names = previews.names(connection, [row["customer_id"] for row in rows.values()])
        return {
            number: foreseen(number, row, names.get(row["customer_id"], "")) for number, row in rows.items()
        }

    def why(self, forecast: Forecast, id: int, cancelled: Cancelled) -> str:  # noqa: ARG002 - one row is there at once
        """One decision in words."""
        row, zone = self.kept(forecast).kept.rows([id])[id], self._local.place.zone
        if row["decided_already"]:
            held = f", {BECAUSE[row['reason']]}" if row["reason"] else ""
            return (
                f"Decided already: message {row['message']} of step {row['step']} over {row['channel']} "
                f"waits in the outbox{held}."
            )
        return in_words({**row, "foretold": forecast.supposed.future != "as-it-was"}, zone)

    def taken(self, name: str, cancelled: Cancelled) -> str | None:  # noqa: ARG002 - one file is read at once
        """What is kept under the name already, in words."""
        folder = self._local.context.folder / FOLDER
        if not saved_previews.path_of(folder, name).exists():
            return None
        try:
            with SavedPreview(folder, name) as saved:
                made = in_full(saved.about["now"], self._local.place.zone)
                decisions = counted(saved.totals.decisions, "decision")
                return f"{name} was made {made} by {saved.about['author']}: {decisions}."
        except ManometerError as error:
            return str(error)

    def keep(
        self, forecast: Forecast, name: str, note: str | None, replace: bool, cancelled: Cancelled
    ) -> tuple[str, int]:
        """Keep the forecast with its question and all decisions; ManometerError where the console is for
        reading only.
        """
        run, local = self.kept(forecast), self._local
        if local.place.read_only is not None:
            raise ManometerError(f"Nothing can be kept: {local.place.read_only}.")
        assert run.answer is not None
        folder = local.context.folder / FOLDER
        with Saving(folder, name, force=replace) as saving:
            for rows in run.kept.in_chunks(PAGE):
                if cancelled():
                    raise CancelledError
                saving.add(rows)
            saving.finish(about(run.answer, note or None, local.context.author, run.reached), run.totals)
        return str(saved_previews.path_of(folder, name)), run.totals.decisions

    def export(self, forecast: Forecast, behind: PreviewFilter, cancelled: Cancelled) -> tuple[str, int]:
        """Write the decisions to a new file in the workspace's folder of exports."""
        kept = self.kept(forecast).kept
        day = f"{local(forecast.first, self._local.place.zone):%Y-%m-%d}"
        cells = self._cells(kept, self.ids(forecast, behind, cancelled), cancelled)
        return self._exports.table(
            f"{'what-if' if forecast.supposed.is_what_if else 'preview'}-{forecast.days}-days-from-{day}",
            HEADS,
            cells,
        )

    def _cells(self, kept: Kept, ids: array[int], cancelled: Cancelled) -> Iterator[Sequence[object]]:
        for start in range(0, len(ids), PAGE):
            if cancelled():
                raise CancelledError
            page = ids[start : start + PAGE]
            rows = kept.rows(page)
            yield from (_cells(rows[number]) for number in page)

    def kept(self, forecast: Forecast) -> Run:
        """What was kept of a forecast; ManometerError where a newer one of its sort has replaced it."""
        return self._of(forecast)[0]

    def _of(self, forecast: Forecast) -> tuple[Run, PreviewMark]:
        found = self._kept.get((forecast.supposed.is_what_if, forecast.supposed.trigger is not None))
        if found is None or found[0].number != forecast.number:
            raise ManometerError("This preview was replaced by a newer one. Go back to look at that.")
        return found[1], found[2]

    def close(self) -> None:
        """Forget the decisions that were kept."""
        with self._lock:
            kept, self._kept = self._kept, {}
        for _, run, _ in kept.values():
            run.close()


def _limits(playbook: Playbook) -> Iterator[LimitLine]:
    for rule in playbook.rules:
        if rule.limit is not None and rule.window is not None:
            yield LimitLine(rule.name, rule.limit, rule.unit, rule.window.text, rule.audience is None)


def foreseen(number: int, row: Mapping[str, Any], name: str) -> ForecastDecision:
    """A decision that was kept, with the customer's name."""
    return ForecastDecision(
        number, row["at"], row["customer_id"], row["customer"], name, row["trigger"], row["step"],
        row["channel"], row["outcome"],
        row["reason"], row["until"], row["imagined"], row["message"],
    )  # fmt: skip


def _cells(row: Mapping[str, Any]) -> Sequence[object]:
    instants = {
        "at": format_instant(row["at"]),
        "until": None if row["until"] is None else format_instant(rounded_up(row["until"])),
    }
    rules = ", ".join(rule["rule"] for rule in row["rules"])
    return [{**row, **instants, "rules": rules}[name] for name in HEADS]
