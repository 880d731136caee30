"""The customer's preferred channel: the one that the customer named, else the one whose links
the customer follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from core.engine.consent import latest_word
from core.engine.state import CustomerState
from core.model.events import Event
from core.model.triggers import Step
from core.playbook.playbook import Channel

FOLLOWED: Final[Mapping[str, str | None]] = {"Email Link Clicked": "email", "Message Clicked": None}
"""Reactions to our messages that show a preference, with their channel; None: the event names it. Opens do
not count: machines open mail, too.
"""
DECLARED: Final = ("preferredChannel", "preferred_channel")
"""The traits in which sources usually say it."""
PREFERS: Final = "preferred channel "
"""How the words of a preference begin."""
TRACKING: Final = "tracking"
"""The purpose whose consent allows to learn from what a customer does."""


class Preferred(NamedTuple):
    """The channel of a step that comes first, and how that is known, in words."""

    channel: str
    words: str


def preferred(step: Step, state: CustomerState) -> Preferred | None:
    """The preferred one of the step's channels, as known now; what was declared stands before what was
    learnt.
    """
    if not step.prefer:
        return None
    channels = [state.playbook.channels[name] for name in step.channels]
    declared = _declared(state)
    if declared is None:
        return _learnt(channels, state) if state.playbook.preference.learn else None
    named = next((each for each in channels if _is_meant(each, declared)), None)
    return None if named is None else Preferred(named.name, f"{PREFERS}{named.name}, declared")


def in_order(step: Step, chosen: Preferred | None) -> Sequence[str]:
    """The step's channels in the order in which they are tried."""
    if chosen is None:
        return step.channels
    return (chosen.channel, *(name for name in step.channels if name != chosen.channel))


def _declared(state: CustomerState) -> str | None:
    named = state.playbook.preference.trait
    for trait in DECLARED if named is None else (named,):
        value = state.profile.traits.get(trait)
        if isinstance(value, str) and value.strip():
            return value.strip().lower()
    return None


def _is_meant(channel: Channel, word: str) -> bool:
    return word in (channel.name.lower(), channel.medium)


def _learnt(channels: Sequence[Channel], state: CustomerState) -> Preferred | None:
    """The channel with most clicks, of several the one with the newest."""
    followed = state.log.of(FOLLOWED.keys(), state.now - state.playbook.preference.within, state.now)
    clicks = [click for click in followed if _is_ours(click)]
    best: tuple[int, int, Channel] | None = None
    for channel in channels:
        own = (
            [click.occurred_at for click in clicks if _is_meant(channel, _channel_of(click))]
            if _may_learn(channel, state)
            else []
        )
        if own and (best is None or (len(own), own[-1]) > best[:2]):
            best = (len(own), own[-1], channel)
    if best is None or best[0] < state.playbook.preference.least:
        return None
    return Preferred(
        best[2].name, f"{PREFERS}{best[2].name}, learnt from {best[0]} click{'s' if best[0] > 1 else ''}"
    )


def _is_ours(click: Event) -> bool:
    """Whether the click was in a message of ours, which it then names by its trigger."""
    return isinstance(click.properties.get("trigger"), str)


def _channel_of(click: Event) -> str:
    return str(FOLLOWED[click.name] or click.properties.get("channel") or click.channel or "").lower()


def _may_learn(channel: Channel, state: CustomerState) -> bool:
    """Whether reactions over the channel may be looked at: the latest word on tracking is a grant, or
    nobody records any.
    """
    word = latest_word(state.dossier.consents, (channel.name, channel.medium), TRACKING, None, state.now)
    return state.playbook.consent_policy == "assumed" if word is None else word.state == "granted"
