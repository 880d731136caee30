"""What kinds share in saying how far a customer is: earlier entries, and causes that time brings."""

from __future__ import annotations

from core.explain.words import when
from core.instants import Instant
from core.model.dossier import BEGINNING
from core.model.nearness import EntryQuestion, Nearness


def local_time(at: Instant, question: EntryQuestion) -> str:
    """An instant in the time zone of the playbook, as people say it."""
    return when(at, question.zone)


def has_entered(question: EntryQuestion) -> bool:
    """Whether the customer has ever entered; being kept out as a holdout is no entry."""
    last = question.customer.entries.get(question.trigger.name)
    return last is not None and last.at > BEGINNING


def last_entry(question: EntryQuestion) -> str:
    """When the customer entered last; empty where there was no entry."""
    if not has_entered(question):
        return ""
    return f"; last time {local_time(question.customer.entries[question.trigger.name].at, question)}"


def comes_with_time(
    question: EntryQuestion, at: Instant, said: str, *, enters_late: bool = False
) -> Nearness:
    """A cause that time brings: one to come, or one that is over and by which the customer entered or not.

    `enters_late` says that a cause from before the activation of the trigger makes the customer enter at the
    activation.
    """
    entered, since = has_entered(question), question.trigger.activated_at
    if at > question.customer.now:
        detail = f"{said} from {local_time(at, question)} on if nothing comes{last_entry(question)}"
        return Nearness(entered, detail, at, f"comes {local_time(at, question)}")
    if since is not None and at < since and not enters_late:
        return Nearness(entered, f"{said} since {local_time(at, question)}, before the trigger was in force")
    return Nearness(entered, f"{said} since {local_time(at, question)}{last_entry(question)}")
