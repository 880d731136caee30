"""What becomes of messages that cannot be made: one is set aside by itself, and a template that makes none is
set aside instead of all its messages. Instants are ms UTC.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from sqlalchemy import ColumnElement, Connection

from console.dispatch.outcomes import MessageOutcome, given_back, outcome_mark
from console.messages.sandbox import TemplateFault
from console.messages.templates import Templates
from console.quarantine.failures import FailureLedger
from console.quarantine.work_notes import CrashedError, WorkNote
from core.instants import Instant
from core.model.dossier import Dossier
from core.model.quarantine import Suspect
from core.model.reasons import Reason
from core.playbook.playbook import Playbook
from storage import quarantine
from storage.event_json import UnreadableEventError
from storage.outbox import dispatch as outbox
from storage.outbox.dispatch import Claimed
from storage.play.dossiers import events_left_out, load
from storage.sqlite import StoreError
from storage.store import Store

MOST_FAULTY: Final = 5
"""So many messages that a template cannot make while it makes none, and it is the template that is at
fault.
"""
MOST_SLOW: Final = 2
"""So many messages for which it takes too long, and the others are not waited for."""


_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+")
"""What of a channel's name cannot stand in that of a file."""

TemplateUse: TypeAlias = tuple[str, str]
"""A channel and a template: what a template says over one may be right, and over another wrong."""


class MessageFailures:
    """What fails in one pass, and the templates whose messages wait."""

    def __init__(self, store: Store, playbook: Playbook, templates: Templates) -> None:
        self._store = store
        self._media = {name: channel.medium for name, channel in playbook.channels.items()}
        self._templates = templates
        self._version = playbook.version
        self._ledger = FailureLedger(store)
        self._aside: frozenset[TemplateUse] = frozenset()
        self._good: set[TemplateUse] = set()
        self._faulty: dict[TemplateUse, set[int]] = defaultdict(set)
        self._slow: dict[TemplateUse, set[int]] = defaultdict(set)
        self._messages: frozenset[str] = frozenset()
        self._note: WorkNote | None = None
        self._noted: tuple[str, ...] = ()
        self._put_off: list[frozenset[str]] = []
        """The suspects that have no turn yet, the last ones first."""

    def look(self, connection: Connection) -> frozenset[int]:
        """See what is set aside now; the customers among it."""
        self._aside = quarantine.templates_left_out(connection, self._version)
        self._messages = quarantine.left_out(connection, "message")
        return quarantine.customers_left_out(connection)

    def holds(self, message: Claimed) -> bool:
        """Whether its template is set aside."""
        return _use(message) in self._aside

    def is_aside(self, message: Claimed) -> bool:
        """Whether the message itself is set aside, and is not held yet."""
        return str(message.id) in self._messages

    # ---- what was being worked on at a kill ----

    def look_back(self, channel: str, at: Instant) -> None:
        """Keep a note from here on, and learn from it what was being made when the process before was killed:
        those of a portion are suspects, and what was being made alone at two kills is set aside; and so is
        what was being handed over.
        """
        self._note = note = WorkNote.open(self._store.path, f"dispatch-{_UNFIT.sub('-', channel)}")
        if len(note.left) == 1:
            note_crash(self._store, int(note.left[0]), at)
        with self._store.reading() as connection:
            watched = quarantine.watched_for_a_crash(connection, "message")
        note.suspect(dict.fromkeys((*note.left, *watched, *note.suspects)))
        alone = frozenset(watched).intersection(note.suspects)
        self._put_off = [each for each in (alone, frozenset(note.suspects) - alone) if each]

    def leave_off(self) -> None:
        """The pass came to its end."""
        if self._note is not None:
            self._note.__exit__(None, None, None)
            self._note = None

    def put_off(self) -> list[ColumnElement[bool]]:
        """The suspects that have no turn yet, as a condition on a row."""
        waiting = frozenset[str]().union(*self._put_off)
        return [outbox.numbered(sorted(map(int, waiting)))] if waiting else []

    def end_putting_off(self) -> bool:
        """Everything else has had its turn: so have now those that were being worked on at a kill among
        others, and the next time those that were alone; whether any had to wait until now.
        """
        if self._put_off:
            self._put_off.pop()
            return True
        return False

    def begin(self, messages: Sequence[Claimed]) -> None:
        """Note that these are being made."""
        self._noted = tuple(str(message.id) for message in messages)
        if self._note is not None:
            self._note.begin(self._noted)

    def begin_alone(self, message: Claimed) -> None:
        """The same of one that is suspected: otherwise it stands in the note with its portion."""
        if self.is_suspect(message):
            self.begin([message])

    def end_alone(self) -> None:
        """What was being made alone is made: whatever ends the process from here on is seen in the
        journal.
        """
        if len(self._noted) == 1:
            self.begin(())

    def is_suspect(self, message: Claimed) -> bool:
        """Whether it was being worked on at a kill."""
        return self._note is not None and str(message.id) in self._note.suspects

    def clear(self, message: Claimed) -> None:
        """It was worked on and came to its end: it is suspected no more."""
        if self._note is not None:
            self._note.clear(str(message.id))
            with self._store.writing() as connection:
                quarantine.forget_watched(connection, Suspect("message", str(message.id), ""))

    def are_suspected(self, messages: Sequence[Claimed]) -> bool:
        """Whether one of them was being worked on at a kill."""
        return any(map(self.is_suspect, messages))

    def held(self, connection: Connection) -> Sequence[ColumnElement[bool]]:
        """The same of all messages, as conditions on a row."""
        self._aside = quarantine.templates_left_out(connection, self._version)
        return [quarantine.of_templates(self._aside)] if self._aside else []

    def went_well(self, message: Claimed) -> None:
        """Its template can make messages: where it fails, it is for what is in one of them."""
        self._good.add(_use(message))

    # ---- what failed ----

    def of_message(self, message: Claimed, error: Exception, at: Instant) -> MessageOutcome:
        """A message that raised twice while it was made: it is set aside."""
        return self._message_aside(message, error, at, None)

    def is_of_event(self, message: Claimed, error: Exception, at: Instant) -> bool:
        """Whether it is an event that cannot be read and was not set aside before, as it is now: without it
        the message may be made.
        """
        if not isinstance(error, UnreadableEventError):
            return False
        with self._store.reading() as connection:
            is_news = error.event not in events_left_out(connection)
        if is_news:
            self._ledger.note(_event_of(error, message.customer), error, at, at_once=True)
        return is_news

    def of_template(self, message: Claimed, fault: TemplateFault, at: Instant) -> MessageOutcome:
        """A message whose texts cannot be made: it has failed, unless it is the template that is at fault for
        all, or took too long; then it waits.
        """
        use = _use(message)
        match fault.sort:
            case "template":
                is_of_all = self._templates.makes_none(message.template, self._media[message.channel])
            case "time":
                self._slow[use].add(message.id)
                is_of_all = len(self._slow[use]) >= MOST_SLOW
            case _:
                self._faulty[use].add(message.id)
                is_of_all = self._has_made_none(message)
        if is_of_all:
            return self._template_aside(message, fault, at)
        if fault.sort != "value":
            return self._message_aside(message, fault, at, fault.reason)
        failed = outcome_mark(message, "failed", reason=Reason.TEMPLATE_ERROR, error=fault.reason)
        return MessageOutcome(message, failed)

    def _has_made_none(self, message: Claimed) -> bool:
        """Whether it failed for as many messages as it takes, and made none since the playbook was
        applied.
        """
        use = _use(message)
        if use in self._good:
            return False
        with self._store.reading() as connection:
            made, failed = quarantine.made_and_failed(
                connection, use, message.trigger, self._version, MOST_FAULTY
            )
        if made:
            self._good.add(use)
        return not made and len(self._faulty[use]) + failed >= MOST_FAULTY

    def _template_aside(self, message: Claimed, fault: TemplateFault, at: Instant) -> MessageOutcome:
        file = fault.reason.partition(": ")[0]
        of_values = f"{file}: it made no message of {MOST_FAULTY} or more, each of which says why"
        self._ledger.note(
            Suspect("template", quarantine.template_subject(*_use(message)), message.template),
            fault,
            at,
            at_once=True,
            version=self._version,
            said=of_values if fault.sort == "value" else fault.reason,
        )
        self._aside |= {_use(message)}
        return given_back(message, error=fault.reason)

    def _message_aside(
        self, message: Claimed, error: Exception, at: Instant, said: str | None
    ) -> MessageOutcome:
        what = f"{message.id} of template {message.template}"
        suspect = Suspect("message", str(message.id), what)
        thing = self._ledger.note(suspect, error, at, at_once=True, said=said)
        return held_aside(message, "" if thing is None else thing.reason)

    def of_customers(
        self, broken: Mapping[int, Exception], messages: Sequence[Claimed], at: Instant
    ) -> frozenset[int]:
        """Customers who could not be read, neither with others nor alone; those who are set aside for it.

        Where it is an event that cannot be read, the customer can be read without it the next time.
        """
        keys = {message.customer_id: message.customer for message in messages}
        with self._store.reading() as connection:
            known = events_left_out(connection)
        aside = set()
        for customer, error in broken.items():
            if isinstance(error, UnreadableEventError) and error.event not in known:
                suspect = _event_of(error, keys[customer])
            else:
                suspect = Suspect("customer", str(customer), keys[customer])
                aside.add(customer)
            self._ledger.note(suspect, error, at, at_once=True)
        return frozenset(aside)


def note_crash(store: Store, number: int, at: Instant) -> None:
    """Count that the process ended while it worked on the message of that number, where it waits still."""
    with store.reading() as connection:
        found = outbox.with_cause(connection, number)
    if found is not None and found.was in ("planned", "due", "claimed"):
        what = f"{number} of template {found.template}"
        error = CrashedError()
        FailureLedger(store).note(
            Suspect("message", str(number), what), error, at, crashed=True, said=str(error)
        )


def _event_of(error: UnreadableEventError, customer: str) -> Suspect:
    return Suspect("event", str(error.event), f"{error.event} of customer {customer}")


def _use(message: Claimed) -> TemplateUse:
    return message.channel, message.template


def held_aside(message: Claimed, reason: str) -> MessageOutcome:
    """It waits until somebody lets it go."""
    return MessageOutcome(message, outcome_mark(message, "held", reason=Reason.SET_ASIDE, error=reason))


def load_each(
    connection: Connection,
    ids: Sequence[int],
    playbook: Playbook,
    begin: Callable[[int], None] = lambda _: None,
) -> tuple[dict[int, Dossier], dict[int, Exception]]:
    """The dossiers of these customers, each read alone; and why, of those who cannot be read. `begin` is told
    of each first.
    """
    known: dict[int, Dossier] = {}
    broken: dict[int, Exception] = {}
    for each in ids:
        begin(each)
        try:
            known |= load(connection, [each], playbook)
        except StoreError:
            raise
        except Exception as error:  # the border of a customer
            broken[each] = error
    return known, broken
