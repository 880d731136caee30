"""Messages in cells and words: the list, one, and what is asked before an act. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.words import BECAUSE, counted, in_short, together
from core.instants import Instant
from core.model.fates import Fate, counted_fate
from core.model.outbox import ALLOWED, CLOSED, OPEN, RECENT, SENDING, Act, ActEffect, ListedMessage
from screens.cells.column import Column
from screens.cells.deed import Deed, DialogField, typed_number
from screens.cells.exports import Fields, instants, plain
from screens.cells.filters import Reader
from screens.cells.line import Cell, Cells, Line, fit
from screens.cells.moments import in_full, moment
from screens.cells.states import message_cell
from screens.ports.terms import LogFilter

COLUMNS: Final = (
    Column("state", "STATE", 12, grow=50, most=20),
    Column("planned_at", "PLANNED", 12),
    Column("trigger", "TRIGGER", 10, grow=4),
    Column("step", "STEP", 4, right=True, least=100),
    Column("channel", "OVER", 8, least=92, grow=1),
    Column("customer", "CUSTOMER", 8, grow=2),
    Column("name", "NAME", 12, least=76, grow=3),
    Column("why", "WHY", 9, grow=3),
    Column("expires_at", "EXPIRES", 12, least=132),
)
EXPORTED: Final[Fields] = (
    *plain("id", "key", "state", "customer", "name", "trigger", "step", "channel", "address", "purpose",
        "template", "subject"),
    *instants("planned_at", "expires_at", "sent_at"), *plain("reason", "error", "attempts"),
)  # fmt: skip
FIELDS: Final = ("state", "trigger", "channel", "reason")
HINT: Final = "state:held  trigger:basket  channel:email  customer:C1  since:2025-11-01  !state:sent"
CYCLE: Final = (None, "held", "failed", "uncertain", "due", "planned", "sent")
VERB: Final[Mapping[Act, str]] = {
    "approve": "Approve",
    "reject": "Reject",
    "retry": "Try again",
    "cancel": "Cancel",
}


def reader(now: Instant, zone: ZoneInfo) -> Reader:
    """Reads the filter line of the outbox."""
    return Reader(FIELDS, now, zone)


def next_state(now: str | None) -> str | None:
    """The state after this one; None is all of them."""
    return CYCLE[(CYCLE.index(now) + 1) % len(CYCLE)] if now in CYCLE else CYCLE[1]


def cells(row: ListedMessage, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One line of the list."""
    expires = moment(row.expires_at, now, zone)
    why = row.error or in_short(row.reason) or (row.subject or "")
    return (
        message_cell(row.state, row.reason, row.is_paused), moment(row.planned_at, now, zone),
        row.trigger, str(row.step),
        row.channel, row.customer, row.name,
        Cell(why, "" if row.state in ("failed", "uncertain", "held") else "dim"),
        Cell(expires, "bad" if row.state in OPEN and row.expires_at < now else ""),
    )  # fmt: skip


TOLD: Final = (Fate.WAITS_FOR_APPROVAL, Fate.FAILED, Fate.UNCERTAIN, Fate.HELD, Fate.DUE, Fate.ON_ITS_WAY)
"""What an operator may have to look at, the most urgent first."""


def chip(number: int, text: str, counts: Mapping[Fate, int], terms: LogFilter) -> str:
    """What the second line of the screen says of the list."""
    if text:
        closed = any(name == "state" and value in CLOSED for name, value in terms.only)
        of = f" of the newest {RECENT:,}" if closed and terms.customer is None else ""
        return f"/ {text} — {number:,}{of}"
    told = (
        " · ".join(counted_fate(counts[fate], fate) for fate in TOLD if counts.get(fate))
        or "nothing waits, nothing failed"
    )
    return f"{counted(number, 'message')}: {told}" if number else told


# ---- one ----


def detail(row: ListedMessage, zone: ZoneInfo) -> list[Line]:
    """Everything known of one message, without its texts."""
    pairs = (
        ("customer", f"{row.customer}  {row.name}"), ("trigger", f"{row.trigger}, step {row.step}"),
        ("together", together(row.carries)),
        ("over", row.channel), ("address", row.address or "the customer's, at hand-over"),
        ("purpose", row.purpose),
        ("template", row.template), ("planned for", in_full(row.planned_at, zone)),
        ("expires", in_full(row.expires_at, zone)),
        ("handed over", "" if row.sent_at is None else in_full(row.sent_at, zone)),
        ("subject", row.subject or ""),
        ("attempts", str(row.attempts) if row.attempts else ""),
        ("why", BECAUSE.get(row.reason or "", in_short(row.reason))),
        ("error", row.error or ""), ("key", row.key),
    )  # fmt: skip
    word = message_cell(row.state, row.reason, row.is_paused)
    lines: list[Line] = [[word, f"  message {row.id}"], []]
    lines += [[Cell(fit(name, 13), "dim"), value] for name, value in pairs if value]
    return lines


# ---- acts ----


def refusal(action: Act, row: ListedMessage | None, marked: int) -> str | None:
    """Why an act cannot do anything to the row; None where it can, or where there are marks, which are looked
    at when it is asked.
    """
    if marked:
        return None
    if row is None:
        return "there is no message under the cursor"
    if row.state in ALLOWED[action]:
        return None
    return f"message {row.id} is {row.state}; it must be {' or '.join(sorted(ALLOWED[action]))}"


def act_deed(effect: ActEffect, author: str, zone: ZoneInfo) -> Deed:
    """What is asked before an act on messages."""
    number = len(effect.ids)
    return Deed(
        title=f"{VERB[effect.action]} {counted(number, 'message')}?",
        lines=list(_act_lines(effect, zone)),
        verb=f"{VERB[effect.action]} {number:,}",
        fields=[DialogField("reason", "Why (for the audit log)", needed=effect.action == "reject")],
        typed=typed_number(number),
        author=author,
    )


def _act_lines(effect: ActEffect, zone: ZoneInfo) -> Iterator[str]:
    whom = counted(effect.customers, "customer")
    yield f"To {whom}: {_tally(effect.triggers)}; over {_tally(effect.channels)}."
    yield from _letting_go(effect, zone) if effect.action in SENDING else _ending(effect)
    yield from effect.notes
    if effect.action == "retry":
        yield (
            "Those that are uncertain may have gone out before; a channel that knows their key sends them "
            "once."
        )
    left_out = [f"{number:,} {name}" for name, number in sorted(effect.refused.items())]
    left_out += [f"{effect.too_late:,} expired"] if effect.too_late else []
    if left_out:
        yield f"Left out, since nothing can be done to them: {', '.join(left_out)}."


def _letting_go(effect: ActEffect, zone: ZoneInfo) -> Iterator[str]:
    """When they go out, and until when they can."""
    is_one = len(effect.ids) == 1
    if effect.first_planned is not None and effect.held < len(effect.ids):
        yield _going_out(is_one, effect.first_planned, effect.at, zone)
    if effect.first_expiry is not None:
        yield f"{'It' if is_one else 'The first of them'} expires {in_full(effect.first_expiry, zone)}."


def _going_out(is_one: bool, planned: Instant, at: Instant, zone: ZoneInfo) -> str:
    if is_one:
        who, channel, each = "It goes", "its", "it still lets it"
        counts = "Its contact counts already."
    else:
        who, channel, each = "They go", "their", "each still lets them"
        counts = "Their contacts count already."
    if planned <= at:
        return f"{who} out as soon as {channel} channel is open, if the last look before {each}."
    return f"{who} out from {in_full(planned, zone)}, if the last look before {each}. {counts}"


def _ending(effect: ActEffect) -> Iterator[str]:
    """What ending them for good brings about."""
    what = (
        "It will never go out, and gives its"
        if len(effect.ids) == 1
        else "They will never go out, and give their"
    )
    yield f"{what} room under the limits back. This cannot be undone."


def _tally(numbers: Mapping[str, int], most: int = 4) -> str:
    largest = sorted(numbers.items(), key=lambda each: (-each[1], each[0]))
    named = [f"{name} {number:,}" for name, number in largest[:most]]
    return ", ".join([*named, *([f"{len(largest) - most} more"] if len(largest) > most else [])])


def nothing_words(effect: ActEffect) -> str:
    """Why an act would do nothing to what was chosen."""
    reasons = [
        f"{counted(number, 'message')} {'is' if number == 1 else 'are'} {name}"
        for name, number in sorted(effect.refused.items())
    ]
    reasons += [f"{counted(effect.too_late, 'message')} expired"] if effect.too_late else []
    wanted = " or ".join(sorted(ALLOWED[effect.action]))
    found = ", ".join(reasons) or "no message"
    return f"Nothing to {VERB[effect.action].lower()}: {found}. It must be {wanted}."
