"""A customer's timeline in cells, and one entry in full as lines to read. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.instants import Instant
from screens.cells.column import Column
from screens.cells.customers import amount
from screens.cells.exports import Fields, instants, money, plain
from screens.cells.line import Cell, Cells, Line, fit
from screens.cells.moments import moment
from screens.cells.states import decision_cell, message_cell, state
from screens.ports.customers import EntryDetails, EntryKind, TimelineEntry

COLUMNS: Final = (
    Column("at", "WHEN", 12),
    Column("kind", "KIND", 10),
    Column("channel", "OVER", 8, least=84),
    Column("what", "WHAT", 17, grow=1),
    Column("state", "STATE", 11, least=50, grow=6, most=20),
    Column("about", "ABOUT", 10, least=68, grow=4),
)
EXPORTED: Final[Fields] = (
    *instants("at"), *plain("kind", "channel", "what", "state"), *money("amount"), *plain("about"),
)  # fmt: skip
KINDS: Final[Mapping[EntryKind, Cell]] = {
    "event": Cell("· event"),
    "message": Cell("» message", "accent"),
    "decision": Cell("= decision", "dim"),
    "consent": Cell("§ consent", "strong"),
}
CONSENT: Final[Mapping[str, Cell]] = {
    "granted": Cell("● granted", "ok"),
    "withdrawn": Cell("✗ withdrawn", "bad"),
    "objected": Cell("✗ objected", "bad"),
}
KIND_CYCLE: Final[tuple[EntryKind | None, ...]] = (None, "message", "decision", "event", "consent")
HINT: Final = "words; kind: channel: name: trigger: source: state: !not"
DEEPEST: Final = 6
WIDEST_NAME: Final = 30


def cells(entry: TimelineEntry, now: Instant, zone: ZoneInfo, currency: str) -> Sequence[Cells]:
    """One entry in the `COLUMNS`."""
    money = "" if entry.amount is None else f"{currency} {amount(entry.amount)} · "
    style = "dim" if entry.kind == "decision" else ""
    return (
        moment(entry.at, now, zone), KINDS[entry.kind], entry.channel or "", entry.what,
        _state(entry),
        Cell(money + entry.about, "dim" if style else ""),
    )  # fmt: skip


def _state(entry: TimelineEntry) -> Cell:
    """What became of it, in the words of `core.model.fates`; of a consent what it says."""
    if entry.kind == "message":
        return message_cell(entry.state, entry.reason, entry.is_paused)
    if entry.kind == "decision":
        return decision_cell(entry.state, entry.reason)
    return state(CONSENT, entry.state) if entry.kind == "consent" else Cell(entry.state)


def next_kind(now: EntryKind | None) -> EntryKind | None:
    """The kind shown after this one; None is all."""
    return KIND_CYCLE[(KIND_CYCLE.index(now) + 1) % len(KIND_CYCLE)]


def next_channel(now: str | None, channels: Sequence[str]) -> str | None:
    """The channel shown after this one; None is all."""
    cycle = [None, *channels]
    return cycle[(cycle.index(now) + 1) % len(cycle)] if now in cycle else None


def asked(text: str, kind: EntryKind | None, channel: str | None) -> str:
    """The filter's text with what is chosen by keys."""
    chosen = [f"kind:{kind}"] if kind is not None else []
    chosen += [f'channel:"{channel}"'] if channel is not None else []
    return " ".join([*chosen, *([text] if text else [])])


def chip(found: int, total: int | None, filters: str) -> str:
    """What the second line says of the timeline."""
    if not filters:
        return f"{found:,} entries"
    return f"/ {filters} — {found:,}" + ("" if total is None else f" of {total:,}")


def in_full(details: EntryDetails) -> list[Line]:
    """An entry as lines: sentences, then its values by name."""
    lines: list[Line] = [[Cell(words)] for words in details.words]
    pairs = [(name, text) for name, value in details.values for name, text in flat(name, value)]
    width = min(max((len(name) for name, _ in pairs), default=0), WIDEST_NAME)
    lines.append([])
    lines += [[Cell(fit(name, width) + "  ", "dim"), text] for name, text in pairs]
    return lines


def flat(name: str, value: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    """A value as pairs of name and text, parts of it one below the other: `products 1 sku`, `products 1
    price`.
    """
    if isinstance(value, Mapping) and value and depth < DEEPEST:
        for key, part in value.items():
            yield from flat(f"{name} {key}", part, depth + 1)
    elif isinstance(value, list) and value and depth < DEEPEST:
        for number, part in enumerate(value, 1):
            yield from flat(f"{name} {number}" if len(value) > 1 else name, part, depth + 1)
    elif value is not None and value != "":
        yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
