"""Making one message and handing it over: the same for the dispatcher, a replay, and whoever looks
beforehand. Instants are ms UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from console.messages.digests import render_together
from console.messages.products import Lists, Products
from console.messages.sandbox import MISSING, Record, TemplateFault
from console.messages.surveys import Surveys, SurveyToken
from console.messages.templates import Templates, customer_variables, local_text, variables
from console.messages.unsubscribe import Claim, Links
from core.instants import Instant
from core.model.customer import Profile, address_of
from core.model.delivery import ChannelAdapter, Outbound, Result, Retry, Uncertain
from core.model.triggers import Trigger
from core.playbook.playbook import Channel, Playbook
from core.products import LISTS
from storage.outbox.digests import CarriedStep
from storage.outbox.dispatch import Claimed

__all__ = ["StepText", "TemplateFault", "hand_over", "render", "render_claimed"]


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


def render(
    templates: Templates,
    profile: Profile,
    *,
    customer: str,
    trigger: Trigger,
    step: int,
    channel: Channel,
    address: str,
    cause: TemplateEvent | None,
    key: str,
    planned_at: Instant,
    at: Instant,
    playbook: Playbook,
    workspace: str,
    message_id: int | None = None,
    template: str | None = None,
    attempt: int = 1,
    links: Links | None = None,
    carried: Sequence[StepText] = (),
    products: Lists | None = None,
    surveys: Surveys | None = None,
) -> Outbound:
    """The message of a step as of `at`; TemplateFault where its texts cannot be made. `template` is the
    step's own unless given.

    `links` makes the ways to unsubscribe; None where the message offers none. `carried` are the other steps
    in it. `products` looks up the customer's; None: there are none. `surveys` signs the links of surveys;
    None: they are not signed.
    """
    url, mail = ("", "") if links is None else links.make(Claim(key, channel.medium, trigger.purpose))
    zone = profile.zone(playbook.zone)
    known = customer_variables(profile, customer, zone)

    def values(
        named: str, of: Trigger, number: int, began: TemplateEvent | None, link: str
    ) -> dict[str, Any]:
        event = _event(began, "" if began is None else local_text(began.at, zone))
        locale = str(known.get("locale") or "")
        read = templates.words(named, channel.medium, locale)
        wanted = [name for name in LISTS if name in read]
        lists = products(wanted, event["properties"], at, zone) if products is not None and wanted else {}
        asks = surveys if "answer_token" in read else None
        return variables(
            Record("customer", {**known, **lists}),
            event,
            {"number": number, "channel": channel.name},
            of,
            playbook,
            workspace,
            local_text(at, zone),
            link,
            "" if asks is None else asks.token(SurveyToken(key, customer)),
        )

    others = [
        (each.template, values(each.template, each.trigger, each.step, each.cause, "")) for each in carried
    ]
    named = template or trigger.steps[step - 1].template
    rendered = render_together(
        templates, named, channel.medium, values(named, trigger, step, cause, url), others
    )
    return Outbound(
        key, message_id, customer, channel.name, channel.medium, address, trigger.name, step,
        trigger.purpose, rendered.subject,
        rendered.parts, planned_at, at, attempt, workspace, url, mail,
        tuple((each.trigger.name, each.step) for each in carried),
    )  # fmt: skip


def render_claimed(
    templates: Templates,
    message: Claimed,
    profile: Profile,
    playbook: Playbook,
    workspace: str,
    at: Instant,
    links: Links | None,
    products: Products,
    surveys: Surveys | None = None,
) -> Outbound:
    """A message of the outbox as of `at`, to the address the customer has now. Its trigger and its channel
    are in the playbook.
    """
    channel = playbook.channels[message.channel]
    first, *others = _texts(message, playbook)
    return render(
        templates,
        profile,
        customer=message.customer,
        trigger=first.trigger,
        step=first.step,
        channel=channel,
        address=address_of(profile, channel.medium) or message.address or "",
        cause=first.cause,
        key=message.key,
        planned_at=message.planned_at,
        at=at,
        playbook=playbook,
        workspace=workspace,
        message_id=message.id,
        template=first.template,
        attempt=message.attempts,
        links=links,
        carried=others,
        products=products.of(message.customer_id),
        surveys=surveys,
    )


def _texts(message: Claimed, playbook: Playbook) -> list[StepText]:
    """Of the steps that the message carries those that were not left out, the one that gives it subject and
    frame first.
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
            yield StepText(
                trigger,
                each.step,
                each.template,
                TemplateEvent(each.cause_name, each.cause_at, each.cause_properties),
            )


def _event(cause: TemplateEvent | None, at: str) -> dict[str, Any]:
    if cause is None:
        return {"name": MISSING, "at": MISSING, "properties": {}}
    return {"name": cause.name or MISSING, "at": at, "properties": cause.properties}


def hand_over(adapter: ChannelAdapter, outbound: Outbound) -> Result:
    """What the channel says; an error it did not foresee is a retry where a second try cannot double, else
    uncertain.
    """
    try:
        return adapter.send(outbound)
    except Exception as error:  # the border to a channel: whatever it raises is an outcome of this message
        reason = f"{type(error).__name__}: {error}"[:500]
        return Retry(reason) if adapter.idempotent_by_key else Uncertain(reason)
