"""What if, for the screens: what can be changed as it is in force, and what the newest comparison has
kept.
"""

from __future__ import annotations

import shlex
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from console.tui.answers.local_workspace import LocalWorkspace
from console.tui.answers.pressure import PressureAnswers
from core.errors import ManometerError
from core.explain.words import in_words
from core.forecast.preview_filter import PreviewFilter
from core.forecast.what_if import PlaybookChange, changed
from core.instants import Instant, format_duration, format_instant
from core.limits.capacity import format_capacity
from core.limits.pressure import POINT, PressureRule, per_unit
from core.model.predicate import Predicate
from core.model.triggers import Trigger
from core.playbook.playbook import Channel, Playbook
from screens.ports import Cancelled, CancelledError
from screens.ports.pressure import Forecast
from screens.ports.what_if import ChangedCustomer, ComparedStep, DecisionSide, Option
from storage.forecasts import previews
from storage.forecasts.comparisons import KeptChanges

SWITCH: Final = ("false", "true")
WINDOW: Final = "7d, 16h, 3 days, calendar week"
AUDIENCE: Final = "segment('NAME'), orders >= 3; all for everybody"
PRIORITY_STEP: Final = 10


class WhatIfAnswers:
    """Answers the questions of `screens.ports.what_if`."""

    def __init__(self, local: LocalWorkspace, pressure: PressureAnswers) -> None:
        self._local = local
        self._pressure = pressure

    def options(self, cancelled: Cancelled) -> Sequence[Option]:  # noqa: ARG002 - the playbook is there at once
        """All that can be changed, with what it is now."""
        return tuple(_options(self._local.in_force().playbook, self._local.now()))

    def fault(self, changes: Sequence[PlaybookChange], cancelled: Cancelled) -> str | None:  # noqa: ARG002
        """Why the rules cannot be changed so; None where they can."""
        try:
            changed(self._local.in_force().playbook, changes, self._local.now())
        except ManometerError as error:
            return str(error)
        return None

    # ---- what is different ----

    def customers(self, forecast: Forecast, trigger: str | None, cancelled: Cancelled) -> array[int]:
        """Whose decisions change; most differences first."""
        try:
            return self._changes(forecast).changed(trigger, cancelled)
        except ManometerError:
            if cancelled():
                raise CancelledError from None
            raise

    def customer_rows(
        self, forecast: Forecast, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, ChangedCustomer]:
        """These of them, with their names of now."""
        found = self._changes(forecast).changes(ids)
        with self._local.asking(cancelled) as connection:
            names = previews.names(connection, ids)
        return {
            row: ChangedCustomer(row, each.customer, names.get(row, ""), each.differences, each.had, each.has)
            for row, each in found.items()
        }

    def sides(self, forecast: Forecast, customer_id: int, cancelled: Cancelled) -> Sequence[ComparedStep]:
        """All decisions for the customer in the span, before and after."""
        kept, changes = self._pressure.kept(forecast).kept, self._changes(forecast)
        changed = changes.changes([customer_id]).get(customer_id)
        if changed is None:
            raise ManometerError("Nothing changes for this customer.")
        sides = [
            {
                row["rank"]: row
                for row in each.rows(each.ids(PreviewFilter(customer_id=customer_id), cancelled)).values()
            }
            for each in (changes, kept)
        ]
        return [
            self._side(kind, None if old is None else sides[0][old], None if new is None else sides[1][new])
            for kind, old, new in changed.pairs
        ]

    def _side(
        self, change: str | None, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> ComparedStep:
        either = after or before
        assert either is not None
        at = min(row["at"] for row in (before, after) if row is not None)
        return ComparedStep(
            at,
            either["trigger"],
            either["step"],
            either["channel"],
            self._taken(before),
            self._taken(after),
            change,
        )

    def _taken(self, row: Mapping[str, Any] | None) -> DecisionSide | None:
        if row is None:
            return None
        return DecisionSide(
            row["at"], row["outcome"], row["reason"], row["until"], in_words(row, self._local.place.zone)
        )

    def _changes(self, forecast: Forecast) -> KeptChanges:
        changes = self._pressure.kept(forecast).changes
        if changes is None:
            raise ManometerError("Nothing is compared here: no rule is changed.")
        return changes

    # ---- written down ----

    def command(self, forecast: Forecast) -> str:
        """The command line that asks the same; of a live clock its begin is named, or it would be asked from
        then on.
        """
        supposed = forecast.supposed
        words = [
            "manometer",
            "-w",
            str(self._local.context.folder.resolve()),
            "diff" if supposed.changes else "preview",
        ]
        words += ["--days", str(forecast.days)]
        if supposed.future != "known":
            words += ["--future", supposed.future]
        if supposed.future == "as-it-was":
            words += ["--from", format_instant(forecast.first)]
        if supposed.trigger is not None:
            words += ["--trigger", supposed.trigger]
        for change in supposed.changes:
            words += ["--set", str(change)]
        return shlex.join(words)


# ---- what can be changed ----


def _options(playbook: Playbook, at: Instant) -> Iterator[Option]:
    yield Option("engine", "", "look_ahead", str(playbook.look_ahead).lower(), SWITCH)
    for rule in playbook.rules:
        yield from _of_rule(rule)
    for channel in playbook.channels.values():
        yield from _of_channel(channel)
    for trigger in sorted(playbook.triggers, key=lambda each: (each.status == "retired", each.name)):
        yield from _of_trigger(trigger, playbook, at)


def _of_rule(rule: PressureRule) -> Iterator[Option]:
    if rule.limit is not None and rule.window is not None:
        yield Option(
            "rule",
            rule.name,
            "limit",
            f"{rule.limit / per_unit(rule.unit):g}",
            step=1,
            hint=f"{rule.unit}, a number",
        )
        yield Option("rule", rule.name, "window", rule.window.text, hint=WINDOW)
    if rule.gap is not None:
        yield Option(
            "rule", rule.name, "gap", format_duration(rule.gap), hint="16h, 2d; none takes the gap away"
        )
    yield Option("rule", rule.name, "audience", _audience(rule), hint=AUDIENCE)
    yield Option("rule", rule.name, "off", "false", SWITCH)


def _audience(rule: PressureRule) -> str:
    """Its condition on one line, for whom the rule holds."""
    return " ".join(rule.audience.text.split()) if isinstance(rule.audience, Predicate) else "all"


def _of_channel(channel: Channel) -> Iterator[Option]:
    yield Option(
        "channel", channel.name, "weight", f"{channel.weight / POINT:g}", step=1, hint="points, a number"
    )
    yield Option("channel", channel.name, "send_window", "; ".join(channel.send_windows.lines) or "always",
                 hint="Mon-Fri 08:00-18:00; Sat 09:00-12:00, or always")  # fmt: skip
    yield Option("channel", channel.name, "lead_time", format_duration(channel.lead_time), hint="0s, 2d")
    yield Option("channel", channel.name, "capacity",
        "none" if channel.capacity is None else format_capacity(channel.capacity),
                 hint="20000/day, 3000/hour, 100/minute, or none")  # fmt: skip


def _of_trigger(trigger: Trigger, playbook: Playbook, at: Instant) -> Iterator[Option]:
    yield Option("trigger", trigger.name, "status", trigger.status, ("active", "draft", "retired"))
    yield Option("trigger", trigger.name, "paused", _paused(trigger, playbook, at))
    yield Option(
        "trigger", trigger.name, "priority", str(trigger.priority), step=PRIORITY_STEP, hint="0 to 100"
    )
    yield Option("trigger", trigger.name, "holdout", f"{trigger.holdout:g}", hint="a share: a tenth is 0.10")


def _paused(trigger: Trigger, playbook: Playbook, at: Instant) -> str:
    held = next(
        (
            pause
            for pause in playbook.pauses
            if pause.scope == "trigger" and pause.name == trigger.name and pause.holds(at)
        ),
        None,
    )
    if held is None:
        return "false"
    return "true" if held.until is None else format_instant(held.until)
