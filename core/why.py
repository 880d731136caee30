"""Why, and why not: one customer and one trigger, every check asked, the answer in words.

The last decision answers where there is one; else the first check that does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.consent import consent_objection, suppression_objection
from core.customer import address_of
from core.decisions import Enrolment
from core.dossier import BEGINNING, Dossier
from core.entry import bucket, may_reenter
from core.events import Event
from core.guards import Candidate
from core.instants import Instant, format_duration
from core.kinds.threshold import metric
from core.language import explain as explain_condition
from core.life import Life, open_pauses
from core.placement import contacts_of
from core.playbook import Playbook
from core.predicate import Predicate
from core.preference import PREFERS, preferred
from core.pressure import per_unit, violations
from core.triggers import ALWAYS, NEVER, Step, Trigger
from core.words import behind, in_words, when


@dataclass(frozen=True, slots=True)
class Check:
    """One question on the way to a message; `holds` means that nothing stands against it."""

    check: str
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer: `verdict` is the outcome of the last decision, or `none`."""

    verdict: str
    reason: str | None
    words: str
    trace: tuple[Check, ...]
    behind: str | None = None
    """What something that expired had waited for."""


def explain(
    dossier: Dossier, playbook: Playbook, trigger: Trigger, at: Instant, decided: Sequence[Mapping[str, Any]], events: Sequence[Event]
) -> Explanation:
    """Explain one trigger for one customer as of an instant.

    `dossier` is settled up to `at`, `decided` are her decision rows for the trigger up to `at`, oldest first, and `events`
    her latest events of the names the trigger enters on. Instants are said in the workspace's local time.
    """
    life = Life(dossier, playbook)
    life.now = at
    trace = tuple(_trace(trigger, life, events))
    running = next((e for e in dossier.enrolments if e.trigger == trigger.name and e.state == "open"), None)
    if decided:
        last = decided[-1]
        words = in_words(last, life.playbook.zone)
        if running is not None and last["outcome"] in ("send", "suppress"):
            words += f" {_next_step(running, trigger, life)}"
        return Explanation(last["outcome"], last["reason"], words, trace, behind(last["reason"], last.get("objections") or ()))
    if running is not None:
        return Explanation("none", None, f"Nothing has been decided yet. {_next_step(running, trigger, life)}", trace)
    return Explanation("none", None, _never(trigger, trace), trace)


def _when(at: Instant, life: Life) -> str:
    return when(at, life.playbook.zone)


def _next_step(enrolment: Enrolment, trigger: Trigger, life: Life) -> str:
    if enrolment.due_at is None:
        return f"Step {enrolment.step} waits for the operator."
    return f"Step {enrolment.step} of {len(trigger.steps)} comes up {_when(enrolment.due_at, life)}."


def _never(trigger: Trigger, trace: Sequence[Check]) -> str:
    first = next((check for check in trace if not check.holds), None)
    if first is None:
        return f"{trigger.title} has never considered the customer; nothing stands against it when its cause comes."
    return f"{trigger.title} has never considered the customer: {first.check}: {first.detail}."


def _trace(trigger: Trigger, life: Life, events: Sequence[Event]) -> Iterator[Check]:
    yield _active(trigger, life)
    yield Check("customer known", life.dossier.erased_at is None, "erased" if life.dossier.erased_at is not None else "known")
    yield _cause(trigger, life, events)
    if trigger.audience is not None:
        yield from _condition("audience", trigger.audience, life)
    yield _holdout(trigger, life)
    yield _entry(trigger, life)
    for number, step in enumerate(trigger.steps, 1):
        yield from _step(number, step, trigger, life)


def _active(trigger: Trigger, life: Life) -> Check:
    pause = open_pauses(life.playbook.roster.pauses.get(trigger.name, ()), life.now)
    if pause is not None:
        return Check("trigger active", False, f"paused since {_when(pause.since, life)}")
    stop = open_pauses(life.playbook.roster.stops, life.now)
    if stop is not None:
        return Check("trigger active", False, f"all sending stopped since {_when(stop.since, life)}")
    if trigger.status != "active":
        return Check("trigger active", False, f"the trigger is {trigger.status}")
    since = "" if trigger.activated_at is None else f", in force since {_when(trigger.activated_at, life)}"
    return Check("trigger active", True, f"active{since}")


def _cause(trigger: Trigger, life: Life, events: Sequence[Event]) -> Check:
    """What would make her enter, and how far she is from it."""
    when_ = trigger.when
    if when_.kind == "threshold" and when_.inactive_for is None:
        return _crossing(trigger, life)
    kind = life.playbook.roster.kinds[when_.kind]
    if kind.is_clocked(when_):
        cause = kind.upcoming(trigger, life, life.now)
        entered = life.entries.get(trigger.name)
        last = f"; last time {_when(entered.at, life)}" if entered is not None and entered.at > BEGINNING else ""
        if cause is None:
            return Check("cause", entered is not None, f"nothing is coming up{last}")
        return Check("cause", entered is not None, f"comes up {_when(cause.at, life)}{last}")
    return _last_event(trigger, life, events)


def _crossing(trigger: Trigger, life: Life) -> Check:
    when_ = trigger.when
    value, reaches = metric(when_, life, life.now), when_.reaches or 0
    money = when_.metric in ("revenue", "revenue_gross")
    shown = [f"{number / 100:.2f} {life.playbook.currency}" if money else f"{number:g}" for number in (value, reaches)]
    return Check("cause", value >= reaches, f"{when_.metric} is {shown[0]}, the mark is {shown[1]}")


def _last_event(trigger: Trigger, life: Life, events: Sequence[Event]) -> Check:
    names = " or ".join(sorted(trigger.when.events))
    if not events:
        return Check("cause", False, f"no {names} is known")
    matching = [event for event in events if trigger.when.where is None or trigger.when.where.holds(life.facts(event))]
    if not matching:
        last = events[-1]
        found = _condition_in_words(trigger.when.where, life, last)
        return Check("cause", False, f"{last.name} {_when(last.occurred_at, life)} does not fulfil `where`: {found}")
    last = matching[-1]
    said = f"{last.name} {_when(last.occurred_at, life)}"
    if trigger.activated_at is not None and last.occurred_at < trigger.activated_at:
        return Check("cause", False, f"{said} was before the trigger was in force")
    if last.history:
        return Check("cause", False, f"{said} came with a history import, which enrols nobody")
    if last.arrived_at - last.occurred_at > trigger.max_age:
        return Check("cause", False, f"{said} was older than {format_duration(trigger.max_age)} when it arrived")
    return Check("cause", True, said)


def _condition(name: str, predicate: Predicate, life: Life) -> Iterator[Check]:
    segments = {key: segment.condition for key, segment in life.playbook.segments.items()}
    for clause in explain_condition(predicate.condition, life.facts(), segments):
        yield Check(name, clause.holds, f"{clause.text}: {clause.found}" if clause.found else clause.text)


def _condition_in_words(predicate: Predicate | None, life: Life, event: Event) -> str:
    if predicate is None:
        return ""
    clauses = explain_condition(predicate.condition, life.facts(event), {})
    return "; ".join(f"{clause.text} ({clause.found})" for clause in clauses if not clause.holds)


def _holdout(trigger: Trigger, life: Life) -> Check:
    if trigger.holdout <= 0:
        return Check("holdout", True, "nobody is kept out")
    place = bucket(trigger.name, life.dossier.key)
    kept_out = place < trigger.holdout
    return Check("holdout", not kept_out, f"place {place:.3f}, kept out below {trigger.holdout:.3f}")


def _entry(trigger: Trigger, life: Life) -> Check:
    last = life.entries.get(trigger.name)
    if last is None:
        return Check("entry", True, "has never entered")
    if last.at == BEGINNING:
        return Check("entry", True, "has never entered, only been kept out")
    reentry = {NEVER: "never again", ALWAYS: "again at any time"}.get(trigger.reentry) or f"again after {format_duration(trigger.reentry)}"
    return Check("entry", may_reenter(trigger, life), f"last entered {_when(last.at, life)}; may enter {reentry}")


def _step(number: int, step: Step, trigger: Trigger, life: Life) -> Iterator[Check]:
    purpose = life.playbook.purposes[trigger.purpose]
    if step.prefer:
        chosen = preferred(step, life)
        yield Check(f"step {number}: preferred channel", True, "none is known" if chosen is None else chosen.words.removeprefix(PREFERS))
    for name in step.channels:
        channel = life.playbook.channels[name]
        place = f"step {number} {name}"
        address = address_of(life.profile, channel.medium)
        yield Check(f"{place}: address", address is not None, "there is one" if address else f"none for {channel.medium}")
        if address is None:
            continue
        dead = suppression_objection(life.dossier.suppressions, channel.medium, address, life.now)
        if dead is not None:
            yield Check(f"{place}: address", False, dead.detail)
        objection = consent_objection(life.dossier.consents, channel, purpose, address, life.playbook.consent_policy, life.now)
        yield Check(f"{place}: consent", objection is None, "nothing stands against it" if objection is None else objection.detail)
        opens = channel.send_windows.opens(life.now, life.zone)
        detail = "open" if opens == life.now else f"opens {_when(opens, life)}"
        yield Check(f"{place}: send window", opens == life.now, detail)
        if purpose.obeys:
            yield from _pressure(
                place, Candidate(trigger, step, _imagined(trigger, number, life), channel, purpose, address, life.now), life
            )


def _imagined(trigger: Trigger, step: int, life: Life) -> Enrolment:
    """An enrolment whose step would be due now."""
    return Enrolment(trigger.name, "why", life.now, life.now, step, life.now, life.now)


def _pressure(place: str, candidate: Candidate, life: Life) -> Iterator[Check]:
    broken = violations(life.rules(), life.ledger, contacts_of((candidate,), life.now), life.zone)
    for violation in broken:
        unit = per_unit(violation.rule.unit)
        limit = "" if violation.rule.limit is None else f" of {violation.rule.limit / unit:g}"
        free = "never free" if violation.retry_at is None else f"free {_when(violation.retry_at, life)}"
        filled = ", ".join(f"{c.trigger} {_when(c.at, life)}" for c in violation.counted)
        yield Check(f"{place}: pressure", False, f"{violation.rule.name}: {violation.count / unit:g}{limit} ({filled}); {free}")
    if not broken:
        yield Check(f"{place}: pressure", True, "there is room")
