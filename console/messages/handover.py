"""Making one message and handing it over: the same for the dispatcher, a replay, and whoever looks
beforehand. Instants are ms UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from console.messages.digests import render_together
from console.messages.products import Products
from console.messages.sandbox import MISSING, Record, TemplateFault
from console.messages.surveys import Surveys
from console.messages.templates import (
    Templates,
    customer_variables,
    local_text,
    variables,
    workspace_variables,
)
from console.messages.unsubscribe_links import UnsubscribeLinks
from console.quarantine.cpu_limit import CpuLimit, CpuLimitError
from core.instants import Instant
from core.model.customer import Profile, address_of
from core.model.delivery import ChannelAdapter, Outbound, Result, Retry, Uncertain
from core.model.triggers import Trigger
from core.playbook.playbook import Channel, Playbook
from core.products import LISTS
from storage.outbox.digests import CarriedStep
from storage.outbox.dispatch import Claimed

LISTS_SECONDS: Final = 3.0
"""Of processor time that the lists of products of one message may take."""
__all__ = ["Envelope", "Recipient", "StepText", "TemplateEvent", "TemplateFault", "Workshop", "hand_over"]


class TemplateEvent(NamedTuple):
    """What began the journey, as a template sees it."""

    name: str | None
    at: Instant
    properties: Mapping[str, Any]


class StepText(NamedTuple):
    """A step whose text a message carries: its own, or that of another journey."""

    trigger: Trigger
    step: int  # from 1
    template: str
    cause: TemplateEvent


@dataclass(frozen=True, slots=True)
class Recipient:
    """The customer to whom a message goes, and what is known of the customer."""

    customer_id: int
    key: str
    profile: Profile


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a message says outside its texts: which message it is, and by which way and when it leaves."""

    key: str  # the same on every attempt
    channel: Channel
    address: str
    planned_at: Instant
    sent_at: Instant  # the instant as of which it is made and handed over
    message_id: int | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Workshop:
    """All that the messages of one workspace are made with; made once by whoever makes messages.

    `products` looks up what customers did with products; without it there are none. `surveys` makes the
    tokens in the links of surveys; without it they have none. `links` makes the links to
    unsubscribe; without it messages offer none.
    """

    workspace: str
    playbook: Playbook
    templates: Templates
    products: Products | None = None
    surveys: Surveys | None = None
    links: UnsubscribeLinks | None = None

    def make(self, recipient: Recipient, envelope: Envelope, steps: Sequence[StepText]) -> Outbound:
        """The message that carries these steps, the first of which gives it subject and frame.

        TemplateFault where its texts cannot be made; ManometerError where a secret cannot be read.
        """
        first, *others = steps
        url, mail = self._ways_out(first.trigger, envelope)
        zone = recipient.profile.zone(self.playbook.zone)
        known = customer_variables(recipient.profile, recipient.key, zone)
        own, *carried = [
            (step.template, self._variables(step, recipient, envelope, known, zone)) for step in steps
        ]
        own[1]["unsubscribe_url"] = url
        rendered = render_together(self.templates, own[0], envelope.channel.medium, own[1], carried)
        return Outbound(
            key=envelope.key,
            message_id=envelope.message_id,
            customer=recipient.key,
            channel=envelope.channel.name,
            medium=envelope.channel.medium,
            address=envelope.address,
            trigger=first.trigger.name,
            step=first.step,
            purpose=first.trigger.purpose,
            subject=rendered.subject,
            parts=rendered.parts,
            planned_at=envelope.planned_at,
            sent_at=envelope.sent_at,
            attempt=envelope.attempt,
            workspace=self.workspace,
            unsubscribe_url=url,
            unsubscribe_mail=mail,
            also=tuple((step.trigger.name, step.step) for step in others),
        )

    def make_claimed(self, message: Claimed, profile: Profile, at: Instant) -> Outbound:
        """A message of the outbox as of `at`, to the address that the customer has now.

        Its channel must be in the playbook. TemplateFault where none of its triggers is, or its texts cannot
        be made; ManometerError where a secret cannot be read.
        """
        channel = self.playbook.channels[message.channel]
        address = address_of(profile, channel.medium) or message.address or ""
        return self.make(
            Recipient(message.customer_id, message.customer, profile),
            Envelope(message.key, channel, address, message.planned_at, at, message.id, message.attempts),
            _texts(message, self.playbook),
        )

    def _ways_out(self, trigger: Trigger, envelope: Envelope) -> tuple[str, str]:
        """The addresses at which the customer unsubscribes; empty where the purpose needs no consent."""
        if self.links is None or not self.playbook.purposes[trigger.purpose].consent:
            return "", ""
        return self.links.make(envelope.key, envelope.channel.medium)

    def _variables(
        self, step: StepText, recipient: Recipient, envelope: Envelope, known: Record, zone: ZoneInfo
    ) -> dict[str, Any]:
        """What the template of a step can name; what takes long to find only where its text reads it."""
        read = self.templates.words(step.template, envelope.channel.medium, str(known.get("locale") or ""))
        lists = self._lists([name for name in LISTS if name in read], step, recipient, envelope.sent_at)
        made = variables(
            Record("customer", {**known, **lists}),
            _event(step.cause, zone),
            {"number": step.step, "channel": envelope.channel.name},
            step.trigger,
            workspace_variables(self.workspace, self.playbook),
            local_text(envelope.sent_at, zone),
        )
        if self.surveys is not None and "answer_token" in read:
            made["answer_token"] = self.surveys.token(envelope.key)
        return made

    def _lists(
        self, wanted: Sequence[str], step: StepText, recipient: Recipient, at: Instant
    ) -> Mapping[str, Any]:
        """The lists of products by name, as of an instant."""
        if self.products is None or not wanted:
            return {}
        lists = self.products.of(recipient.customer_id)
        zone = recipient.profile.zone(self.playbook.zone)
        try:
            with CpuLimit(LISTS_SECONDS):
                return lists(wanted, step.cause.properties, at, zone)
        except CpuLimitError:
            reason = f"{step.template}: its lists of products take longer than {LISTS_SECONDS:g} s"
            raise TemplateFault(reason, sort="time") from None


def _texts(message: Claimed, playbook: Playbook) -> list[StepText]:
    """Of the steps that the message carries those that were not left out, the one that gives it subject and
    frame first; TemplateFault where the playbook has none of their triggers.
    """
    kept = [each for each in message.digest if each.left_out is None]
    found = [*_known(kept, playbook)] or [*_known([message], playbook)]
    if not found:
        raise TemplateFault(f"{message.template}: the trigger {message.trigger} is no longer in the playbook")
    return found


def _known(steps: Iterable[Claimed | CarriedStep], playbook: Playbook) -> Iterator[StepText]:
    """Those whose trigger is in the playbook."""
    for each in steps:
        trigger = playbook.index.definition(each.trigger, each.version)
        if trigger is not None:
            cause = TemplateEvent(each.cause_name, each.cause_at, each.cause_properties)
            yield StepText(trigger, each.step, each.template, cause)


def _event(cause: TemplateEvent, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "name": cause.name or MISSING,
        "at": local_text(cause.at, zone),
        "properties": cause.properties,
    }


def hand_over(
    adapter: ChannelAdapter, outbound: Outbound, raised: Callable[[Exception], None] = lambda _: None
) -> Result:
    """What the channel says; an error it did not foresee is a retry where a second try cannot double, else
    uncertain, and `raised` is told of it.
    """
    try:
        return adapter.send(outbound)
    except Exception as error:  # the border to a channel: whatever it raises is an outcome of this message
        raised(error)
        reason = f"{type(error).__name__}: {error}"[:500]
        return Retry(reason) if adapter.idempotent_by_key else Uncertain(reason)
