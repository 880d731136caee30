"""Any template for any customer as of any instant, with the customer's own products and the shop's own links:
a message to look at, which nobody gets and nothing counts.

Its cause is the last event by then that could have begun the journey. Links to unsubscribe and to answer a
survey stand where they would stand, and act for nobody: their token is the word `sample`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from console.messages.handover import Envelope, Recipient, StepText, TemplateEvent, TemplateFault, Workshop
from console.messages.names import MEDIUM_FILES
from console.messages.products import Products
from console.messages.surveys import Surveys
from console.messages.templates import Templates
from console.messages.unsubscribe_links import UnsubscribeLinks
from console.workspace.reading import Workspace
from core.errors import ManometerError
from core.explain.words import in_full
from core.instants import Instant
from core.model.customer import Profile, address_of
from core.model.delivery import Outbound
from core.model.dossier import known_profile
from core.model.triggers import Trigger
from core.model.when import When
from core.playbook.playbook import Channel, Playbook
from core.suggestions import near
from storage import customers
from storage.play import dossiers
from storage.play.past import load_past

Reading: TypeAlias = Callable[[], AbstractContextManager[Connection]]
"""Opens a snapshot to read from."""
TOKEN: Final = "sample"  # noqa: S105 - it is the word that stands in place of one
CAUSES: Final = 1
"""How many of the latest possible causes are read."""


@dataclass(frozen=True, slots=True)
class SampleAsked:
    """Which template for whom; what is not named is chosen. `customer` is a key or an identity."""

    template: str
    customer: str
    at: Instant
    """As of when."""
    now: Instant
    channel: str | None = None
    trigger: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """What the template gives, or why it gives nothing."""

    template: str
    customer: str
    """The customer's key."""
    customer_id: int
    channel: str
    locale: str | None
    at: Instant
    trigger: str | None
    """None where no trigger uses the template."""
    step: int
    cause: TemplateEvent
    address: str | None
    outbound: Outbound | None = None
    faults: tuple[str, ...] = ()


class SampleLinks(UnsubscribeLinks):
    """Links with a word in place of a token; no secret is read."""

    def make(self, message: str, medium: str) -> tuple[str, str]:  # noqa: ARG002 - as the one in its place
        """The address of the web and the one of mail; empty where the settings name none."""
        return self._settings.url.replace("{token}", TOKEN), self._settings.mail.replace("{token}", TOKEN)


class SampleSurveys(Surveys):
    """Answers with a word in place of a token; no secret is read."""

    def token(self, message: str) -> str:  # noqa: ARG002 - as the one in its place
        """The word."""
        return TOKEN


def sample_workshop(workspace: Workspace, reading: Reading) -> Workshop:
    """What makes messages to look at: only who hands over may read the secrets that sign links."""
    secret = workspace.survey_secret
    return Workshop(
        workspace.name,
        workspace.playbook,
        Templates(workspace.texts),
        Products(reading),
        None if secret is None else SampleSurveys(secret, workspace.folder),
        SampleLinks.of(workspace.unsubscribe, workspace.folder),
    )


def template_names(workspace: Workspace) -> tuple[str, ...]:
    """The templates of a workspace by name."""
    return tuple(sorted({path.split("/")[1] for path in workspace.texts if _is_of_template(path)}))


def _is_of_template(path: str) -> bool:
    return path.startswith("templates/") and path.count("/") >= 2


def make_sample(connection: Connection, workspace: Workspace, asked: SampleAsked) -> Sample:
    """The sample; ManometerError where template, customer, channel or trigger is not known."""
    known = template_names(workspace)
    if asked.template not in known:
        raise _unknown("template", asked.template, known)
    playbook = workspace.playbook
    trigger, step = _context(playbook, asked)
    channel = _channel(workspace, asked, trigger, step)
    identifier = customers.resolve(connection, asked.customer)
    key, profile = _profile(connection, playbook, identifier, asked)
    cause = _cause(connection, identifier, trigger, asked.at)
    address = address_of(profile, channel.medium)
    sample = Sample(
        asked.template,
        key,
        identifier,
        channel.name,
        str(profile.field("locale")) if profile.field("locale") else None,
        asked.at,
        None if trigger is None else trigger.name,
        step,
        cause,
        address,
    )
    text = StepText(trigger or _stand_in(playbook, asked.template), step, asked.template, cause)
    workshop = sample_workshop(workspace, lambda: nullcontext(connection))
    return _made(sample, workshop, Recipient(identifier, key, profile), channel, text)


def sample_words(sample: Sample, zone: ZoneInfo) -> str:
    """How it was made, as a sentence without its end."""
    by = "no trigger uses it" if sample.trigger is None else f"{sample.trigger}, step {sample.step}"
    cause = "no event as its cause"
    if sample.cause.name is not None:
        cause = f"its cause {sample.cause.name} of {in_full(sample.cause.at, zone)}"
    to = "" if sample.address else f"; {sample.customer} has no address for {sample.channel}"
    return (
        f"{sample.template} as {sample.customer} would get it on {in_full(sample.at, zone)} over "
        f"{sample.channel} ({by}; {cause}{to}); nothing was sent to the customer"
    )


def _made(
    sample: Sample, workshop: Workshop, recipient: Recipient, channel: Channel, text: StepText
) -> Sample:
    envelope = Envelope(TOKEN, channel, sample.address or "", sample.at, sample.at)
    try:
        return replace(sample, outbound=workshop.make(recipient, envelope, [text]))
    except TemplateFault as fault:
        line = "" if fault.line is None else f" (line {fault.line})"
        return replace(sample, faults=(f"{fault.reason}{line}",))


def _profile(
    connection: Connection, playbook: Playbook, identifier: int, asked: SampleAsked
) -> tuple[str, Profile]:
    """The customer's key, and what was known of the customer by then."""
    if asked.at < asked.now:
        known = load_past(connection, [identifier], playbook, asked.at, with_state=False)
    else:
        known = dossiers.load(connection, [identifier], playbook)
    if identifier not in known:
        raise ManometerError(f"The customer {asked.customer[:80]} is gone.")
    dossier = known[identifier]
    return dossier.key, known_profile(dossier, asked.at)


def _cause(connection: Connection, identifier: int, trigger: Trigger | None, at: Instant) -> TemplateEvent:
    names = frozenset[str]() if trigger is None else trigger.when.enters_on()
    for event in customers.latest_events(connection, identifier, names, at, CAUSES):
        return TemplateEvent(event.name, event.occurred_at, event.properties)
    return TemplateEvent(None, at, {})


# ---- what is chosen where nothing is named ----


def _context(playbook: Playbook, asked: SampleAsked) -> tuple[Trigger | None, int]:
    """The trigger named, or the first that uses the template, and its step that does, else the first."""
    if asked.trigger is not None:
        found = playbook.trigger(asked.trigger)
        if found is None:
            raise _unknown("trigger", asked.trigger, [each.name for each in playbook.triggers])
        return found, next(_steps(found, asked.template), (1, ()))[0]
    for trigger in playbook.triggers:
        for step, _ in _steps(trigger, asked.template):
            return trigger, step
    return None, 1


def _steps(trigger: Trigger, template: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each step that uses a template, with the channels it does so over."""
    for number, step in enumerate(trigger.steps, 1):
        for content in step.contents():
            if content.template == template:
                yield number, content.channels


def _channel(workspace: Workspace, asked: SampleAsked, trigger: Trigger | None, step: int) -> Channel:
    """The channel named, or the first of the step, or the first that the template has a file for."""
    channels = workspace.playbook.channels
    if asked.channel is not None:
        if asked.channel not in channels:
            raise _unknown("channel", asked.channel, channels)
        return channels[asked.channel]
    if trigger is not None:
        for number, names in _steps(trigger, asked.template):
            if number == step and names:
                return channels[names[0]]
    for channel in channels.values():
        files = MEDIUM_FILES.get(channel.medium, ())
        if any(_has(workspace, asked.template, file) for file in files):
            return channel
    raise ManometerError(
        f"templates/{asked.template} has no file for any channel. Add one, such as email.html or sms.txt."
    )


def _has(workspace: Workspace, template: str, file: str) -> bool:
    return any(
        path.startswith(f"templates/{template}/") and path.endswith(f"/{file}") for path in workspace.texts
    )


def _stand_in(playbook: Playbook, template: str) -> Trigger:
    """In place of a trigger, for a template that none uses."""
    purpose = "marketing" if "marketing" in playbook.purposes else next(iter(playbook.purposes))
    return Trigger(name=template, title=template, purpose=purpose, when=When(), steps=())


def _unknown(what: str, name: str, known: Iterable[str]) -> ManometerError:
    names = sorted(known)
    there_are = f"There are: {', '.join(names)}." if names else f"There is no {what} at all."
    return ManometerError(f"There is no {what} {name[:80]!r}. {near(name, names) or there_are}")
