"""How channels and sources are doing, for the commands and the console alike. Instants are ms UTC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from console.connectors.folder import FolderConnector
from console.health.watching import lying
from console.workspace.reading import Workspace
from core.instants import Instant
from core.limits.capacity import format_capacity
from core.model.pauses import EVERYTHING, target_key
from core.model.quarantine import SetAside
from core.model.ways import ChannelLine, ChannelState, SourceLine
from core.sources.connector import SourceSettings
from storage import brakes, lateness, pauses, playbooks, quarantine, ways
from storage.brakes import ChannelBackoff
from storage.pauses import StoredPause


def channel_lines(connection: Connection, workspace: Workspace, at: Instant) -> list[ChannelLine]:
    """The channels of the playbook in force, in its order."""
    channels = workspace.playbook.channels
    rests, held = brakes.channel_backoffs(connection), pauses.current(connection, at)
    aside = quarantine.channels_aside(connection)
    figures, errors = ways.channel_figures(connection, channels, at), ways.last_errors(connection)
    lines = []
    for name, channel in channels.items():
        own = held.get(target_key("channel", name))
        pause = own or held.get(EVERYTHING)
        state, since, until, reason = _way_of(aside.get(name), rests.get(name), pause)
        capacity = None if channel.capacity is None else format_capacity(channel.capacity)
        lines.append(
            ChannelLine(
                name, channel.kind, channel.medium, state, figures[name], since, until, reason, capacity,
                own is not None, errors.get(name),
            )
        )  # fmt: skip
    return lines


def _way_of(
    aside: SetAside | None, rest: ChannelBackoff | None, pause: StoredPause | None
) -> tuple[ChannelState, Instant | None, Instant | None, str | None]:
    """What stands in its way: what it does itself before what an operator wants."""
    if aside is not None:
        return "set aside", aside.since, None, aside.reason
    if rest is not None:
        return "braked" if rest.braked else "halted", rest.since, rest.until, rest.reason
    if pause is None:
        return "works", None, None, None
    state: ChannelState = "stopped" if pause.pause.target.key == EVERYTHING else "paused"
    why = f"{pause.author}: {pause.reason}" if pause.reason else pause.author
    return state, pause.pause.since, pause.pause.until, why


def source_lines(connection: Connection, workspace: Workspace, folder: Path, at: Instant) -> list[SourceLine]:
    """The sources that the workspace declares, then those that are known from their events alone."""
    heard, lately = lateness.heard(connection), ways.events_lately(connection, at)
    newest = playbooks.newest(connection)
    since_applied = None if newest is None else newest.applied_at
    failed = Counter(
        Path(each.subject).parent for each in quarantine.listing(connection) if each.kind == "file"
    )
    others = [SourceSettings(name, "") for name in sorted({*heard, *lately} - {*workspace.sources})]
    lines = []
    for source in (*workspace.sources.values(), *others):
        hour, day = lately.get(source.name, (0, 0))
        last = heard.get(source.name)
        silent_since = last if last is not None else since_applied
        is_silent = (
            source.silent_after is not None
            and silent_since is not None
            and at - silent_since > source.silent_after
        )
        places = list(_places(source, folder))
        lines.append(
            SourceLine(
                source.name, source.kind,
                "silent" if is_silent else "never heard" if last is None else "heard",
                last, hour, day, source.silent_after, bool(source.kind),
                sum(len(lying(place)) for place in places),
                sum(failed[place] + failed[place / "failed"] for place in places),
            )
        )  # fmt: skip
    return lines


def _places(source: SourceSettings, folder: Path) -> Iterator[Path]:
    """The folder that a source of files is taken from."""
    if source.kind == FolderConnector.kind:
        connector = FolderConnector.of(source, folder, lambda: 0)
        if connector is not None:
            yield Path(connector.place)
