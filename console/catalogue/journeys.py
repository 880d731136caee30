"""The journeys of a campaign in words; apart from the others, since it imports the reader of a workspace."""

from __future__ import annotations

from collections.abc import Iterator

from console.catalogue import Campaign
from console.catalogue.composing import LANGUAGES
from console.workspace.reading import read_files
from core.explain.journey_words import told
from core.model.triggers import Trigger


def journeys(campaign: Campaign, currency: str) -> Iterator[tuple[Trigger, list[str]]]:
    """Each trigger and its journey in words, a line each; amounts are of the currency."""
    yield from ((trigger, list(told(trigger, currency))) for trigger in triggers(campaign))


def triggers(campaign: Campaign) -> tuple[Trigger, ...]:
    """Its triggers as a workspace reads them that has every channel they name."""
    channels = "".join(f'[channels.{name}]\nkind = "file"\n' for name in campaign.channels)
    files = {"manometer.toml": f'[workspace]\ntime_zone = "UTC"\n{channels}'}
    files |= {f"triggers/{name}.toml": text for name, text in campaign.triggers.items()}
    files |= {f"templates/{path}": text for path, text in campaign.templates(LANGUAGES[0]).items()}
    return read_files(files).playbook.triggers
