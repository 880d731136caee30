"""One customer in lines: name, what is known, contact pressure, and what is planned. Instants are ms
UTC, money minor units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.words import BECAUSE, counted
from core.instants import Instant
from core.limits.pressure import POINT
from core.model.customer import Profile
from screens.cells.customers import amount
from screens.cells.gauge import window_words
from screens.cells.line import Cell, Cells, Line, StyleName, fit
from screens.cells.moments import in_full, moment
from screens.cells.states import decision_cell, message_cell, state
from screens.cells.timeline import CONSENT, flat
from screens.ports.customers import ConsentLine, CustomerGauge, CustomerProfile, Planned

SHOWN_ELSEWHERE: Final = frozenset({"createdAt"})
MILD: Final = frozenset({"DUE NOW"})
LENGTH: Final = 12
"""Columns of a gauge."""
MOST_FILLINGS: Final = 6


# ---- head ----


def head(customer: CustomerProfile | None) -> Sequence[Line]:
    """Name, key and what an operator must know first; below it addresses and place."""
    if customer is None:
        return ([Cell(" …", "dim")], [])
    badges: list[Cells] = []
    for badge in customer.badges:
        badges += ["  ", Cell(f"[{badge}]", "accent" if badge in MILD else "bad")]
    city = " ".join(
        str(part)
        for name in ("address.postalCode", "address.city")
        if (part := customer.profile.traits.get(name))
    )
    where = ", ".join(part for part in (city, customer.profile.country) if part)
    second = " · ".join([*_addresses(customer.profile), *([where] if where else [])])
    return (
        [" ", Cell(customer.name or customer.key, "strong"), Cell(f"  {customer.key}", "dim"), *badges],
        [Cell(f" {second}", "dim")],
    )


def _addresses(profile: Profile) -> Iterator[str]:
    """Mail and phone; of one that another customer has said since, that nothing is sent to it from here."""
    for name in ("email", "phone"):
        if address := profile.traits.get(name):
            yield f"{address} (another's now)" if address in profile.lost else str(address)


# ---- profile ----


def profile(customer: CustomerProfile, now: Instant, zone: ZoneInfo, currency: str) -> list[Line]:
    """Sums, consents, addresses not to be used, traits and identities."""
    return [
        *_sums(customer, now, zone, currency),
        *_consents(customer, zone),
        *_suppressed(customer, zone),
        *_traits(customer),
        *_identities(customer),
    ]


def _pair(name: str, *value: Cells) -> Line:
    return [Cell(f" {fit(name, 14)} ", "dim"), *value]


def _title(text: str) -> list[Line]:
    return [[], [Cell(f" {text}", "strong")]]


def _sums(customer: CustomerProfile, now: Instant, zone: ZoneInfo, currency: str) -> Iterator[Line]:
    known = customer.profile
    pieces = f", {counted(known.units, 'unit')}" if known.units else ""
    yield _pair("orders", f"{known.orders:,}{pieces}")
    yield _pair("revenue", f"{currency} {amount(known.revenue)} net of returns")
    if known.returns:
        yield _pair("returns", f"{known.returns:,}, {currency} {amount(known.returned)}")
    for name, at in (
        ("first order", known.first_order), ("last order", known.last_order),
        ("last seen", known.last_activity),
        ("registered", known.traits.get("createdAt")),
    ):  # fmt: skip
        if isinstance(at, int):
            yield _pair(name, in_full(at, zone))
    due = (
        "nothing is coming up"
        if customer.next_due is None
        else "now"
        if customer.next_due <= now
        else in_full(customer.next_due, zone)
    )
    yield _pair("next due", due)
    yield _pair("time zone", customer.zone)


def _consents(customer: CustomerProfile, zone: ZoneInfo) -> Iterator[Line]:
    yield from _title("Consents, newest first")
    if not customer.consents:
        yield [Cell(" none on record", "dim")]
    for consent in customer.consents:
        yield _consent(consent, zone)
        if consent.wording or consent.proof:
            said = " · ".join(
                part for part in (f"“{consent.wording}”" if consent.wording else "", consent.proof) if part
            )
            yield [Cell(f"     {said}", "dim")]


def _consent(consent: ConsentLine, zone: ZoneInfo) -> Line:
    purpose = "all purposes" if consent.purpose == "*" else consent.purpose
    address = f" for {consent.address}" if consent.address else ""
    what = f"{consent.channel}, {purpose}{address}  {in_full(consent.at, zone)} by {consent.source}"
    said = state(CONSENT, consent.state)
    if not consent.is_latest:
        return [Cell(f" {fit(said.text, 12)} {what} (superseded)", "dim")]
    return [" ", Cell(fit(said.text, 12), said.style), f" {what}"]


def _suppressed(customer: CustomerProfile, zone: ZoneInfo) -> Iterator[Line]:
    if customer.suppressed:
        yield from _title("Addresses that must not be used")
    for each in customer.suppressed:
        yield [
            " ",
            Cell(f"✗ {each.medium}", "bad"),
            f" {each.address}  {each.reason}, {in_full(each.at, zone)} by {each.source}",
        ]


def _traits(customer: CustomerProfile) -> Iterator[Line]:
    yield from _title("Traits")
    for trait in sorted(customer.profile.traits.keys() - SHOWN_ELSEWHERE):
        for name, text in flat(trait, customer.profile.traits[trait]):
            yield [Cell(f" {fit(name, 20)} ", "dim"), text]


def _identities(customer: CustomerProfile) -> Iterator[Line]:
    yield from _title("Identities")
    for kind, value in customer.identities:
        yield [Cell(f" {fit(kind, 10)} ", "dim"), value]


# ---- pressure ----


def pressure(gauges: Sequence[CustomerGauge], now: Instant, zone: ZoneInfo) -> list[Line]:
    """Each rule in words and as a gauge that reads without colour; those that leave no room first."""
    if not gauges:
        return [[Cell(" No pressure rule holds for this customer. pressure.toml names them.", "dim")]]
    ordered = sorted(gauges, key=lambda gauge: not gauge.is_full)
    return [line for gauge in ordered for line in _gauge(gauge, now, zone)][:-1]


def _gauge(gauge: CustomerGauge, now: Instant, zone: ZoneInfo) -> Iterator[Line]:
    style: StyleName = "bad" if gauge.is_full else "ok"
    yield [" ", Cell(gauge.rule, "strong"), Cell(f"  {gauge.filters}" if gauge.filters else "", "dim")]
    yield ["   ", Cell(bar(gauge), style), " ", Cell(in_words(gauge), style)]
    if gauge.frees_at is not None:
        yield [f"   {'free again' if gauge.is_full else 'more room'} {moment(gauge.frees_at, now, zone)}"]
    for filling in gauge.filled_by[:MOST_FILLINGS]:
        yield [Cell(f"     {moment(filling.at, now, zone)}  {filling.channel}  {filling.trigger}", "dim")]
    if len(gauge.filled_by) > MOST_FILLINGS:
        yield [Cell(f"     … and {len(gauge.filled_by) - MOST_FILLINGS} more", "dim")]
    yield []


def bar(gauge: CustomerGauge) -> str:
    """The gauge: `[####--------]`, as much filled as the window is."""
    if gauge.limit is None:
        return "[" + ("#" if gauge.used else "-") * LENGTH + "]"
    filled = LENGTH if gauge.limit <= 0 else min(LENGTH, round(LENGTH * gauge.used / gauge.limit))
    filled = max(filled, 1) if gauge.used else filled
    over = "+" if gauge.used > gauge.limit else "]"
    return "[" + "#" * filled + "-" * (LENGTH - filled) + over


def in_words(gauge: CustomerGauge) -> str:
    """`2 of 3 contacts within 7 days`, `FULL` where there is no room."""
    if gauge.limit is None:
        said = (
            f"{counted(gauge.used, 'contact')} nearer than {gauge.window}"
            if gauge.used
            else f"none nearer than {gauge.window}"
        )
    elif gauge.unit == "points":
        said = f"{gauge.used / POINT:g} of {gauge.limit / POINT:g} points within {window_words(gauge.window)}"
    else:
        said = f"{gauge.used:,} of {counted(gauge.limit, 'contact')} within {window_words(gauge.window)}"
    return said + (", FULL" if gauge.is_full else "")


# ---- planned ----


def planned(plan: Planned, now: Instant, zone: ZoneInfo) -> list[Line]:
    """Journeys under way, messages that wait, and what the next days bring."""
    return [*_under_way(plan, now, zone), *_waiting(plan, now, zone), *_foreseen(plan, now, zone)]


def _under_way(plan: Planned, now: Instant, zone: ZoneInfo) -> Iterator[Line]:
    yield [Cell(" Under way", "strong")]
    if not plan.under_way:
        yield [Cell(" in no trigger", "dim")]
    for each in plan.under_way:
        steps = f" of {each.steps}" if each.steps is not None else ""
        due = "waits for the operator" if each.due_at is None else f"due {moment(each.due_at, now, zone)}"
        waits = f", {BECAUSE.get(each.waits_for, each.waits_for)}" if each.waits_for else ""
        yield [
            " ",
            each.title,
            Cell(
                f"  step {each.step}{steps}, {due}{waits}; entered {moment(each.entered_at, now, zone)}",
                "dim",
            ),
        ]


def _waiting(plan: Planned, now: Instant, zone: ZoneInfo) -> Iterator[Line]:
    yield from _title("In the outbox")
    if not plan.waiting:
        yield [Cell(" nothing", "dim")]
    for each in plan.waiting:
        said = message_cell(each.state, each.reason, each.is_paused)
        because = f", {BECAUSE.get(each.reason, each.reason)}" if each.reason else ""
        yield [
            " ", Cell(fit(said.text, 21), said.style), fit(moment(each.planned_at, now, zone), 13),
            fit(each.channel, 9),
            f"{each.trigger} step {each.step}{because}",
        ]  # fmt: skip


def _foreseen(plan: Planned, now: Instant, zone: ZoneInfo) -> Iterator[Line]:
    yield from _title(f"Foreseen until {moment(plan.until, now, zone)}, if nothing new happens")
    if not plan.foreseen:
        yield [Cell(" nothing", "dim")]
    for each in plan.foreseen:
        said = decision_cell(each.outcome, each.reason)
        yield [
            " ", Cell(fit(said.text, 11), said.style), fit(moment(each.at, now, zone), 13),
            fit(each.channel or "", 9),
            f"{each.trigger} step {each.step}",
        ]  # fmt: skip
        if each.outcome != "send":
            yield [Cell(f"   {_reason(each.words)}", "dim")]


def _reason(words: str) -> str:
    """What follows the opening of a decision in words, which the line above says already."""
    return words.partition("): ")[2] or words


def pane_title(title: str) -> Line:
    """The name of a pane that stands beside others."""
    return [Cell(f" {title} ", "head")]
