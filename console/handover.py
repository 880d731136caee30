"""Making one message and handing it over: the same for the dispatcher, a replay, and whoever looks beforehand. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from console.sandbox import MISSING, TemplateFault
from console.templates import Templates, customer_variables, local_text, variables
from console.unsubscribe import Claim, Links
from core.customer import Profile, address_of
from core.delivery import ChannelAdapter, Outbound, Result, Retry, Uncertain
from core.instants import Instant
from core.playbook import Channel, Playbook
from core.triggers import Trigger
from storage.outbox import Claimed

__all__ = ["Cause", "TemplateFault", "hand_over", "render", "render_claimed"]


class Cause(NamedTuple):
    """What began the journey, as a template sees it."""

    name: str | None
    at: Instant
    properties: Mapping[str, Any]


def render(
    templates: Templates,
    profile: Profile,
    *,
    customer: str,
    trigger: Trigger,
    step: int,
    channel: Channel,
    address: str,
    cause: Cause | None,
    key: str,
    planned_at: Instant,
    at: Instant,
    playbook: Playbook,
    workspace: str,
    message_id: int | None = None,
    template: str | None = None,
    attempt: int = 1,
    links: Links | None = None,
) -> Outbound:
    """The message of a step as of `at`; TemplateFault where its texts cannot be made. `template` is the step's own unless given.

    `links` makes the ways to unsubscribe; None where the message offers none.
    """
    url, mail = ("", "") if links is None else links.make(Claim(key, channel.medium, trigger.purpose))
    zone = profile.zone(playbook.zone)
    values = variables(
        customer_variables(profile, customer, zone),
        _event(cause, "" if cause is None else local_text(cause.at, zone)),
        {"number": step, "channel": channel.name},
        trigger,
        playbook,
        workspace,
        local_text(at, zone),
        url,
    )
    rendered = templates.render(template or trigger.steps[step - 1].template, channel.medium, values)
    return Outbound(
        key, message_id, customer, channel.name, channel.medium, address, trigger.name, step, trigger.purpose, rendered.subject,
        rendered.parts, planned_at, at, attempt, workspace, url, mail,
    )  # fmt: skip


def render_claimed(
    templates: Templates, message: Claimed, profile: Profile, playbook: Playbook, workspace: str, at: Instant, links: Links | None
) -> Outbound:
    """A message of the outbox as of `at`, to the address the customer has now. Its trigger and its channel are in the playbook."""
    channel = playbook.channels[message.channel]
    return render(
        templates,
        profile,
        customer=message.customer,
        trigger=playbook.roster.by_name[message.trigger],
        step=message.step,
        channel=channel,
        address=address_of(profile, channel.medium) or message.address or "",
        cause=Cause(message.cause_name, message.cause_at, message.cause_properties),
        key=message.key,
        planned_at=message.planned_at,
        at=at,
        playbook=playbook,
        workspace=workspace,
        message_id=message.id,
        template=message.template,
        attempt=message.attempts,
        links=links,
    )


def _event(cause: Cause | None, at: str) -> dict[str, Any]:
    if cause is None:
        return {"name": MISSING, "at": MISSING, "properties": {}}
    return {"name": cause.name or MISSING, "at": at, "properties": cause.properties}


def hand_over(adapter: ChannelAdapter, outbound: Outbound) -> Result:
    """What the channel says; an error it did not foresee is a retry where a second try cannot double, else uncertain."""
    try:
        return adapter.send(outbound)
    except Exception as error:  # the border to a channel: whatever it raises is an outcome of this message
        reason = f"{type(error).__name__}: {error}"[:500]
        return Retry(reason) if adapter.idempotent_by_key else Uncertain(reason)
