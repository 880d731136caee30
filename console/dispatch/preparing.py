"""From a claimed message to one that may leave: the last look with fresh data, and its texts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from sqlalchemy import ColumnElement, Connection

from console.dispatch.channel_backoff import LONGEST_MISCONFIGURED, ChannelBackoffs
from console.dispatch.outcomes import MessageOutcome, given_back, outcome_mark, waiting_mark
from console.dispatch.setting_aside import MessageFailures, held_aside, load_each
from console.messages.handover import TemplateFault, Workshop
from console.messages.kept_texts import StoredBases, TextPacker
from console.messages.products import Products
from console.messages.surveys import Surveys
from console.messages.templates import Templates
from console.messages.unsubscribe_links import UnsubscribeLinks
from console.workspace.reading import Workspace
from core.engine.last_look import Handover, last_look
from core.engine.pauses import stops_purpose
from core.errors import ManometerError
from core.instants import SECOND, Instant, Millis
from core.model.customer import Profile
from core.model.decisions import Objection
from core.model.delivery import ChannelAdapter, Outbound
from core.model.dossier import Dossier, known_profile
from core.model.pauses import SCOPED, Pause
from core.model.reasons import HOLDING, Reason
from core.playbook.playbook import Channel, Playbook
from storage import pauses
from storage.event_json import UnreadableEventError
from storage.outbox import dispatch as outbox
from storage.outbox.digests import CarriedStep
from storage.outbox.dispatch import Claimed
from storage.outbox.texts import KeptText
from storage.play.dossiers import load
from storage.sqlite import StoreError
from storage.store import Store

FRESH: Final[Millis] = SECOND
"""How old the last look's data may be."""
HEARD: Final[Millis] = SECOND // 4
"""How old what is known of pauses may be when a message is made."""
LEAVING: Final[Millis] = SECOND * 6 // 10
"""How long after that it may leave: with `HEARD` less than the second within which an emergency stop acts."""
MOST_ALONE: Final = 5_000
"""So many messages of a pass are held one by one; then their triggers wait."""
MOST_EVENTS: Final = 3
"""So many events are set aside for one message; then it is the message that is."""


@dataclass(frozen=True, slots=True)
class Portion:
    """Messages that were claimed together, and when handing them over began."""

    messages: Sequence[Claimed]
    begun: Instant


@dataclass(frozen=True, slots=True)
class ReadyMessage:
    """A message made, where it goes, and the portion it is of."""

    message: Claimed
    portion: Portion
    adapter: ChannelAdapter
    outbound: Outbound
    text: KeptText | None = None
    """What it says, packed to be kept; None where texts are not kept."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What the last look at a portion sees: dossiers and pauses as of an instant."""

    portion: Portion
    dossiers: Mapping[int, Dossier]
    held_back: HeldBack
    at: Instant
    left_out: Collection[int] = ()
    """Customers who are set aside."""
    unread: Collection[int] = ()
    """Customers who can be read the next time, without an event that could not."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The triggers that wait, under an emergency stop the only purposes that may go, and the pauses of
    channels, segments and customers.
    """

    triggers: frozenset[str] = frozenset()
    purposes: frozenset[str] | None = None
    narrower: tuple[Pause, ...] = ()

    def holds(self, message: Claimed) -> bool:
        """Whether a message must wait for its trigger or for all; the narrower pauses are asked by the last
        look.
        """
        return message.trigger in self.triggers or (
            self.purposes is not None and message.purpose not in self.purposes
        )


def held_back(connection: Connection, playbook: Playbook, at: Instant) -> HeldBack:
    """What waits at the instant, also by pauses that came after the playbook was read."""
    known = tuple(pause for pause in playbook.pauses if pause.holds(at))
    holding: tuple[Pause, ...] = (*known, *(row.pause for row in pauses.current(connection, at).values()))
    waiting = frozenset(pause.name for pause in holding if pause.scope == "trigger")
    stops = [pause for pause in holding if pause.scope == "everything"]
    narrower = tuple({pause.target: pause for pause in holding if pause.scope in SCOPED}.values())
    if not stops:
        return HeldBack(waiting, None, narrower)
    purposes = playbook.purposes.values()
    free = frozenset(each.name for each in purposes if not any(stops_purpose(stop, each) for stop in stops))
    return HeldBack(waiting, free, narrower)


class MessagePreparer:
    """Makes messages of a channel ready; `adapter` gives the open adapter of a channel, None where there is
    none to be had. As a context manager it keeps a note of what is being made, for whoever comes after a
    kill.
    """

    def __init__(
        self,
        store: Store,
        workspace: Workspace,
        backoffs: ChannelBackoffs,
        adapter: Callable[[Channel], ChannelAdapter | None],
        clock: Callable[[], Instant],
        channel: str,
    ) -> None:
        self._clock = clock
        self._channel = channel
        self._store = store
        self._playbook = playbook = workspace.playbook
        self._backoffs = backoffs
        self._adapter = adapter
        self._workshop = Workshop(
            workspace.name,
            playbook,
            Templates(workspace.texts),
            Products(store.reading),
            Surveys(workspace.survey_secret, workspace.folder),
            UnsubscribeLinks.of(workspace.unsubscribe, workspace.folder),
        )
        self._failures = MessageFailures(store, playbook, self._workshop.templates)
        self._texts = TextPacker(self._workshop.templates, StoredBases(store), workspace.retention)
        self._look = _Look(Portion((), 0), {}, HeldBack(), 0)
        self._pauses = playbook.pauses
        self._heard_at: Instant = 0
        self.held_alone: set[int] = set()
        """Messages that were found held by a pause that others of their trigger need not be held by."""
        self.waiting: set[str] = set()
        """Triggers that were found paused or stopped."""

    def __enter__(self) -> Self:
        self._failures.look_back(self._channel, self._clock())
        return self

    def __exit__(self, *_: object) -> None:
        self._failures.leave_off()

    def held(self, connection: Connection) -> Sequence[ColumnElement[bool]]:
        """Which messages wait for a template that is set aside, or for their turn after all others, as
        conditions on a row.
        """
        alone = [outbox.numbered(sorted(self.held_alone))] if self.held_alone else []
        return [*self._failures.held(connection), *self._failures.put_off(), *alone]

    def end_putting_off(self) -> bool:
        """Everything else has had its turn: so have now some of those that were being worked on at a kill;
        whether any had to wait until now.
        """
        return self._failures.end_putting_off()

    def is_suspect(self, message: Claimed) -> bool:
        """Whether it was being worked on at a kill, and so is worked on alone."""
        return self._failures.is_suspect(message)

    def clear(self, message: Claimed) -> None:
        """It is suspected no more."""
        self._failures.clear(message)

    def prepare(self, message: Claimed, portion: Portion, at: Instant) -> ReadyMessage | MessageOutcome:
        """The message made; or what becomes of one that does not go now. What raises twice is set aside."""
        try:
            return self._prepare(message, portion, at)
        except StoreError:
            raise
        except Exception:  # the border of a message: whether it is its own fault is seen by trying again
            return self._prepare_again(message, portion, at)

    def _prepare_again(
        self, message: Claimed, portion: Portion, at: Instant, most_events: int = MOST_EVENTS
    ) -> ReadyMessage | MessageOutcome:
        try:
            return self._prepare(message, portion, at)
        except StoreError:
            raise
        except Exception as error:  # the border of a message, as above
            if most_events and self._failures.is_of_event(message, error, at):
                return self._prepare_again(message, portion, at, most_events - 1)
            return self._failures.of_message(message, error, at)

    def _prepare(self, message: Claimed, portion: Portion, at: Instant) -> ReadyMessage | MessageOutcome:
        if (
            at - self._look.at >= FRESH
            or self._look.portion is not portion
            or self._hears_of_another_pause(at)
        ):
            self._look_again(portion, at)
        is_unread = message.customer_id in self._look.unread
        if is_unread or self._look.held_back.holds(message) or self._failures.holds(message):
            return given_back(message)
        if self._failures.is_aside(message):
            return held_aside(message, "it was being worked on at two crashes")
        self._failures.begin_alone(message)
        if message.customer_id in self._look.left_out:
            return held_aside(message, "the customer is set aside")
        dossier = self._look.dossiers.get(message.customer_id)
        message, objection = self._looked_at(message, dossier, at)
        if objection is not None or dossier is None:
            return self._object(message, objection)
        profile = known_profile(dossier, at)
        return self._outside_window(message, profile, at) or self._make(message, portion, profile, at)

    def _hears_of_another_pause(self, at: Instant) -> bool:
        if at - self._heard_at < HEARD:
            return False
        with self._store.reading() as connection:
            self._heard_at = at
            return pauses.all_of(connection) != self._pauses

    def _look_again(self, portion: Portion, at: Instant) -> None:
        with self._store.reading() as connection:
            known, self._heard_at = pauses.all_of(connection), at
            if known != self._pauses:
                self._playbook, self._pauses = replace(self._playbook, pauses=known), known
            left_out = self._failures.look(connection)
            wanted = sorted({message.customer_id for message in portion.messages} - left_out)
            back = held_back(connection, self._playbook, at)
            dossiers, broken = self._loaded(connection, wanted, portion)
        if broken:
            left_out |= self._failures.of_customers(broken, portion.messages, at)
        self._look = _Look(portion, dossiers, back, at, left_out, broken.keys() - left_out)

    def _loaded(
        self, connection: Connection, wanted: Sequence[int], portion: Portion
    ) -> tuple[dict[int, Dossier], dict[int, Exception]]:
        """The dossiers of a portion at once; each alone where one cannot be read, or was being read when a
        process was killed.
        """
        failures = self._failures
        if not failures.are_suspected(portion.messages):
            failures.begin(portion.messages)
            try:
                return load(connection, wanted, self._playbook), {}
            except StoreError:
                raise
            except Exception:  # the border of a customer: whoever it is shows below
                return load_each(connection, wanted, self._playbook)
        owned = {message.customer_id: message for message in portion.messages}
        loaded = load_each(
            connection, wanted, self._playbook, lambda customer: failures.begin([owned[customer]])
        )
        failures.begin(())
        return loaded

    def _looked_at(
        self, message: Claimed, dossier: Dossier | None, at: Instant
    ) -> tuple[Claimed, Objection | None]:
        """The message as far as it may go, and what stands against the whole of it."""
        if at > message.expires_at:
            return message, Objection(Reason.EXPIRED, "its time was over before it could be handed over")
        if dossier is None:
            return message, Objection(Reason.CUSTOMER_ERASED, "the customer is gone")
        if not message.digest:
            return message, last_look(_handover(message, message), dossier, self._playbook, at)
        objections = {
            place: self._against(message, each, dossier, at)
            for place, each in enumerate(message.digest)
            if not each.left_out
        }
        first = next(iter(objections.values()))
        if all(objections.values()) or (first is not None and first.reason in HOLDING):
            return message, first
        carried = tuple(
            replace(each, left_out=str(objection.reason))
            if (objection := objections.get(place)) is not None
            else each
            for place, each in enumerate(message.digest)
        )
        return replace(message, digest=carried), None

    def _against(
        self, message: Claimed, each: CarriedStep, dossier: Dossier, at: Instant
    ) -> Objection | None:
        """What stands against one of several steps; a pause holds the message only where it is of the step
        that leads.
        """
        if each.trigger in self._look.held_back.triggers:
            return Objection(Reason.TRIGGER_PAUSED, "the trigger is paused")
        return last_look(_handover(message, each), dossier, self._playbook, at)

    def _object(self, message: Claimed, objection: Objection | None) -> MessageOutcome:
        if objection is None or objection.reason in HOLDING:
            if len(self.held_alone) < MOST_ALONE and not self._look.held_back.holds(message):
                self.held_alone.add(message.id)
            else:
                self.waiting.add(message.trigger)
            return given_back(message)
        state = "expired" if objection.reason is Reason.EXPIRED else "cancelled"
        return MessageOutcome(
            message, outcome_mark(message, state, reason=objection.reason, error=objection.detail)
        )

    def _outside_window(self, message: Claimed, profile: Profile, at: Instant) -> MessageOutcome | None:
        """What becomes of a late message, or one that is tried again, while its channel is closed."""
        if at - message.planned_at <= self._playbook.grace and message.attempts <= 1:
            return None
        opens = self._playbook.channels[message.channel].send_windows.opens(
            at, profile.zone(self._playbook.zone)
        )
        if opens > message.expires_at:
            return MessageOutcome(
                message,
                outcome_mark(
                    message, "expired", reason=Reason.EXPIRED, error="the channel does not open again in time"
                ),
            )
        return MessageOutcome(message, waiting_mark(message, "due", opens)) if opens > at else None

    def _make(
        self, message: Claimed, portion: Portion, profile: Profile, at: Instant
    ) -> ReadyMessage | MessageOutcome:
        channel = self._playbook.channels[message.channel]
        adapter = self._adapter(channel)
        if adapter is None:
            return given_back(message)
        try:
            outbound = self._workshop.make_claimed(message, profile, at)
        except TemplateFault as fault:
            return self._failures.of_template(message, fault, at)
        except UnreadableEventError:
            raise
        except ManometerError as error:  # a secret that signs links cannot be read
            self._backoffs.begin(channel.name, str(error), at, LONGEST_MISCONFIGURED)
            return given_back(message, error=str(error))
        self._failures.went_well(message)
        self._failures.end_alone()
        return ReadyMessage(message, portion, adapter, outbound, self._packed(message, profile, outbound))

    def _packed(self, message: Claimed, profile: Profile, outbound: Outbound) -> KeptText | None:
        return self._texts.packed(message.template, str(profile.field("locale") or ""), outbound)


def _handover(message: Claimed, step: Claimed | CarriedStep) -> Handover:
    """What the last look needs of a step: the message's own, or one of several that it carries."""
    return Handover(
        trigger=step.trigger,
        step=step.step,
        channel=message.channel,
        address=message.address,
        cause_key=step.cause_key,
        cause_at=step.cause_at,
        entered_at=step.entered_at,
        planned_at=message.planned_at,
        expires_at=step.expires_at,
        cause_event=step.cause_event,
        cause_properties=step.cause_properties,
        key_value=step.key_value,
        version=step.version,
    )
