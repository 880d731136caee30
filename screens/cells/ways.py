"""Channels and sources in cells, words and deeds. Instants are ms UTC, lengths ms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.words import counted
from core.instants import DAY, HOUR, MINUTE, SECOND, Instant, Millis, format_duration
from core.model.ways import ChannelLine, SourceLine
from screens.cells.column import Column
from screens.cells.deed import Deed, DialogField
from screens.cells.exports import Fields, instants, plain
from screens.cells.line import Cell, Cells, Line, fit
from screens.cells.moments import in_full, moment, number
from screens.ports.ways import WaysPage

CHANNEL_COLUMNS: Final = (
    Column("name", "CHANNEL", 10, grow=1, most=24),
    Column("state", "STATE", 9),
    Column("due", "DUE", 6, right=True),
    Column("lag", "LAG", 4, right=True),
    Column("hour", "1 H", 5, right=True),
    Column("day", "24 H", 6, right=True, least=72),
    Column("bad", "FAILED", 6, right=True),
    Column("unsure", "UNSURE", 6, right=True, least=96),
    Column("bounced", "BACK", 5, right=True, least=96),
    Column("held", "HELD", 5, right=True, least=104),
    Column("aside", "ASIDE", 5, right=True, least=112),
    Column("reason", "WHY", 10, grow=4),
)
CHANNELS_EXPORTED: Final[Fields] = (
    *plain("name", "kind", "medium", "state"), *instants("since", "until"), *plain("reason", "capacity"),
    *plain(
        "due", "sent_hour", "sent_day", "bounced_day", "held", "failed", "uncertain", "set_aside",
        of="figures",
    ),
    *plain("last_error"),
)  # fmt: skip
SOURCE_COLUMNS: Final = (
    Column("name", "SOURCE", 12, grow=2, most=30),
    Column("state", "STATE", 13),
    Column("last", "HEARD", 12),
    Column("hour", "1 H", 6, right=True),
    Column("day", "24 H", 7, right=True),
    Column("files", "FILES", 5, right=True, least=72),
    Column("failed", "ASIDE", 5, right=True, least=80),
    Column("limit", "SILENT AFTER", 12, least=90),
    Column("kind", "KIND", 10, least=100, grow=1, most=30),
)
SOURCES_EXPORTED: Final[Fields] = (
    *plain("name", "kind", "state"), *instants("last"),
    *plain("hour", "day", "silent_after", "files", "failed_files", "is_declared"),
)  # fmt: skip
CHANNEL_STATE: Final[Mapping[str, Cell]] = {
    "works": Cell("● works", "ok"),
    "paused": Cell("‖ paused", "warn"),
    "stopped": Cell("■ stopped", "bad"),
    "halted": Cell("! halted", "bad"),
    "braked": Cell("! braked", "bad"),
    "set aside": Cell("! aside", "bad"),
}
SOURCE_STATE: Final[Mapping[str, Cell]] = {
    "heard": Cell("● heard", "ok"),
    "silent": Cell("! silent", "bad"),
    "never heard": Cell("○ never heard", "dim"),
}
LATE: Final[Millis] = 15 * MINUTE
"""A lag from which on it stands out."""


def channel_cells(line: ChannelLine, now: Instant) -> Sequence[Cells]:
    """One line of the channels."""
    figures = line.figures
    lag = None if figures.oldest_due is None else _lag(line, now)
    return (
        line.name, CHANNEL_STATE[line.state], number(figures.due),
        Cell(length(lag), "warn" if lag is not None and lag > LATE else ""),
        number(figures.sent_hour), number(figures.sent_day),
        Cell(number(figures.failed), "bad" if figures.failed else ""),
        Cell(number(figures.uncertain), "bad" if figures.uncertain else ""),
        Cell(number(figures.bounced_day), "warn" if figures.bounced_day else ""), number(figures.held),
        Cell(number(figures.set_aside), "bad" if figures.set_aside else ""),
        Cell(line.reason or line.last_error or "", "dim"),
    )  # fmt: skip


def source_cells(line: SourceLine, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One line of the sources."""
    return (
        line.name, SOURCE_STATE[line.state], moment(line.last, now, zone), number(line.hour),
        number(line.day), number(line.files),
        Cell(number(line.failed_files), "bad" if line.failed_files else ""),
        length(line.silent_after), line.kind if line.is_declared else Cell("not declared", "dim"),
    )  # fmt: skip


def _lag(line: ChannelLine, now: Instant) -> Millis:
    oldest = line.figures.oldest_due
    return 0 if oldest is None else max(0, now - oldest)


def length(span: Millis | None) -> str:
    """`3m`, `15h`, `9d`: whole units, at least two of them but for seconds; empty for None."""
    if span is None:
        return ""
    unit = next((each for each in (DAY, HOUR, MINUTE) if span >= 2 * each), SECOND)
    return format_duration(span // unit * unit) if span >= SECOND else "0s"


def channel_words(line: ChannelLine) -> str:
    """What a filter is compared with."""
    return f"{line.name} {line.kind} {line.medium} {line.state} {line.reason or ''}"


def source_words(line: SourceLine) -> str:
    """What a filter is compared with."""
    return f"{line.name} {line.kind} {line.state}"


def chip(page: WaysPage, channels: int, sources: int, text: str) -> str:
    """What the second line says of the lists."""
    if text:
        return f"/ {text} — {counted(channels, 'channel')}, {counted(sources, 'source')}"
    bad = sum(line.state in ("halted", "braked", "set aside") for line in page.channels)
    late = sum(_lag(line, page.at) > LATE for line in page.channels)
    silent = sum(line.state == "silent" for line in page.sources)
    said = [f"{bad} left alone"] if bad else []
    said += [f"{counted(late, 'channel')} late"] if late else []
    said += [f"{counted(silent, 'source')} silent"] if silent else []
    return ", ".join(said) or "all work"


def channel_detail(line: ChannelLine, zone: ZoneInfo) -> list[Line]:
    """All of one channel, to read."""
    return [_pair(name, value) for name, value in _of_channel(line, zone) if value]


def _of_channel(line: ChannelLine, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    figures = line.figures
    yield "kind", f"{line.kind}, carries {line.medium}"
    yield "state", line.state
    yield "why", line.reason or ""
    yield "since", "" if line.since is None else in_full(line.since, zone)
    yield "until", "" if line.until is None else in_full(line.until, zone)
    yield "due now", f"{figures.due:,}"
    yield "the oldest", "" if figures.oldest_due is None else in_full(figures.oldest_due, zone)
    yield "handed over", f"{figures.sent_hour:,} in the last hour, {figures.sent_day:,} in 24 hours"
    yield "the last", "" if figures.last_sent is None else in_full(figures.last_sent, zone)
    yield "at most", line.capacity or ""
    yield "came back", f"{figures.bounced_day:,} of those of 24 hours"
    yield "held", f"{figures.held:,} for an operator, {figures.set_aside:,} set aside"
    yield "failed", f"{figures.failed:,}, and {figures.uncertain:,} of which nobody knows whether they went"
    yield "it said", line.last_error or ""


def source_detail(line: SourceLine, zone: ZoneInfo) -> list[Line]:
    """All of one source, to read."""
    limit = "" if line.silent_after is None else f"a fault after {format_duration(line.silent_after)}"
    pairs = {
        "kind": line.kind if line.is_declared else "not declared in manometer.toml; known from its events",
        "state": line.state,
        "heard last": "" if line.last is None else in_full(line.last, zone),
        "events": f"{line.hour:,} in the last hour, {line.day:,} in 24 hours",
        "silence": limit,
        "files": f"{line.files:,} not taken in yet, {line.failed_files:,} set aside",
    }
    return [_pair(name, value) for name, value in pairs.items() if value]


def _pair(name: str, value: str) -> Line:
    return [Cell(f"{fit(name, 12)} ", "dim"), value]


def release_deed(line: ChannelLine, author: str) -> Deed:
    """What letting a channel go would do."""
    return Deed(
        f"Use {line.name} again at once?",
        [
            f"It is left alone: {line.reason}.",
            f"{counted(line.figures.due, 'message')} would be handed over from the next pass on.",
            "What was held against it is forgotten; where it refuses again, it is left alone again.",
        ],
        f"Use {line.name}",
        fields=(DialogField("reason", "Why (for the audit log)", needed=True),),
        author=author,
    )


def test_deed(line: ChannelLine, author: str) -> Deed:
    """What a test message is."""
    return Deed(
        f"Send a test message over {line.name}?",
        [
            "One message that says it is a test, to the address you write. It is no contact of anybody and "
            "counts nowhere."
        ],
        "Send it",
        fields=(
            DialogField("address", f"To whom ({line.medium})", needed=True),
            DialogField("reason", "Why (for the audit log)"),
        ),
        author=author,
    )
