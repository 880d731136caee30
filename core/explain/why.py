"""Why, and why not: one customer and one trigger, every check asked, the answer in words.

The last decision answers where there is one; else what keeps the customer out, by how much, and since when.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from core.engine.branches import due_at_latest, waits
from core.engine.consent import consent_objection, latest_word, suppression_objection
from core.engine.entry import bucket, in_global_holdout, may_reenter, variant_of
from core.engine.guards import Candidate
from core.engine.pauses import channel_pause, evidence, message_pause, stop_of
from core.engine.placement import contacts_of
from core.engine.preference import PREFERS, preferred
from core.engine.state import CustomerState, open_pauses
from core.explain.journey_words import places, split_words, wait_words
from core.explain.words import BECAUSE, FORETOLD, behind, in_short, in_words, localized, when, when_free
from core.instants import Instant, format_duration, format_instant
from core.language import ConditionClause
from core.language import explain as explain_condition
from core.language.tree import Field, HasConsent, Operand, Tally, Trait
from core.limits.pressure import Violation, per_unit, violations
from core.model.basket import BASKET_EVENTS
from core.model.customer import TRAIT_FIELDS, address_of
from core.model.dossier import BEGINNING, Dossier
from core.model.enrolment import Due, Enrolment
from core.model.events import ORDER_COMPLETED, ORDER_REFUNDED, ORDER_RETURNED, Event
from core.model.fates import Fate, fate_of, why_never
from core.model.nearness import EntryQuestion, Nearness
from core.model.outbox import UNSENT
from core.model.pauses import Pause
from core.model.predicate import Predicate
from core.model.triggers import ALWAYS, NEVER, Step, Trigger
from core.playbook.playbook import Playbook

ORDER_FIELDS = frozenset({"orders", "units", "revenue", "revenue_gross", "returns", "returned"})
OUTRIGHT = ("trigger active", "customer known")
"""The checks that no cause can overcome."""
PASSING = ("channel", "send window", "pressure")
"""What stands against a message for a while only: it would wait, not fall away."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question on the way to a message; `holds` means that nothing stands against it."""

    check: str
    holds: bool
    detail: str
    brief: str = ""
    """The same in a few words, where the detail is long."""

    @property
    def short(self) -> str:
        """What stands against the customer, in a few words."""
        return (
            self.brief
            if self.check.startswith("step ") and self.brief
            else f"{self.check}: {self.brief or self.detail}"
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer: `verdict` is the outcome of the last decision, or `none`; `short` says why in a few
    words.
    """

    verdict: str
    reason: str | None
    words: str
    trace: tuple[Check, ...]
    behind: str | None = None
    """What something that expired had waited for."""
    short: str = ""
    bars: int = 0
    """How many checks keep the customer out, not counting what passes by itself."""
    step: int | None = None
    """The step that is to come; None where the customer is not under way."""
    foretold: bool = False
    """The last decision is not taken yet: the engine would take it if nothing else happened."""
    fate: Fate | None = None
    """What becomes of the message; None where nothing is decided and nothing is to come."""
    message_state: str | None = None
    """Where the message of the last decision is, as the outbox says."""


@dataclass(frozen=True, slots=True)
class Case:
    """One customer and one trigger at one instant, with what the log knows beyond the dossier.

    `decided` are the customer's decision rows for the trigger up to then, oldest first, `events` the latest
    events of the names the trigger enters on, and `sources` the source of each trait's present value.
    """

    trigger: Trigger
    state: CustomerState
    decided: Sequence[Mapping[str, Any]] = ()
    events: Sequence[Event] = ()
    sources: Mapping[str, str] = field(default_factory=dict)


def explain(
    dossier: Dossier,
    playbook: Playbook,
    trigger: Trigger,
    at: Instant,
    decided: Sequence[Mapping[str, Any]],
    events: Sequence[Event],
    sources: Mapping[str, str] | None = None,
) -> Explanation:
    """Explain one trigger for one customer as of an instant: `dossier` is settled up to `at`, the rest is
    that of a `Case`.

    Instants are said in the workspace's local time.
    """
    state = CustomerState(dossier, playbook)
    state.now = at
    case = Case(trigger, state, decided, events, sources or {})
    cause = _nearness(case)
    trace = tuple(_trace(case, cause))
    bars = _bars(trigger, trace)
    running = next((e for e in dossier.enrolments if e.trigger == trigger.name and e.state == "open"), None)
    if decided:
        return _of_decided(case, running, (*trace, *_version(decided[-1], running, state)), len(bars))
    if running is not None:
        words = f"Nothing has been decided yet. {_next_step(running, trigger, state)}"
        short, fate = f"step {running.step} is to come", Fate.HELD if running.due_at is None else Fate.LATER
        return Explanation("none", None, words, trace, short=short, step=running.step, fate=fate)
    words, short = (localized(said, playbook.zone) for said in _never(trigger, cause, bars))
    return Explanation("none", None, words, trace, short=short, bars=len(bars))


def _nearness(case: Case) -> Nearness:
    """How far the customer is from what makes a trigger of its kind fire."""
    playbook = case.state.playbook
    return case.trigger.when.nearness(
        EntryQuestion(
            trigger=case.trigger,
            customer=case.state,
            events=case.events,
            zone=playbook.zone,
            currency=playbook.currency,
            explain=lambda condition, event: _clauses(condition, case, event),
        )
    )


def _of_decided(case: Case, running: Enrolment | None, trace: tuple[Check, ...], bars: int) -> Explanation:
    zone, last = case.state.playbook.zone, dict(case.decided[-1])
    pause = _pause_of(last, case)
    last["message_pause"] = None if pause is None else evidence(pause)
    words = in_words(last, zone)
    if running is not None and last["outcome"] in ("send", "suppress"):
        words += f" {_next_step(running, case.trigger, case.state)}"
    step = None if running is None else running.step
    waited = behind(last["reason"], last.get("objections") or ())
    foretold = bool(last.get("foretold"))
    state, reason = last.get("message_state"), last.get("message_reason")
    fate = fate_of(last["outcome"], last["reason"], state, reason, is_paused=pause is not None)
    short = _in_brief(last, fate, waited, zone) or (FORETOLD[last["outcome"]] if foretold else "")
    return Explanation(
        last["outcome"], last["reason"], words, trace, waited, short, bars, step, foretold, fate, state
    )


def _pause_of(last: Mapping[str, Any], case: Case) -> Pause | None:
    """What holds the message of a decision up, where that has not gone out yet."""
    purpose = case.state.playbook.purposes.get(case.trigger.purpose)
    if purpose is None or last.get("message_state") not in UNSENT:
        return None
    return message_pause(case.trigger.name, last["channel"] or "", purpose, case.state)


def _in_brief(last: Mapping[str, Any], fate: Fate, waited: str | None, zone: ZoneInfo) -> str:
    """Why it became that, in a few words; of what was sent, why over this channel, where that is noted."""
    if last.get("message_pause"):
        return localized(last["message_pause"], zone)
    reason = why_never(last["reason"], last.get("message_state"), last.get("message_reason"))
    if fate not in (Fate.DECIDED, Fate.DUE, Fate.ON_ITS_WAY, Fate.SENT):
        return in_brief(reason, waited)
    return localized(last.get("note") or "", zone)


def in_brief(reason: str | None, waited: str | None) -> str:
    """The reason of a decision in a few words; empty where it was sent."""
    if reason is None:
        return ""
    return f"too late, waiting for {in_short(waited)}" if waited else BECAUSE.get(reason, in_short(reason))


def _version(last: Mapping[str, Any], running: Enrolment | None, state: CustomerState) -> Iterator[Check]:
    """Which version decided last, and by which one the journey goes on, where that is no longer the one in
    force.
    """
    if last.get("version"):
        yield Check(
            "last decision",
            True,
            f"{'to be ' if last.get('foretold') else ''}decided under playbook {last['version']}",
        )
    goes_by = None if running is None else state.playbook.index.decides(running.trigger, running.version)
    if goes_by not in (None, state.playbook.version):
        yield Check(
            "definition",
            True,
            f"under way on version {goes_by}; version {state.playbook.version} is in force",
        )


def _when(at: Instant, state: CustomerState) -> str:
    return when(at, state.playbook.zone)


def _next_step(enrolment: Enrolment, trigger: Trigger, state: CustomerState) -> str:
    trigger = state.playbook.index.definition(enrolment.trigger, enrolment.version) or trigger
    if enrolment.due_at is None:
        return f"Step {enrolment.step} waits for the operator."
    wait = waits(enrolment, trigger)
    if wait is not None:
        what = " or ".join(sorted(wait.events))
        until = _when(due_at_latest(enrolment, trigger), state)
        return f"Step {enrolment.step} of {len(trigger.steps)} waits for {what} until {until}."
    return f"Step {enrolment.step} of {len(trigger.steps)} comes up {_when(enrolment.due_at, state)}."


# ---- what keeps the customer out ----


def _bars(trigger: Trigger, trace: Sequence[Check]) -> list[Check]:
    """The checks that keep the customer out: those of entry, and those of the first step where they shut
    every channel of it.
    """
    entry = [check for check in trace if not check.holds and not check.check.startswith("step ")]
    shut = {name: _shut(name, trace) for name in trigger.steps[0].channels} if trigger.steps else {}
    return (
        entry if not all(shut.values()) else entry + [check for check in shut.values() if check is not None]
    )


def _shut(channel: str, trace: Sequence[Check]) -> Check | None:
    place = f"step 1 {channel}: "
    mine = (check for check in trace if check.check.startswith(place) and not check.check.endswith(PASSING))
    return next((check for check in mine if not check.holds), None)


def _never(trigger: Trigger, cause: Nearness, bars: Sequence[Check]) -> tuple[str, str]:
    """The answer in words and in a few words where nothing was ever decided."""
    bars_but_cause = [check for check in bars if check.check != "cause"]
    others = [f"{check.check}: {check.detail}" for check in bars_but_cause]
    shorts = [check.short for check in bars_but_cause]
    opening = f"{trigger.title} has never considered the customer"
    if bars_but_cause and bars_but_cause[0].check in OUTRIGHT:
        return f"{opening}: {others[0]}{'' if cause.holds else f'; cause: {cause.detail}'}.", shorts[0]
    if cause.comes is not None and not cause.holds:
        then = f"; then stands against it {others[0]}" if others else "; nothing else stands against it"
        return f"{opening}: {cause.detail}{then}.", shorts[0] if shorts else cause.brief
    if not bars:
        return f"{opening}; nothing stands against it when its cause comes.", "nothing stands against it"
    first, short = (others[0], shorts[0]) if cause.holds else (cause.detail, cause.brief)
    more = "" if cause.holds or not others else f"; {others[0]} would stand against it too"
    return f"{opening}: {'' if cause.holds else 'cause: '}{first}{more}.", short


# ---- every check ----


def _trace(case: Case, cause: Nearness) -> Iterator[Check]:
    trigger, state = case.trigger, case.state
    yield _active(trigger, state)
    erased = state.dossier.erased_at
    is_known = erased is None or erased > state.now
    yield Check(
        "customer known",
        is_known,
        "known" if erased is None or is_known else f"erased {_when(erased, state)}",
    )
    yield Check("cause", cause.holds, cause.detail)
    if trigger.audience is not None:
        yield from (
            Check("audience", each.holds, each.detail, each.brief) for each in _asked(trigger.audience, case)
        )
    if state.playbook.holdout.share > 0 and trigger.purpose in state.playbook.holdout.purposes:
        yield _kept_out(trigger, state)
    yield _holdout(trigger, state)
    if trigger.split:
        yield Check(
            "split", True, f"variant {variant_of(trigger, state.dossier.key)} of {split_words(trigger)}"
        )
    yield _entry(trigger, state)
    for number, step in enumerate(trigger.steps, 1):
        yield from _whole_step(number, step, trigger, state)


def _active(trigger: Trigger, state: CustomerState) -> Check:
    if trigger.status != "active":
        return Check("trigger active", False, f"the trigger is {trigger.status}")
    if trigger.activated_at is not None and trigger.activated_at > state.now:
        return Check("trigger active", False, f"in force only from {_when(trigger.activated_at, state)} on")
    pause = open_pauses(state.playbook.index.pauses.get(trigger.name, ()), state.now)
    if pause is not None:
        return Check("trigger active", False, f"paused since {_when(pause.since, state)}")
    stop = stop_of(state.playbook.purposes[trigger.purpose], state)
    if stop is not None:
        return Check("trigger active", False, localized(evidence(stop), state.playbook.zone))
    since = "" if trigger.activated_at is None else f", in force since {_when(trigger.activated_at, state)}"
    return Check("trigger active", True, f"active{since}")


def _asked(condition: Predicate, case: Case) -> Sequence[ConditionClause]:
    """The clauses of a condition on the customer: all must hold, or they are alternatives of which one is
    enough.
    """
    clauses = _clauses(condition, case, None)
    if not case.state.holds(condition) or all(clause.holds for clause in clauses):
        return clauses
    return [clause for clause in clauses if clause.holds]


def _clauses(condition: Predicate, case: Case, event: Event | None) -> Sequence[ConditionClause]:
    playbook = case.state.playbook
    segments = {key: segment.condition for key, segment in playbook.segments.items()}
    return explain_condition(
        condition.condition,
        case.state.facts(event),
        segments,
        lambda seen: _since(seen, case),
        playbook.currency,
    )


def _since(seen: Operand | HasConsent, case: Case) -> str:
    """Since when a value is what it is, and who said so, as far as the profile and the ledger tell."""
    state, profile = case.state, case.state.profile
    match seen:
        case HasConsent():
            word = latest_word(state.dossier.consents, (seen.channel,), seen.purpose, None, state.now)
            return "" if word is None else f"({word.state} on {format_instant(word.occurred_at)})"
        case Tally(how="count" | "sum" | "distinct"):
            last = profile.activity.get(seen.event)
            return (
                f"(the last {seen.event} {format_instant(last)})"
                if last is not None
                else f"(no {seen.event} is known)"
            )
        case Field(name=name) if name in ORDER_FIELDS:
            acts = [
                at
                for act in (ORDER_COMPLETED, ORDER_RETURNED, ORDER_REFUNDED)
                if (at := profile.activity.get(act)) is not None
            ]
            return f"since {format_instant(max(acts))}" if acts else ""
        case Field(name="basket_items"):
            told = [at for act in BASKET_EVENTS if (at := profile.activity.get(act)) is not None]
            return f"since {format_instant(max(told))}" if told else ""
        case Field(name=name) | Trait(name=name):
            return _told(name if isinstance(seen, Trait) else _trait_of(name, case), case)
        case _:
            return ""


def _trait_of(field_name: str, case: Case) -> str:
    """The trait that a field is made of."""
    if field_name == "country":
        return "address.country" if case.state.profile.traits.get("address.country") else "country"
    return TRAIT_FIELDS.get(field_name, "")


def _told(trait: str, case: Case) -> str:
    at, source = case.state.profile.traits_at.get(trait), case.sources.get(trait)
    return "" if at is None else f"since {format_instant(at)}{f' (identify from {source})' if source else ''}"


def _share_words(is_out: bool, share: float, of: str = "") -> str:
    """Whether a customer is among those who are kept out so that the effect can be measured."""
    return f"{'among' if is_out else 'not among'} the {share * 100:g} % kept out{of} to measure the effect"


def _holdout(trigger: Trigger, state: CustomerState) -> Check:
    if trigger.holdout <= 0:
        return Check("holdout", True, "nobody is kept out")
    kept_out = bucket(trigger.name, state.dossier.key) < trigger.holdout
    return Check("holdout", not kept_out, _share_words(kept_out, trigger.holdout))


def _kept_out(trigger: Trigger, state: CustomerState) -> Check:
    share = state.playbook.holdout.share
    is_out = in_global_holdout(trigger, state.dossier.key, state.playbook)
    return Check("holdout of everything", not is_out, _share_words(is_out, share, " of everything"))


def _entry(trigger: Trigger, state: CustomerState) -> Check:
    last = state.entries.get(trigger.name)
    if last is None:
        return Check("entry", True, "has never entered")
    if last.at == BEGINNING:
        return Check("entry", True, "has never entered, only been kept out")
    reentry = {NEVER: "never again", ALWAYS: "again at any time"}.get(
        trigger.reentry
    ) or f"again after {format_duration(trigger.reentry)}"
    again = f"may enter {reentry}{_again(trigger, last.at, state)}"
    return Check("entry", may_reenter(trigger, state), f"last entered {_when(last.at, state)}; {again}")


def _again(trigger: Trigger, last: Instant, state: CustomerState) -> str:
    return "" if trigger.reentry in (NEVER, ALWAYS) else f", from {_when(last + trigger.reentry, state)} on"


def _whole_step(number: int, step: Step, trigger: Trigger, state: CustomerState) -> Iterator[Check]:
    """What may be sent at a step, for the variant that is the customer's, and what is sent instead."""
    variant = variant_of(trigger, state.dossier.key)
    if not step.is_for(variant):
        yield Check(
            f"step {number}: variant",
            True,
            f"only for {' and '.join(sorted(step.variants))}; hers is {variant} and goes without it",
        )
        return
    if step.wait is not None:
        yield Check(f"step {number}: wait", True, wait_words(step.wait, trigger))
    own = dict(step.by_variant).get(variant or "", step)
    yield from _step(f"step {number}", own, number, trigger, state)
    for place, other in places(step):
        if place.startswith("else"):
            yield from _step(f"step {number} {place}", other, number, trigger, state)


def _step(of: str, step: Step, number: int, trigger: Trigger, state: CustomerState) -> Iterator[Check]:
    if step.prefer:
        chosen = preferred(step, state)
        yield Check(
            f"step {number}: preferred channel",
            True,
            "none is known" if chosen is None else chosen.words.removeprefix(PREFERS),
        )
    enrolment, purpose = _due_now(trigger, number, state), state.playbook.purposes[trigger.purpose]
    for name in step.channels:
        channel = state.playbook.channels[name]
        address = address_of(state.profile, channel.medium)
        yield from _channel(
            f"{of} {name}", Candidate(trigger, step, enrolment, channel, purpose, address, state.now), state
        )


def _channel(place: str, candidate: Candidate, state: CustomerState) -> Iterator[Check]:
    """What may be sent over one channel; nothing but the address is asked where there is none."""
    channel, purpose, address = candidate.channel, candidate.purpose, candidate.address
    detail = "there is one" if address else f"none for {channel.medium}"
    yield Check(f"{place}: address", address is not None, detail, f"no address for {channel.medium}")
    if address is None:
        return
    paused = channel_pause(channel.name, purpose, state)
    if paused is not None:
        yield Check(f"{place}: channel", False, localized(evidence(paused), state.playbook.zone))
    dead = suppression_objection(state.dossier.suppressions, channel.medium, address, state.now)
    if dead is not None:
        yield Check(f"{place}: address", False, dead.detail, f"{channel.medium} address: {dead.detail}")
    objection = consent_objection(
        state.dossier.consents, channel, purpose, address, state.playbook.consent_policy, state.now
    )
    detail = "nothing stands against it" if objection is None else objection.detail
    yield Check(f"{place}: consent", objection is None, detail, detail)
    opens = channel.send_windows.opens(state.now, state.zone)
    yield Check(
        f"{place}: send window",
        opens == state.now,
        "open" if opens == state.now else f"opens {when_free(opens, state.playbook.zone)}",
    )
    if purpose.obeys:
        yield from _pressure(place, candidate, state)


def _due_now(trigger: Trigger, step: int, state: CustomerState) -> Enrolment:
    """An enrolment whose step would be due now."""
    now = state.now
    return Enrolment(trigger.name, "why", now, now, step, planned_at=now, waiting=Due(now))


def _pressure(place: str, candidate: Candidate, state: CustomerState) -> Iterator[Check]:
    broken = violations(state.rules(), state.ledger, contacts_of((candidate,), state.now), state.zone)
    for violation in broken:
        retry_at = violation.retry_at
        free = "never free" if retry_at is None else f"free {when_free(retry_at, state.playbook.zone)}"
        filled = ", ".join(f"{c.trigger} {_when(c.at, state)}" for c in violation.counted)
        yield Check(
            f"{place}: pressure", False, f"{violation.rule.name}: {_fullness(violation)} ({filled}); {free}"
        )
    if not broken:
        yield Check(f"{place}: pressure", True, "there is room")


def _fullness(violation: Violation) -> str:
    """`2 of 3`, or which gap is broken."""
    if violation.gap is not None:
        return f"too close, the gap is {format_duration(violation.gap)}"
    unit = per_unit(violation.rule.unit)
    return f"{violation.count / unit:g} of {(violation.rule.limit or 0) / unit:g}"
