"""Contact pressure: which rules a contact would break, and the exact earliest instant at which it breaks
none.

Asked are the contact's own window and the window of each later counted contact that holds it; those of
earlier ones are not asked again.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from core.instants import Instant, Millis
from core.limits.windows import RollingWindow, Span, Window


class Contact(NamedTuple):
    """One dispatch over one channel, planned or past."""

    at: Instant
    """Where it lands: the planned instant plus the channel's lead time."""
    channel: str
    trigger: str
    purpose: str
    tags: frozenset[str]
    weight: int
    """Thousandths of a point."""
    counts: bool
    dispatch: str
    """Enrolment and step; the channels of one `mode = "all"` dispatch share it."""
    released_at: Instant | None = None
    """From here on it gives its room back: cancelled, or failed before hand-over."""


@dataclass(frozen=True, slots=True)
class PressureRule:
    """A limit within a window, a gap, or both, for the contacts that its filters match; None matches all."""

    name: str
    limit: int | None = None
    """Contacts, or thousandths of a point where `unit` is points."""
    unit: Literal["contacts", "points"] = "contacts"
    window: Window | None = None
    gap: Millis | None = None
    channels: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    triggers: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    audience: object | None = None
    """A condition on the customer, judged by the caller."""

    def applies_to(self, contact: Contact) -> bool:
        """Whether the rule limits and counts the contact."""
        return (
            (self.channels is None or contact.channel in self.channels)
            and (self.purposes is None or contact.purpose in self.purposes)
            and (self.triggers is None or contact.trigger in self.triggers)
            and (self.tags is None or not self.tags.isdisjoint(contact.tags))
        )


@dataclass(frozen=True, slots=True)
class Violation:
    """A full window (or too small a gap) and what fills it."""

    rule: PressureRule
    count: int
    """What the window holds without the candidate: contacts, or thousandths of a point."""
    first: Instant
    last: Instant
    counted: tuple[Contact, ...]
    retry_at: Instant | None
    """No landing from the candidate's own up to here is legal; None: none ever."""
    gap: Millis | None = None
    """The rule's gap where that is broken; None where its limit is."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a rule's limit or gap has counted at an instant."""

    used: int
    """Dispatches, or thousandths of a point."""
    counted: tuple[Contact, ...]
    """By landing."""
    frees_at: Instant | None
    """When there is first more room than now, and room for one usual contact; None where nothing is counted
    or never.
    """


POINT: Final = 1_000
"""Thousandths in one point; what a contact weighs that nothing is said of."""
_landing = attrgetter("at")


@dataclass(slots=True)
class _Counted:
    """What a rule counts of a ledger, by landing, and the sum of the weights."""

    rule: PressureRule
    contacts: list[Contact]
    weight: int

    def add(self, contact: Contact) -> None:
        if self.rule.applies_to(contact):
            insort(self.contacts, contact, key=_landing)
            self.weight += contact.weight


class Ledger:
    """The contacts of one customer that count, by landing."""

    __slots__ = ("_contacts", "_counted", "weight")

    def __init__(self, contacts: Iterable[Contact] = (), as_of: Instant | None = None) -> None:
        """Leaves out what does not count and what was released, by `as_of` where that is given."""
        self._contacts = [
            contact for contact in contacts if contact.counts and not _is_released(contact, as_of)
        ]
        self._contacts.sort(key=_landing)
        self._counted: dict[int, _Counted] = {}
        self.weight = sum([contact.weight for contact in self._contacts])
        """The sum of all their weights, in thousandths of a point."""

    def add(self, contact: Contact) -> None:
        """Counts one more contact, if it counts."""
        if contact.counts:
            insort(self._contacts, contact, key=_landing)
            self.weight += contact.weight
            for counted in self._counted.values():
                counted.add(contact)

    def copy(self) -> "Ledger":
        """One that can be added to without changing this."""
        twin = Ledger()
        twin._contacts, twin.weight = self._contacts.copy(), self.weight
        return twin

    def within(self, span: Span) -> Sequence[Contact]:
        """The contacts that land in the span, by landing."""
        return within(self._contacts, span)

    def counted_by(self, rule: PressureRule) -> list[Contact]:
        """The contacts that the rule's filters match, by landing; not to be changed."""
        return self._by(rule).contacts

    def weight_by(self, rule: PressureRule) -> int:
        """The sum of their weights, in thousandths of a point."""
        return self._by(rule).weight

    def _by(self, rule: PressureRule) -> _Counted:
        found = self._counted.get(id(rule))
        if found is None:
            contacts = [contact for contact in self._contacts if rule.applies_to(contact)]
            found = self._counted[id(rule)] = _Counted(
                rule, contacts, sum([contact.weight for contact in contacts])
            )
        return found

    def __iter__(self) -> Iterator[Contact]:
        return iter(self._contacts)

    def __len__(self) -> int:
        return len(self._contacts)


def _is_released(contact: Contact, as_of: Instant | None) -> bool:
    return contact.released_at is not None and (as_of is None or contact.released_at <= as_of)


def within(contacts: list[Contact], span: Span) -> list[Contact]:
    """Of contacts by landing those that land in the span."""
    return contacts[
        bisect_left(contacts, span.first, key=_landing) : bisect_right(contacts, span.last, key=_landing)
    ]


# ---- what a rule has counted ----


def per_unit(unit: str) -> int:
    """How many of the numbers that loads and limits are kept in make one contact, or one point."""
    return 1 if unit == "contacts" else POINT


def load(rule: PressureRule, inside: Sequence[Contact]) -> int:
    """What these contacts take of the rule's limit: dispatches, however many channels each has, or
    thousandths of a point.
    """
    if rule.unit == "points":
        return sum(contact.weight for contact in inside)
    return len({contact.dispatch for contact in inside}) if len(inside) > 1 else len(inside)


def usage(rule: PressureRule, ledger: Ledger, at: Instant, zone: ZoneInfo) -> Usage:
    """How full the rule's window is at an instant; nothing is counted where it has no window."""
    if rule.window is None:
        return Usage(0, (), None)
    inside = within(ledger.counted_by(rule), rule.window.span(at, zone))
    leaver = _first_to_make_room(rule, inside)
    return Usage(
        load(rule, inside), tuple(inside), None if leaver is None else rule.window.frees(leaver.at, zone)
    )


def gap_usage(rule: PressureRule, ledger: Ledger, at: Instant) -> Usage:
    """The dispatches nearer to an instant than the rule's gap, before or after; it frees when the last of
    them is that far away.
    """
    if rule.gap is None:
        return Usage(0, (), None)
    near = within(ledger.counted_by(rule), Span(at - rule.gap + 1, at + rule.gap - 1))
    return Usage(
        len({contact.dispatch for contact in near}), tuple(near), near[-1].at + rule.gap if near else None
    )


def _first_to_make_room(rule: PressureRule, inside: list[Contact]) -> Contact | None:
    """The contact with whose leaving the window first holds less, and little enough; a dispatch leaves with
    the last of its channels.
    """
    room = min(load(rule, inside) - 1, (rule.limit or 0) - per_unit(rule.unit))
    return next(
        (contact for number, contact in enumerate(inside, 1) if load(rule, inside[number:]) <= room), None
    )


# ---- the two questions ----


def violations(
    rules: Sequence[PressureRule], ledger: Ledger, candidate: Sequence[Contact], zone: ZoneInfo
) -> list[Violation]:
    """What forbids the candidate (the contacts of one dispatch): for each rule whose gap or limit is broken
    the objection that lasts longest, first that of the gap where both are.
    """
    found: list[Violation] = []
    for rule in rules:
        if _fits_anyhow(rule, ledger, candidate):
            continue
        objections = _objections(rule, ledger, candidate, zone)
        for of_gap in (True, False) if objections else ():
            same = [each for each in objections if (each.violation.gap is not None) is of_gap]
            if same:
                found.append(max(same, key=_lasts).violation)
    return found


def is_never_legal(
    rules: Sequence[PressureRule],
    candidate_at: Callable[[Instant], Sequence[Contact]],
    at: Instant,
    zone: ZoneInfo,
) -> bool:
    """Whether a rule leaves the candidate no room even where nothing else is counted: its limit is 0, the
    candidate is heavier than it, or its own contacts land in one window whenever it is handed over.
    """
    nothing, candidate = Ledger(), candidate_at(at)
    alone = [
        violation
        for rule in rules
        if not _fits_anyhow(rule, nothing, candidate)
        for _, violation in _objections(rule, nothing, candidate, zone)
    ]
    if not alone or any(violation.retry_at is None for violation in alone):
        return bool(alone)
    return next_legal(rules, nothing, candidate_at, at, lambda instant: instant, zone, None) is None


def next_legal(
    rules: Sequence[PressureRule],
    ledger: Ledger,
    candidate_at: Callable[[Instant], Sequence[Contact]],
    at: Instant,
    opens: Callable[[Instant], Instant],
    zone: ZoneInfo,
    latest: Instant | None,
) -> Instant | None:
    """The earliest instant from `at` on that is open and breaks no rule; None where there can never be one.

    `candidate_at` gives the contacts of a hand-over at an instant, each landing a constant lead time after
    it. Past `latest` the search ends: the answer is then later than `latest`, nothing before it is legal, and
    it need not be legal itself.
    """
    # Every round but one of a dispatch whose own landings meet passes a contact for good in some rule; such a
    # dispatch moves by whole
    # periods, and what two years of them do not part is never parted.
    for _ in range(2_000 + 4 * len(rules) * len(ledger)):
        at = opens(at)
        if latest is not None and at > latest:
            return at
        until = _held_until(rules, ledger, candidate_at(at), at, zone)
        if until is None or until == at:
            return until
        at = until
    return None


def _held_until(
    rules: Sequence[PressureRule], ledger: Ledger, candidate: Sequence[Contact], at: Instant, zone: ZoneInfo
) -> Instant | None:
    """The hand-over before which nothing is legal: `at` itself where no rule objects, None where one always
    will.
    """
    until = at
    for rule in rules:
        if _fits_anyhow(rule, ledger, candidate):
            continue
        for contact, violation in _objections(rule, ledger, candidate, zone):
            if violation.retry_at is None:
                return None
            until = max(until, violation.retry_at - (contact.at - at))
    return until


# ---- objections of one rule ----


class _Objection(NamedTuple):
    contact: Contact
    """The candidate's contact that cannot land where it would."""
    violation: Violation


class _Asked(NamedTuple):
    """One rule, the contacts it counts, and those of the candidate it limits."""

    rule: PressureRule
    filled: list[Contact]
    held: list[Contact]
    zone: ZoneInfo


def _lasts(objection: _Objection) -> float:
    retry_at = objection.violation.retry_at
    return float("inf") if retry_at is None else retry_at


def _objections(
    rule: PressureRule, ledger: Ledger, candidate: Sequence[Contact], zone: ZoneInfo
) -> Sequence[_Objection]:
    held = [contact for contact in candidate if rule.applies_to(contact)]
    if not held:
        return ()
    asked = _Asked(rule, ledger.counted_by(rule), held, zone)
    objections: list[_Objection] = []
    if rule.gap is not None:
        objections += _gap_objections(asked, rule.gap)
    if rule.limit == 0:
        objections += _closed(asked)
    elif rule.limit is not None and rule.window is not None:
        objections += _own_objections(asked, rule.limit, rule.window)
        objections += _later_objections(asked, rule.limit, rule.window)
    return objections


def _fits_anyhow(rule: PressureRule, ledger: Ledger, candidate: Sequence[Contact]) -> bool:
    """Whether a rule without a gap has room for all it may count, wherever that lands; asked first, for it
    mostly has.
    """
    limit = rule.limit
    if rule.gap is not None or not limit:
        return rule.gap is None and limit is None
    if rule.unit == "contacts":
        return len(ledger) < limit or len(ledger.counted_by(rule)) < limit
    added = sum([contact.weight for contact in candidate])
    return ledger.weight + added <= limit or ledger.weight_by(rule) + added <= limit


def _need(asked: _Asked, contacts: Iterable[Contact]) -> int:
    """What contacts of the candidate add to a window: one dispatch, or their points."""
    return 1 if asked.rule.unit == "contacts" else sum(contact.weight for contact in contacts)


def _load(asked: _Asked, inside: Sequence[Contact]) -> int:
    """What counted contacts take of the limit, the candidate's own dispatch not counted twice."""
    own = asked.held[0].dispatch
    others = (
        inside if asked.rule.unit == "points" else [contact for contact in inside if contact.dispatch != own]
    )
    return load(asked.rule, others)


def _held_within(asked: _Asked, span: Span) -> list[Contact]:
    return [contact for contact in asked.held if span.first <= contact.at <= span.last]


def _closed(asked: _Asked) -> Iterator[_Objection]:
    """A limit of nothing blocks for good."""
    for contact in asked.held:
        span = (
            asked.rule.window.span(contact.at, asked.zone)
            if asked.rule.window
            else Span(contact.at, contact.at)
        )
        inside = within(asked.filled, span)
        yield _Objection(contact, Violation(asked.rule, _load(asked, inside), *span, tuple(inside), None))


def _gap_objections(asked: _Asked, gap: Millis) -> Iterator[_Objection]:
    """Contacts of other dispatches nearer than the gap, before or, of a contact that counts, after; exactly
    the gap is legal.
    """
    for contact in asked.held:
        span = Span(contact.at - gap + 1, contact.at + gap - 1 if contact.counts else contact.at)
        near = [other for other in within(asked.filled, span) if other.dispatch != contact.dispatch]
        if near:
            violation = Violation(asked.rule, len(near), *span, tuple(near), near[-1].at + gap, gap)
            yield _Objection(contact, violation)


def _own_objections(asked: _Asked, limit: int, window: Window) -> Iterator[_Objection]:
    for contact in asked.held:
        span = window.span(contact.at, asked.zone)
        inside = within(asked.filled, span)
        count = _load(asked, inside)
        if count + _need(asked, _held_within(asked, span)) > limit:
            retry_at = _own_retry(asked, contact, inside, span, limit, window)
            yield _Objection(contact, Violation(asked.rule, count, *span, tuple(inside), retry_at))


def _own_retry(
    asked: _Asked, contact: Contact, inside: list[Contact], span: Span, limit: int, window: Window
) -> Instant | None:
    """When enough of the window has left it for the candidate to fit, as far as that can be said from here;
    None: it never fits.
    """
    if asked.rule.unit == "contacts":
        landings = {other.dispatch: other.at for other in inside if other.dispatch != contact.dispatch}
        return window.frees(sorted(landings.values())[len(landings) - limit], asked.zone)
    # A rolling window moves with the dispatch, so what it holds of it now it always holds; other windows only
    # what lands together.
    stays = span if isinstance(window, RollingWindow) else Span(contact.at, contact.at)
    always = sum(other.weight for other in _held_within(asked, stays))
    if always > limit:
        return None
    rest = _load(asked, inside)
    last_to_leave = None
    for other in inside:
        if rest + always <= limit:
            break
        rest -= other.weight
        last_to_leave = other.at
    if last_to_leave is not None:
        return window.frees(last_to_leave, asked.zone)
    return min(window.frees(span.first, asked.zone), _next_leaving(asked, contact, span))


def _next_leaving(asked: _Asked, contact: Contact, span: Span) -> Instant:
    """The landing of the contact at which another of its dispatch, landing later by the lead time, has moved
    past the span.
    """
    later = [other for other in _held_within(asked, span) if other.at > contact.at]
    return min((span.last + 1 - (other.at - contact.at) for other in later), default=span.last + 1)


def _later_objections(asked: _Asked, limit: int, window: Window) -> Iterator[_Objection]:
    """Windows of contacts already planned that would hold the candidate as well and be over the limit by
    it.
    """
    for contact in asked.held:
        if not contact.counts:
            continue
        reach = Span(contact.at + 1, window.frees(contact.at, asked.zone) - 1)
        for later in within(asked.filled, reach):
            span = window.span(later.at, asked.zone)
            inside = within(asked.filled, span)
            count = _load(asked, inside)
            if count + _need(asked, _held_within(asked, span)) > limit:
                alone = count + _need(asked, [contact]) > limit
                retry_at = later.at if alone else min(later.at, _next_leaving(asked, contact, span))
                yield _Objection(contact, Violation(asked.rule, count, *span, tuple(inside), retry_at))
