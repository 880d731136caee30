"""The first screen as lines: from figures to sentences and bars."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

from core.engine.pauses import pause_label
from core.explain.words import counted
from core.health import HealthFinding, Sort
from core.instants import DAY, HOUR, MINUTE, SECOND, Instant, Millis, local
from core.model.pauses import parse_target
from screens.cells.bars import Bar, bar
from screens.cells.gauge import at_limit, gauge_bars, window_words
from screens.cells.line import Cell, Cells, Line, StyleName, as_cell, fit
from screens.cells.moments import moment, share
from screens.cells.safe_text import display_width, safe_text
from screens.cells.states import paused_words
from screens.ports.overview import (
    BaseGauge,
    Books,
    ChannelToday,
    DayAhead,
    Engine,
    OverviewPage,
    Undecided,
    Written,
)

NAME: Final = 9
"""Columns of the names that begin the first lines."""


def ago(length: Millis) -> str:
    """How long ago, as people say it."""
    for unit, word in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second")):
        if length >= unit:
            return f"{counted(length // unit, word)} ago"
    return "just now"


def steering(page: OverviewPage) -> object:
    """What operators have decided about what goes out: a change of it makes a look ahead untrue at once."""
    return page.engine.version, page.engine.stopped, page.paused


def _named(name: str, *parts: Cells) -> Line:
    return [Cell(f" {name:<{NAME}}", "dim"), *parts]


# ---- is it running ----


def head_lines(
    page: OverviewPage, books: Books | None, simulated: bool, zone: ZoneInfo, width: int
) -> list[Line]:
    """Engine, sending, counts: each a word and why."""
    return [
        engine_line(page.engine, page.health.is_ticking, page.at, simulated, zone),
        sending_line(page.engine, page.at, zone),
        books_line(page.engine, carried_on(books, page.written), width),
    ]


def engine_line(engine: Engine, is_ticking: bool, at: Instant, simulated: bool, zone: ZoneInfo) -> Line:
    """Whether it runs, who leads, when it last ticked and dispatched; else what starts it."""
    if not engine.version:
        return _named(
            "Engine", Cell("○ nothing is in force", "warn"), "  `manometer apply` puts the files in force"
        )
    if simulated:
        return _named(
            "Engine",
            Cell("■ clock stands", "accent"),
            f" at {local(at, zone):%d %b %Y %H:%M}; `manometer tick --at` moves it",
        )
    if engine.leader is not None:
        return _named(
            "Engine",
            Cell("● running", "ok"),
            f" {_owner(engine.leader)}{_since(engine, at, zone)}{_passes(engine, at)}",
        )
    if is_ticking:
        return _named(
            "Engine", Cell("● ticked", "ok"), f" by command, no scheduler leads{_passes(engine, at)}"
        )
    last = "" if engine.last_tick is None else f"; last tick {ago(at - engine.last_tick)}"
    return _named("Engine", Cell("○ No scheduler runs", "bad"), f": `manometer run` starts one{last}")


def _owner(owner: str) -> str:
    host, _, rest = owner.partition(":")
    return f"{host} pid {rest.partition(':')[0]}" if rest else host


def _since(engine: Engine, at: Instant, zone: ZoneInfo) -> str:
    return "" if engine.leader_since is None else f" since {moment(engine.leader_since, at, zone)}"


def _passes(engine: Engine, at: Instant) -> str:
    tick = "no tick yet" if engine.last_tick is None else f"tick {ago(at - engine.last_tick)}"
    return f" · {tick}" + (
        "" if engine.last_dispatch is None else f" · dispatch {ago(at - engine.last_dispatch)}"
    )


def sending_line(engine: Engine, at: Instant, zone: ZoneInfo) -> Line:
    """Whether anything goes out at all."""
    held = engine.stopped
    if held is None:
        return _named("Sending", Cell("● on", "ok"), "  `!` stops everything at once")
    what = "all sending" if held.transactional else "all but transactional"
    until = "" if held.until is None else f" until {moment(held.until, at, zone)}"
    why = f": {held.reason}" if held.reason else ""
    since = f"since {moment(held.since, at, zone)}{until} by {held.author}{why}"
    return _named("Sending", Cell("■ STOPPED", "bad"), f" {what}, `!` ends it; {since}")


def carried_on(books: Books | None, written: Written) -> Books | None:
    """The sums with what was written since they were added up."""
    if books is None:
        return None
    return replace(
        books,
        events=books.events + max(0, written.events - books.written.events),
        decisions=books.decisions + max(0, written.decisions - books.written.decisions),
        messages=books.messages + max(0, written.messages - books.written.messages),
        written=written,
    )


def books_line(engine: Engine, books: Books | None, width: int) -> Line:
    """Whether everything is accounted for, what waits for the engine, and as many sums as there is room
    for.
    """
    waits = [
        counted(number, noun)
        for number, noun in ((engine.events_waiting, "event"), (engine.due, "customer"))
        if number
    ]
    waiting = f" {' and '.join(waits)} to decide on;" if waits else ""
    if books is None:
        return _named("Counts", Cell("… being read", "dim"), waiting.rstrip(";"))
    state = Cell("● add up", "ok") if books.balance else Cell("✗ DO NOT ADD UP", "bad")
    sums = (f"{books.messages:,} messages", f"{books.decisions:,} decisions", f"{books.events:,} events")
    remedy = "" if books.balance else "; see `manometer status --json`"
    room = width - NAME - 2 - display_width(state.text) - len(remedy)
    forms = (f"{waiting} {', '.join(sums[:number])}" for number in (3, 2, 1))
    return _named(
        "Counts", state, next((form for form in forms if len(form) <= room), waiting.rstrip(";")) + remedy
    )


# ---- today ----


def today_title(page: OverviewPage, ahead: DayAhead | None, zone: ZoneInfo) -> str:
    """What the table counts."""
    day = f"Today, {local(page.at, zone):%a %d %b}"
    if ahead is not None and ahead.sends is None:
        return f"{day}; {counted(ahead.customers, 'customer')} due within a day, `4` looks ahead"
    return day


def today_lines(page: OverviewPage, ahead: DayAhead | None, width: int) -> list[Line]:
    """Sent, to come, to approve, held and capacity by channel, with a bar of sent and to come."""
    label = max([len("channel"), *(min(14, display_width(safe_text(each.channel))) for each in page.today)])
    head = f" {fit('channel', label)} {'sent':>7} {'to come':>7} {'approval':>8} {'held':>6} {'capacity':>8}"
    rest = width - len(head) - 2
    coming = [to_come(each, ahead, page.engine.decided_until) for each in page.today]
    most = max((each.sent + number for each, number in zip(page.today, coming)), default=0)
    is_known = ahead is not None
    meaning = Cell("  █ sent  ░ to come" if rest >= 18 else "", "dim")
    return [
        [Cell(head, "dim"), meaning],
        *(_today(each, number, is_known, label, rest, most) for each, number in zip(page.today, coming)),
    ]


def to_come(channel: ChannelToday, ahead: DayAhead | None, decided_until: Instant) -> int:
    """What waits in the outbox for today and what the engine would still decide today."""
    foreseen = (ahead.sends or {}).get(channel.channel, ()) if ahead is not None else ()
    return channel.waiting + len(foreseen) - bisect_right(foreseen, decided_until)


def _today(channel: ChannelToday, coming: int, is_known: bool, label: int, rest: int, most: int) -> Line:
    shown = f"{coming:,}" if is_known else "…"
    room = f"{channel.capacity:,}" if channel.capacity is not None else "–"
    over = channel.capacity is not None and channel.sent + coming > channel.capacity
    line: list[Cells] = [f" {fit(safe_text(channel.channel), label)}", f" {channel.sent:>7,}", f" {shown:>7}"]
    line.append(Cell(f" {channel.to_approve:>8,}", "warn" if channel.to_approve else "dim"))
    line.append(Cell(f" {channel.held:>6,}", "warn" if channel.held else "dim"))
    line.append(Cell(f" {room:>8}", "bad" if over else "dim"))
    if over:
        return [*line, Cell("  ! over capacity", "bad")]
    if rest >= 6:
        done = bar(channel.sent, most, rest)
        line += [
            "  ",
            Cell(done, "accent"),
            Cell("░" * (len(bar(channel.sent + coming, most, rest)) - len(done)), "accent"),
        ]
    return line


# ---- what needs somebody ----


SIGNS: Final[Mapping[Sort, str]] = {"halted": "■", "surge": "■", "failed": "✗", "uncertain": "?"}
OF_MESSAGES: Final[frozenset[Sort]] = frozenset({"failed", "uncertain"})
"""What the outbox shows."""
CLOCK: Final = "clock"
"""Leads to the question whether the clock is right."""
FEW_PAUSES: Final = 3
"""More than so many are one line together."""
SAID_ABOVE: Final[frozenset[Sort]] = frozenset({"stopped", "books"})
"""What has its own line above."""


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing that needs somebody: how badly, what, and the screen that leads to it."""

    sign: str
    words: str
    mode: str | None = None
    key: str = ""
    style: StyleName = "warn"


def attention(
    page: OverviewPage, ahead: DayAhead | None, undecided: Undecided | None, zone: ZoneInfo
) -> list[Attention]:
    """Everything that is stuck or wrong, the worst first, then what waits for a decision."""
    wrong = [_wrong(each, page.at, zone) for each in page.health.findings if each.sort not in SAID_ABOVE]
    waiting = () if undecided is None else _undecided(undecided)
    return [*wrong, *_stuck(page, ahead, zone), *waiting]


def _undecided(undecided: Undecided) -> Iterator[Attention]:
    if undecided.conflicts:
        words = f"who is who: {counted(undecided.conflicts, 'conflict')}"
        yield Attention("?", words, "people", "2 J")
    if undecided.unconverted:
        currencies = ", ".join(sorted(undecided.unconverted))
        words = f"not converted: {sum(undecided.unconverted.values()):,} in {currencies}"
        yield Attention("!", words, "unconverted", "⏎")


def unconverted_lines(undecided: Undecided) -> list[Line]:
    """What counts in no sum, by currency, and what to do about it."""
    most = max(map(len, undecided.unconverted), default=0)
    amounts: list[Line] = [
        [Cell(f"{currency:<{most}}  ", "strong"), counted(number, "amount")]
        for currency, number in sorted(undecided.unconverted.items())
    ]
    return [
        *amounts,
        [],
        [
            "They are in no sum, threshold or segment of money, because no rate fits the day; their orders "
            "count all the same."
        ],
        [
            "Add the rates to the file that `rates` in [workspace] names, and run `manometer apply`. "
            "`manometer orders` lists each order in its own currency."
        ],
    ]


def _wrong(found: HealthFinding, at: Instant, zone: ZoneInfo) -> Attention:
    since = "" if found.since is None else f" since {moment(found.since, at, zone)}"
    why = f": {found.why}" if found.why else ""
    mode, place = ("outbox", "5") if found.sort in OF_MESSAGES else (None, "")
    if found.sort == "clock":
        mode, place = CLOCK, "Enter"
    if found.sort in ("quarantine", "halted", "surge"):
        mode, place = "quarantine", "s"
    return Attention(SIGNS.get(found.sort, "!"), f"{found.words}{since}{why}", mode, place, "bad")


def _stuck(page: OverviewPage, ahead: DayAhead | None, zone: ZoneInfo) -> Iterator[Attention]:
    to_approve, held = (sum(numbers) for numbers in ([each.to_approve for each in page.today],
        [each.held for each in page.today]))  # fmt: skip
    if page.engine.stopped is not None:
        what = f": {counted(held, 'message')} held" if held else ""
        yield Attention("■", f"all sending stopped{what}", "stop", "!", "bad")
    elif held:
        yield Attention(
            "‖", f"{counted(held, 'message')} held by a pause, a surge or set aside", "outbox", "5"
        )
    if to_approve:
        wait = "waits" if to_approve == 1 else "wait"
        yield Attention("‖", f"{counted(to_approve, 'message')} {wait} for approval", "outbox", "5")
    for each in page.today:
        asked = each.sent + to_come(each, ahead, page.engine.decided_until)
        if each.capacity is not None and asked > each.capacity:
            yield Attention(
                "!", f"{each.channel}: {asked:,} today, more than {each.capacity:,} a day", "pressure", "4"
            )
    if len(page.paused) > FEW_PAUSES:
        yield Attention("‖", f"held: {counted(len(page.paused), 'pause')}", "pauses", "p")
    else:
        yield from _each_pause(page, zone)
    if page.engine.to_plan_anew:
        yield Attention(
            "»", f"{counted(page.engine.to_plan_anew, 'customer')} to plan anew under the changed files"
        )


# ---- the customer base ----


def _each_pause(page: OverviewPage, zone: ZoneInfo) -> Iterator[Attention]:
    for name, view in page.paused.items():
        target = parse_target(name)
        to = ("triggers", "3") if target.scope == "trigger" else ("pauses", "p")
        yield Attention("‖", f"{pause_label(target)} {paused_words(view, False, page.at, zone)}", *to)


def gauge_title(gauge: BaseGauge, width: int) -> str:
    """Whose limit it is, as fully as there is room for."""
    limit, window = counted(gauge.limit, "contact"), window_words(gauge.window)
    forms = (
        f"Pressure: {gauge.rule}, {limit} in {window}",
        f"{gauge.rule}: {limit} in {window}",
        f"{gauge.rule}: {gauge.limit} in {window}",
    )
    return next((form for form in forms if display_width(safe_text(form)) + 1 <= width), forms[-1])


def gauge_items(gauge: BaseGauge) -> list[Bar]:
    """The bars."""
    return gauge_bars(gauge.contacts, gauge.customers, gauge.limit)


def gauge_sentence(gauge: BaseGauge, width: int) -> str:
    """The share at the limit, as fully as there is room for."""
    people = at_limit(gauge.contacts, gauge.limit)
    are = "is" if people == 1 else "are"
    whole, percent = counted(gauge.customers, "customer"), share(people, gauge.customers)
    full = f"{people:,} of {whole} ({percent}) {are} at the limit of {gauge.limit}"
    forms = (
        f"{full} in {window_words(gauge.window)}",
        full,
        f"{people:,} of {gauge.customers:,} ({share(people, gauge.customers)}) at the limit",
    )
    return next((form for form in forms if len(form) + 1 <= width), forms[-1])


# ---- what comes next, what was done last ----


@dataclass(frozen=True, slots=True)
class _Coming:
    at: Instant
    trigger: str
    step: int | None
    number: int


def soon(
    page: OverviewPage, ahead: DayAhead | None, zone: ZoneInfo, most: int, width: int
) -> tuple[str, list[Line]]:
    """The next instant of each trigger that has one within a day: what would be sent where that is known,
    else what falls due.

    With a title, which says what is counted where the lines have no room for it.
    """
    is_known = ahead is not None and ahead.sends is not None
    found = _coming(page, ahead)[:most]
    noun = "message" if is_known else "journey"
    in_full = [_soon(each, counted(each.number, noun), found, page, zone) for each in found]
    if all(sum(display_width(as_cell(part).text) for part in line) <= width for line in in_full):
        return SOON, in_full
    return f"{SOON}: {'messages' if is_known else 'journeys'}", [
        _soon(each, f"{each.number:,}", found, page, zone) for each in found
    ]


def soon_triggers(page: OverviewPage, ahead: DayAhead | None) -> list[str]:
    """The triggers of the lines of `soon`, in their order."""
    return [each.trigger for each in _coming(page, ahead)]


def _coming(page: OverviewPage, ahead: DayAhead | None) -> list[_Coming]:
    if ahead is not None and ahead.sends is not None:
        coming = [_Coming(at, name, None, number) for name, (at, number) in ahead.first.items()]
    else:
        coming = [_Coming(each.at, each.trigger, each.step, each.within_a_day) for each in page.soon]
    return sorted(coming, key=lambda each: (each.at, each.trigger))


SOON: Final = "Next within a day"


def _soon(
    each: _Coming, what: str, all_of_them: Sequence[_Coming], page: OverviewPage, zone: ZoneInfo
) -> Line:
    times = max(len(_within_a_day(one.at, page.at, zone)) for one in all_of_them)
    names = max(display_width(safe_text(one.trigger)) for one in all_of_them)
    step = "" if each.step is None else f" step {each.step},"
    return [
        Cell(f" {_within_a_day(each.at, page.at, zone):>{times}} ", "strong"),
        fit(each.trigger, names),
        Cell(f"{step} {what}", "dim"),
    ]


def _within_a_day(at: Instant, now: Instant, zone: ZoneInfo) -> str:
    """`16:50`, or `Sun 07:00` on the next day; what is late comes now."""
    then = local(max(at, now), zone)
    return f"{then:%H:%M}" if then.date() == local(now, zone).date() else f"{then:%a %H:%M}"
