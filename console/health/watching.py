"""What is wrong although nobody has noted it: messages that are late, claims that nobody gives back, passes
of the future, sources that are silent, files that nobody takes. Instants and durations are ms UTC.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, Connection

from console.connectors.folder import INBOX, SUFFIXES, FolderConnector
from console.workspace.reading import Workspace
from core.explain.words import counted
from core.health import HealthFinding
from core.instants import DAY, MINUTE, SECOND, Instant, Millis, format_duration
from core.model.pauses import EVERYTHING
from storage import lateness, pauses, playbooks, segments
from storage.lateness import LateMessages
from storage.segments import ConditionTimeError
from storage.status import Figures

LATE: Final[Millis] = 100 * SECOND
"""Something that is late by so much is wrong, unless it moves."""
LATEST: Final[Millis] = 15 * MINUTE
"""By so much, also where it moves: it does not keep up."""
MOVED: Final[Millis] = MINUTE
FUTURE: Final[Millis] = MINUTE
CLAIM: Final[Millis] = 15 * MINUTE
"""As long as a dispatcher claims a message (`console.dispatch.LEASE`, which is slower to import)."""


def watched(
    connection: Connection, figures: Figures, workspace: Workspace, folder: Path, at: Instant, *, is_now: bool
) -> Iterator[HealthFinding]:
    """Everything of that, one finding each; where the state is of another instant than now, or the clock is
    simulated, only messages.
    """
    yield from _messages(connection, figures, workspace, at)
    if is_now:
        yield from _passes(figures, at)
        yield from _sources(connection, workspace, at)
        if figures.lease is not None:  # else nobody looks into folders here
            yield from _files(connection, workspace, folder, at)


# ---- messages ----


def _messages(
    connection: Connection, figures: Figures, workspace: Workspace, at: Instant
) -> Iterator[HealthFinding]:
    late = max(LATE, 2 * workspace.tick + 40 * SECOND)
    for channel, found in sorted(lateness.claimed(connection, at + CLAIM - late).items()):
        since = found.oldest - CLAIM
        words = f"{channel}: {_many(found)} claimed and neither sent nor given back"
        yield HealthFinding("claimed", words, f"for {_length(at - since)}", since)
    if figures.stopped or (figures.is_behind_nothing(at) and _is_dispatched(figures)):
        return
    paused = pauses.current(connection, at)
    names = [row.pause.name for row in paused.values() if row.pause.scope == "segment"]
    held = list(_held(connection, workspace, at))
    try:
        with segments.limited(connection, segments.segment_named(*names), segments.SECONDS_IN_A_PASS):
            overdue = lateness.overdue(connection, at, at - late, held)
    except ConditionTimeError as error:
        yield HealthFinding("late", "nobody can tell what is late", str(error))
        return
    for channel, found in sorted(overdue.items()):
        yield from _overdue(connection, figures, workspace, at, channel, found)


def _is_dispatched(figures: Figures) -> bool:
    """Whether the last pass handed over too, or the workspace is a replay, in which all is handed over."""
    return figures.last_dispatch is None or figures.last_dispatch >= (figures.last_tick or 0)


def _overdue(
    connection: Connection,
    figures: Figures,
    workspace: Workspace,
    at: Instant,
    channel: str,
    found: LateMessages,
) -> Iterator[HealthFinding]:
    """Of a channel that rests, or that may hand over so many a day, its own notes say more."""
    known = workspace.playbook.channels.get(channel)
    latest = LATEST if known is None or known.capacity is None else DAY
    age = at - found.oldest
    if channel in figures.halted or (known is not None and known.capacity is not None and age < latest):
        return
    if age >= latest or not lateness.moves(connection, channel, found.triggers, at - MOVED):
        words = f"{channel}: {_many(found)} overdue"
        yield HealthFinding("late", words, f"the oldest for {_length(age)}", found.oldest)


def _held(connection: Connection, workspace: Workspace, at: Instant) -> Iterator[ColumnElement[bool]]:
    """What waits because somebody paused it."""
    segments.prepare(connection)
    for name, row in pauses.current(connection, at).items():
        if name != EVERYTHING:
            yield pauses.holds_message(row.pause, workspace.playbook, at)


def _many(found: LateMessages) -> str:
    more = "at least " if found.number >= lateness.MOST else ""
    return f"{more}{counted(found.number, 'message')}"


# ---- passes ----


def _passes(figures: Figures, at: Instant) -> Iterator[HealthFinding]:
    for what, last in (("tick", figures.last_tick), ("dispatch", figures.last_dispatch)):
        if last is not None and last > at + FUTURE:
            words = f"the last {what} lies {_length(last - at)} in the future"
            yield HealthFinding("clock", words, "the clock is wrong, or was")


# ---- intake ----


def _sources(connection: Connection, workspace: Workspace, at: Instant) -> Iterator[HealthFinding]:
    """A source that never said anything counts from when the playbook was applied."""
    limits = {name: source.silent_after for name, source in workspace.sources.items() if source.silent_after}
    if not limits:
        return
    heard, newest = lateness.heard(connection), playbooks.newest(connection)
    for name, limit in sorted(limits.items()):
        since = heard.get(name, None if newest is None else newest.applied_at)
        if since is not None and limit is not None and at - since > limit:
            words = f"source {name} silent" if name in heard else f"source {name} never heard"
            yield HealthFinding("silent", words, f"for {_length(at - since)}", since)


def _files(
    connection: Connection, workspace: Workspace, folder: Path, at: Instant
) -> Iterator[HealthFinding]:
    arrived = lateness.last_arrival(connection)
    limit = LATEST if arrived is not None and at - arrived < MOVED else LATE
    for place in dict.fromkeys(_places(workspace, folder)):
        waiting = {name: since for name, since in lying(place).items() if at - since > limit}
        if waiting:
            name = min(waiting, key=lambda each: waiting[each])
            more = f" and {len(waiting) - 1} more wait" if len(waiting) > 1 else " waits"
            words = f"{place.name}/{name}{more}"
            yield HealthFinding("inbox", words, f"for {_length(at - waiting[name])}", waiting[name])


def _places(workspace: Workspace, folder: Path) -> Iterator[Path]:
    yield folder / INBOX
    for source in workspace.sources.values():
        if source.kind == FolderConnector.kind:
            connector = FolderConnector.of(source, folder, lambda: 0)
            if connector is not None:
                yield Path(connector.place)


def lying(place: Path) -> Mapping[str, Instant]:
    """The files that ask to be imported, and since when each lies there as it is."""
    found = {}
    try:
        for path in place.iterdir():
            known = path.lstat()
            if stat.S_ISREG(known.st_mode) and _is_wanted(path.name):
                found[path.name] = known.st_ctime_ns // 1_000_000
    except OSError:  # a place that cannot be read is noted by the job that reads it
        return found
    return found


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)


def _length(duration: Millis) -> str:
    unit = next((each for each in (DAY, 60 * MINUTE, MINUTE) if duration >= 2 * each), SECOND)
    return format_duration(max(SECOND, duration // unit * unit))
