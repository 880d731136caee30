"""What kinds share that enter on events of certain names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.explain.words import any_of
from core.instants import format_duration
from core.kinds._kind import Kind, WhenReader
from core.kinds._nearness import local_time
from core.model.enrolment import Enrolment
from core.model.events import FIRST, Event
from core.model.nearness import EntryQuestion, Nearness
from core.model.predicate import Predicate
from core.model.when import PlayedCustomer
from core.placeholders import per_value


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKind(Kind):
    """A kind that enters on events of these names for which `where` holds."""

    events: frozenset[str] = frozenset()

    def enters_on(self) -> frozenset[str]:
        """The events it names."""
        return self.events

    def matches(self, event: Event, customer: PlayedCustomer) -> bool:
        """Whether `where` holds for an event that says something new: an order told again is none."""
        return event.standing == FIRST and (self.where is None or self.where.holds(customer.facts(event)))

    def restarts(self, enrolment: Enrolment, event: Event, customer: PlayedCustomer) -> bool:
        """Whether it is asked to, and the event is one of the same value of `per`; an event that carries no
        value stands for itself.
        """
        if not self.restart or event.name not in self.events or not self.matches(event, customer):
            return False
        value = self.key_of(event)
        return self.per is None or (value is not None and value == per_value(enrolment.key_value))

    # ---- words ----

    def words(self, currency: str) -> str:
        """What must happen, what is awaited then, and how often it counts."""
        words = f"when {self.occurrence()}"
        if self.where is not None:
            words += f", where {self.where.text}"
        if self.after:
            words += f"; {format_duration(self.after)} later"
        if self.unless:
            words += f", unless {any_of(self.unless)} came"
        words += f"; once for each {self.per}" if self.per else ""
        return words + ("; each further one begins the clock anew" if self.restart else "")

    def occurrence(self) -> str:
        """What must happen, in words."""
        return f"{any_of(self.events)} comes"

    # ---- nearness ----

    def nearness(self, question: EntryQuestion) -> Nearness:
        """Whether the last event that could make the customer enter is there."""
        return self.nearness_by_events(question)

    def nearness_by_events(self, question: EntryQuestion) -> Nearness:
        """The same; kinds that have more to say ask it after that."""
        none = Nearness(False, f"no {any_of(self.events)} is known")
        if not question.events:
            return none
        newest = question.events[-1]
        matching = [event for event in question.events if self.matches(event, question.customer)]
        found = _of_last(question, matching[-1]) if matching else None
        if self.where is not None and (found is None or not (found.holds or matching[-1] is newest)):
            return _misfit(question, self.where, newest)
        return self.shortage(question, matching) or found or none

    def shortage(self, question: EntryQuestion, matching: Sequence[Event]) -> Nearness | None:
        """What is lacking though there are events that match; None where one is enough."""
        return None


def warn_of_own_event(table: WhenReader, when: EventKind) -> None:
    """Warn where each further event ends the journey, and can begin no other for the same value of `per`."""
    own = sorted(when.unless & when.events)
    if own and when.per and not when.restart:
        table.warn(
            "unless",
            f"{table.quoted('unless')} names the trigger's own {any_of(own)} together with `per`: a second "
            f"one of the same {when.per} calls the journey off for good",
            "Write restart = true to begin the clock anew at each, and take it out of `unless`.",
        )


def _misfit(question: EntryQuestion, where: Predicate, last: Event) -> Nearness:
    """Why an event does not make the customer enter."""
    failing = [clause for clause in question.explain(where, last) if not clause.holds]
    said = "; ".join(clause.detail for clause in failing)
    occurred = local_time(last.occurred_at, question)
    return Nearness(False, f"{last.name} {occurred} does not fulfil `where`: {said}", short=failing[0].brief)


def _of_last(question: EntryQuestion, last: Event) -> Nearness:
    """Whether the last event that fits could make the customer enter."""
    trigger = question.trigger
    said = f"{last.name} {local_time(last.occurred_at, question)}"
    if trigger.activated_at is not None and last.occurred_at < trigger.activated_at:
        short = "the last cause was before it was in force"
        return Nearness(False, f"{said} was before the trigger was in force", short=short)
    if last.history:
        return Nearness(False, f"{said} came with a history import, which enrols nobody")
    if last.arrived_at - last.occurred_at > trigger.max_age:
        return Nearness(False, f"{said} was older than {format_duration(trigger.max_age)} when it arrived")
    return Nearness(True, said)
