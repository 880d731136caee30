"""Small values to test the engine with: customers, events, triggers, playbooks; and what the database does
between two passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from core.engine import advance
from core.engine.arrival_order import in_order
from core.instants import DAY, HOUR, MINUTE, Instant, Millis, local, parse_instant
from core.kinds.behavioural import Behavioural
from core.kinds.recurring import Recurring
from core.kinds.threshold import Threshold
from core.kinds.transactional import Transactional
from core.language import ConditionContext, compile_closure, parse
from core.limits.pressure import PressureRule
from core.limits.quiet_hours import ALWAYS_OPEN, parse_send_windows
from core.limits.windows import parse_window
from core.model.customer import Profile
from core.model.dossier import Dossier, Plan
from core.model.enrolment import Due, Enrolment
from core.model.events import ORDER_COMPLETED, Event
from core.model.orders import ORDER_ACTS, Told, number_of_return, standings
from core.model.pauses import Pause, parse_target
from core.model.predicate import Predicate
from core.model.triggers import Approval, Step, Trigger
from core.model.when import When
from core.playbook.playbook import Channel, Playbook, Purpose
from core.sources.order_fields import order_number

ZURICH = ZoneInfo("Europe/Zurich")
MONDAY = parse_instant("2025-03-03T00:00:00", ZURICH)
TRAITS = {
    "email": "anna@example.org",
    "phone": "+41791234567",
    "webpush": {"endpoint": "https://push.example/1"},
    "address.street": "Seeweg 1",
    "address.postalCode": "8000",
    "address.city": "Zürich",
    "address.country": "CH",
}
MARKETING = Purpose("marketing", obeys=True, counts=True)
PURPOSES = {
    "marketing": MARKETING,
    "service": Purpose("service", obeys=False, counts=True, consent=False),
    "transactional": Purpose("transactional", obeys=False, counts=False, consent=False),
    "probe": Purpose("probe", obeys=True, counts=False),
}
_numbers = count(1)


def at(text: str) -> Instant:
    """`Mon 18:00` of the first week of March 2025 in Zürich, or an ISO instant, local where it has no
    offset.
    """
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    name, _, clock = text.partition(" ")
    if name not in days:
        return parse_instant(text, ZURICH)
    hours, minutes = clock.split(":")
    return MONDAY + days.index(name) * DAY + int(hours) * HOUR + int(minutes) * MINUTE


def event(
    name: str, when: str | Instant, *, arrived: str | Instant | None = None, **properties: Any
) -> Event:
    """An act of the customer; `revenue` in major units, `source`, `channel`, `kind` and `history` are of the
    record itself.
    """
    occurred = at(when) if isinstance(when, str) else when
    known = occurred if arrived is None else at(arrived) if isinstance(arrived, str) else arrived
    number = properties.get("id", next(_numbers))
    record = {
        key: properties.pop(key)
        for key in ("kind", "source", "channel", "history", "id")
        if key in properties
    }
    revenue = properties.get("revenue")
    return Event(
        id=number, kind=record.get("kind", "track"), name=name,
        occurred_at=occurred, arrived_at=known,
        source=record.get("source", "shop"), channel=record.get("channel"),
        amount=None if revenue is None else round(revenue * 100),
        properties=properties, history=record.get("history", False),
        order=order_number(properties) if name in ORDER_ACTS else None,
        tie=number.to_bytes(16, "big"),
    )  # fmt: skip


def told_apart(events: Iterable[Event]) -> list[Event]:
    """The events in order of arrival, each standing as intake lets it stand that takes them in one by one."""
    arrived = list(in_order(events))
    by_order: dict[str, list[int]] = {}
    for place, each in enumerate(arrived):
        if each.order is not None:
            by_order.setdefault(each.order, []).append(place)
    for places in by_order.values():
        told = [
            Told(each.name, number_of_return(each.name, each.properties), (place,), each.occurred_at)
            for place, each in ((place, arrived[place]) for place in places)
        ]
        for place, standing in zip(places, standings(told)):
            arrived[place] = arrived[place]._replace(standing=standing)
    return arrived


def order(when: str | Instant, revenue: float = 50, **properties: Any) -> Event:
    """A purchase."""
    return event(ORDER_COMPLETED, when, revenue=revenue, **properties)


def identify(when: str | Instant, **traits: Any) -> Event:
    """What a source says of her."""
    return event("", when, kind="identify", **traits)


def condition(
    text: str, context: ConditionContext = ConditionContext.AUDIENCE, variants: Sequence[str] = ()
) -> Predicate:
    """A condition as the files hold it."""
    parsed = parse(text, context, (), variants=variants)
    return Predicate(parsed, compile_closure(parsed, {}), parsed.text)


def channel(
    name: str,
    window: str | None = None,
    *,
    lead_time: Millis = 0,
    weight: int = 1000,
    approval: Approval | None = None,
) -> Channel:
    """A channel named like its medium, always open unless a window is given."""
    windows = ALWAYS_OPEN if window is None else parse_send_windows([window])
    return Channel(name, "file", name, windows, lead_time=lead_time, weight=weight, approval=approval)


CHANNELS = tuple(channel(name) for name in ("email", "sms", "webpush", "print"))


def rule(name: str, limit: int | None, window: str | None = None, **fields: Any) -> PressureRule:
    """A limit of contacts, or of points in thousandths."""
    return PressureRule(name, limit, window=None if window is None else parse_window(window), **fields)


def step(*channels: str, **fields: Any) -> Step:
    """A message over the channels, by mail where none is named."""
    return Step(channels or ("email",), "note", **fields)


def trigger(name: str, when: When, *steps: Step, **fields: Any) -> Trigger:
    """An active trigger, of one mail where no step is given."""
    filled: dict[str, Any] = {"purpose": "marketing", "status": "active"} | fields
    return Trigger(name=name, title=name, when=when, steps=steps or (step(),), **filled)


def on(event_name: str, **fields: Any) -> When:
    """When an event of the name occurs."""
    return Transactional(events=frozenset({event_name}), **_sets(fields))


def on_behaviour(*names: str, **fields: Any) -> When:
    """When she behaves so."""
    return Behavioural(events=frozenset(names), **_sets(fields))


def on_date(date: str, **fields: Any) -> Recurring:
    """When a date of the profile comes again."""
    return Recurring(date=date, **_sets(fields))


def on_crossing(**fields: Any) -> When:
    """When a metric crosses a mark, or a silence lasts."""
    return Threshold(**_sets(fields))


def _sets(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        key: frozenset(value) if isinstance(value, (list, tuple)) and key != "at" else value
        for key, value in fields.items()
    }


def playbook(
    *triggers: Trigger, rules: Iterable[PressureRule] = (), channels: Iterable[Channel] = (), **fields: Any
) -> Playbook:
    """A playbook in Zürich that assumes consent, unless said otherwise."""
    known = {each.name: each for each in (*CHANNELS, *channels)}
    filled: dict[str, Any] = {"zone": ZURICH, "consent_policy": "assumed", "purposes": PURPOSES} | fields
    return Playbook(triggers=triggers, rules=tuple(rules), channels=known, **filled)


def pause(name: str, since: str, until: str | None = None, **fields: Any) -> Pause:
    """A pause of a trigger; of everything under `*`."""
    return Pause(parse_target(name), at(since), None if until is None else at(until), **fields)


def profile(**traits: Any) -> Profile:
    """A customer with every address."""
    known = Profile()
    known.fold(event("", parse_instant("2020-01-01T00:00:00Z"), kind="identify", **(TRAITS | traits)))
    return known


def dossier(*arrivals: Event, traits: dict[str, Any] | None = None, **fields: Any) -> Dossier:
    """A customer with every address, settled before the first Monday of March 2025, and what is about to
    become known of her.
    """
    filled: dict[str, Any] = {"profile": profile(**(traits or {})), "settled_until": MONDAY - 1} | fields
    return Dossier(id=1, key="anna", arrivals=in_order(arrivals), **filled)


def play(book: Playbook, *arrivals: Event, until: str | Instant = "Sun 23:59", **fields: Any) -> Plan:
    """The plan for a customer with these events."""
    end = at(until) if isinstance(until, str) else until
    return advance(dossier(*told_apart(arrivals), **fields), book, end)


def rows(plan: Plan) -> list[str]:
    """The decisions in words: `Mon 19:00 basket email defer QUIET_HOURS until Tue 07:00`; steps from the
    second on as `basket#2`.
    """
    return [in_words(decision) for decision in plan.decisions]


def in_words(decision: Any, zone: ZoneInfo = ZURICH) -> str:
    """One decision as stories write it."""
    name = decision.trigger if decision.step == 1 else f"{decision.trigger}#{decision.step}"
    words = [clock(decision.at, zone), name, decision.channel, decision.outcome]
    words += [str(decision.reason)] if decision.reason is not None else []
    words += ["until", clock(decision.until, zone)] if decision.until is not None else []
    words += ["late"] if decision.late else []
    return " ".join(words)


def clock(instant: Instant, zone: ZoneInfo = ZURICH) -> str:
    """Local weekday and time in the first week of March 2025, date and time in all others."""
    shown = local(instant, zone)
    moment = f"{shown:%H:%M}" if instant % MINUTE == 0 else f"{shown:%H:%M:%S}"
    is_first_week = MONDAY <= instant < MONDAY + 7 * DAY
    return f"{shown:%a} {moment}" if is_first_week else f"{shown:%Y-%m-%d} {moment}"


def settle(before: Dossier, plan: Plan, book: Playbook, arrivals: Iterable[Event] = ()) -> Dossier:
    """The dossier that a database would load after the plan was saved; `arrivals` are what has become known
    since.
    """
    new = tuple(arrivals)
    played = tuple(each for each in before.arrivals if each.arrived_at <= plan.settled_until)
    rest = tuple(each for each in before.arrivals if each.arrived_at > plan.settled_until)
    ended = {(e.trigger, e.cause_key) for e in plan.enrolments}
    kept = [e for e in before.enrolments if (e.trigger, e.cause_key) not in ended]
    under_way = [*kept, *(e.copy() for e in plan.enrolments if e.state == "open")]
    contacts = [d.message.contact for d in plan.decisions if d.message is not None]
    every = before.known_causes | {(e.trigger, e.cause_key) for e in (*before.enrolments, *plan.enrolments)}
    return replace(
        before,
        profile=plan.profile,
        settled_until=plan.settled_until,
        arrivals=(*rest, *new),
        history=(*before.history, *(e for e in played if e.name in book.index.history_needed)),
        enrolments=tuple(sorted(under_way, key=lambda e: (e.entered_at, e.trigger, e.cause_key))),
        contacts=(*before.contacts, *contacts),
        entries=plan.entries,
        known_causes=every,
        merges=tuple(merge for merge in before.merges if merge.at > plan.settled_until),
    )


def loadable(known: Dossier, book: Playbook) -> Dossier:
    """The same with the causes that a database looks up: those which the arrivals could use again."""
    usable = {
        (each.name, each.when.cause_of(arrival).key)
        for arrival in known.arrivals
        for each in book.index.entering.get(arrival.name, ())
    }
    return replace(known, known_causes=known.known_causes & usable)


def enrolment(of: Trigger, when: str | Instant, **fields: Any) -> Enrolment:
    """A customer under way since the instant, at the first step."""
    cause = at(when) if isinstance(when, str) else when
    planned = cause + of.when.after + of.steps[0].after
    due_at = fields.pop("due_at", planned)
    filled: dict[str, Any] = {"step": 1, "planned_at": planned, "waiting": Due(due_at)} | fields
    return Enrolment(
        trigger=of.name, cause_key=f"event:{next(_numbers)}", cause_at=cause, entered_at=cause, **filled
    )
