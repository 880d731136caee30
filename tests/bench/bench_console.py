"""The console in a terminal: its start against an empty Textual app, a move in the list against DataTable,
and what it sends when idle.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from time import monotonic

from tests.bench.bases import due_within, folder, opened, typical_workspace
from tests.terminal import DOWN, PAGE_DOWN, Terminal

CUSTOMERS = 1_000_000
TIMES = 5
MOVES = 40
SIZE = (160, 48)
IDLE_S = 5.0
PLAIN = {"PYTHONPATH": str(Path(__file__).parents[2]), "TEXTUAL_ANIMATIONS": "none"}

EMPTY = """
from textual.app import App
from textual.widgets import Footer, Header, Static
class Empty(App):
    def compose(self):
        yield Header()
        yield Static("Overview")
        yield Footer()
Empty().run(mouse=False)
"""
DATATABLE = """
from textual.app import App
from textual.widgets import DataTable
class Table(App):
    def compose(self):
        yield DataTable(cursor_type="row")
    def on_mount(self):
        table = self.query_one(DataTable)
        heads = "CUSTOMER", "NAME", "CITY", "ORDERS", "REVENUE", "LAST ACTIVITY", "7 DAYS", "NEXT DUE"
        table.add_columns(*heads)
        for n in range({rows}):
            name = f"c{{n}}", f"Anna Muster{{n}}", "Zuerich"
            sums = str(n % 12), f"{{n % 9999}}.00", "2026-03-01 10:00", "1", "2026-03-11 09:00"
            table.add_row(*name, *sums)
Table().run(mouse=False)
"""


def run(
    customers: int = CUSTOMERS,
    times: int = TIMES,
    place: Path | None = None,
    *,
    moves: int = MOVES,
    idle_s: float = IDLE_S,
) -> Iterator[str]:
    """The figures of one run, a line each; on the workspace at `place`, else on a generated one of that many
    customers.
    """
    if place is not None:
        yield from _run(place, customers, times, moves, idle_s)
        return
    with folder() as made:
        typical_workspace(made)
        store, _ = opened(made)
        with store:
            due_within(store, customers)
        yield from _run(made, customers, times, moves, idle_s)


def _run(place: Path, customers: int, times: int, moves: int, idle_s: float) -> Iterator[str]:
    empty = median(_first_paint([sys.executable, "-c", EMPTY], b"Overview") for _ in range(times))
    ours = median(_first_paint(_console(place), b"Overview") for _ in range(times))
    yield f"console: first paint of an empty Textual app {empty:.3f} s"
    yield (
        f"console: first paint with {customers:,} customers {ours:.3f} s, {ours / empty:.2f} times the "
        "empty app "
        "(at most 1.5 times and 0.5 s)"
    )
    yield from _moves("console", _console(place), _to_customers, moves)
    yield from _moves(
        "console: DataTable of 1,000 rows,",
        [sys.executable, "-c", DATATABLE.format(rows=1_000)],
        _settle,
        moves,
    )
    yield _idle(place, idle_s)


def _console(place: Path) -> Sequence[str]:
    return [sys.executable, "-m", "console", "-w", str(place), "console"]


def _first_paint(command: Sequence[str], pattern: bytes) -> float:
    with Terminal(command, *SIZE, environment=PLAIN) as terminal:
        return terminal.wait_for(pattern)


def _moves(
    name: str, command: Sequence[str], prepare: Callable[[Terminal], None], moves: int
) -> Iterator[str]:
    with Terminal(command, *SIZE, environment=PLAIN) as terminal:
        prepare(terminal)
        for what, key in (("row", DOWN), ("page", PAGE_DOWN)):
            replies = [terminal.press(key) for _ in range(moves)]
            last, sent = (
                median(values) for values in zip(*((1000 * reply.last, reply.bytes) for reply in replies))
            )
            yield f"{name} {what} move: {last:.0f} ms to the last byte, {sent:.0f} bytes (medians of {moves})"


def _settle(terminal: Terminal) -> None:
    terminal.wait_for(b"Muster")
    terminal.settle()


def _to_customers(terminal: Terminal) -> None:
    terminal.wait_for(b"Overview")
    terminal.settle()
    terminal.send(b"2")
    terminal.wait_for(b"REVENUE")
    terminal.settle()


def _idle(place: Path, idle_s: float) -> str:
    with Terminal(_console(place), *SIZE, environment=PLAIN) as terminal:
        _to_customers(terminal)
        terminal.settle(2)
        before, end = len(terminal.output), monotonic() + idle_s
        while monotonic() < end:
            terminal.read(end - monotonic())
        return (
            f"console: bytes in {idle_s:g} s in which nothing changes: {len(terminal.output) - before} "
            "(aim: none)"
        )


if __name__ == "__main__":
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for line in run(place=given):
        print(line, flush=True)
