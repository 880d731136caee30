"""What a workspace lacks to run a campaign, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from console.catalogue import TRANSACTIONAL, Campaign
from console.workspace.reading import Workspace
from storage.coverage import Coverage

FEW = 0.05
"""A trait that fewer of the customers have is told as missing."""


def missing(campaign: Campaign, workspace: Workspace, data: Coverage) -> list[str]:
    """Each thing that is missing; nothing where the campaign can run."""
    return [*_in_files(campaign, workspace), *_in_data(campaign, workspace, data)]


AT_ONCE: Final = "transactional"
"""The purpose whose messages somebody waits for, at night too."""
ANOTHER: Final = "another"
"""What is said of a campaign that is not there, where another trigger has its name."""


def installed(campaign: Campaign, workspace: Workspace) -> str:
    """`yes`, `in part`, `another` or an empty text: whether the workspace has the campaign's triggers.

    A trigger of the same name that sends none of the campaign's templates is another one.
    """
    named = [
        trigger for name in campaign.triggers if (trigger := workspace.playbook.trigger(name)) is not None
    ]
    own = [trigger for trigger in named if any(step.template in campaign.copy for step in trigger.contents())]
    if own:
        return "yes" if len(own) == len(campaign.triggers) else "in part"
    return ANOTHER if named else ""


def over(workspace: Workspace, wanted: str, purpose: str = "") -> str | None:
    """The workspace's channel for one the catalogue names: of that name, else the first of that medium; None
    where there is none.

    For transactional messages rather one that is open at all hours, whatever its name.
    """
    channels = workspace.playbook.channels
    fitting = [name for name, channel in channels.items() if wanted in (name, channel.medium)]
    at_once = purpose == AT_ONCE
    return min(
        fitting,
        key=lambda name: (at_once and not channels[name].send_windows.always_open, name != wanted),
        default=None,
    )


def _in_files(campaign: Campaign, workspace: Workspace) -> Iterator[str]:
    for channels in campaign.alternatives:
        there = [name for name in channels if over(workspace, name)]
        if not there:
            yield f"no channel {' or '.join(channels)}"
        elif channels[0] not in there:
            yield f"no channel {channels[0]}, so {' or '.join(there)} only"
    for purpose, name in campaign.first_channels:
        own = over(workspace, name, purpose)
        if (
            purpose == AT_ONCE
            and own is not None
            and not workspace.playbook.channels[own].send_windows.always_open
        ):
            yield f"{own} waits for its send_window, and no other {name} channel is open at all hours"
    yield from (f"no purpose {name}" for name in campaign.purposes if name not in workspace.playbook.purposes)
    yield from (f"no link {name}" for name in campaign.links if name not in workspace.playbook.links)


def _in_data(campaign: Campaign, workspace: Workspace, data: Coverage) -> Iterator[str]:
    yield from (f"no event {each.name} yet" for each in campaign.events if each.name not in data.events)
    for trait in campaign.traits:
        share = data.traits.get(trait, 0) / data.customers if data.customers else 0.0
        if share < FEW:
            yield f"{trait} known of {share:.0%} of the customers"
    if workspace.playbook.consent_policy != "assumed":
        yield from (
            f"nobody has consented to {each} by {_channels(campaign)}"
            for each in _unconsented(campaign, workspace, data)
        )


def _channels(campaign: Campaign) -> str:
    return " or ".join(name for name in campaign.channels if name != "print")


def _unconsented(campaign: Campaign, workspace: Workspace, data: Coverage) -> Iterator[str]:
    """Purposes of the campaign that need a consent and have none over any of its channels; a letter needs
    none.
    """
    channels = workspace.playbook.channels
    media = {
        channels[found].medium for name in campaign.channels if (found := over(workspace, name)) is not None
    } - {"print"}
    for purpose in campaign.purposes:
        if purpose in TRANSACTIONAL or not media or not workspace.playbook.purposes[purpose].consent:
            continue
        if not any(data.granted.get((medium, each)) for medium in media for each in (purpose, "*")):
            yield purpose
