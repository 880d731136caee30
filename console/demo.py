"""The furnished workspace: a shipped year of purchases at an imaginary retailer, its last days played by the engine itself.

The year is taken in as history in a place of its own and replayed from there, so what the demonstration shows is what
`manometer import --history` and `manometer replay` do.
"""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from console.channels import adapter_kinds
from console.intake import IntakeSettings, import_file, progress_bar
from console.preview import Question, in_question, preview
from console.progress import Progress
from console.replay import DATABASE, Replayed, replay
from console.why import explain_in
from console.workspace import Workspace, read_workspace
from core.errors import ManometerError
from core.instants import DAY, Instant, day_start, local_date, parse_instant
from core.playbook import Playbook
from core.preview import Cell, Totals
from storage import customers, decisions
from storage.store import Store

YEAR: Final = Path(__file__).parent / "year"
PURCHASES: Final = "year.ndjson.gz"
END: Final[Instant] = parse_instant("2025-11-01T00:00:00+01:00")
"""Where the recorded year ends and the clock of the furnished workspace stands."""
LONGEST_DAYS: Final = 365
AHEAD: Final = 14


# ---- making it ----


def furnish(into: Path, days: int, author: str, quiet: bool = False) -> tuple[Instant, Replayed]:
    """A new workspace at `into`, the last `days` local days of the year played in it: since when, and what came of it.

    ManometerError where `into` exists. What does not finish leaves nothing behind. `quiet` shows no progress.
    """
    if into.exists():
        there = shlex.quote(str(into))
        raise ManometerError(
            f"{into} exists already, and nothing was changed. Look at it with `manometer -w {there} triggers`, "
            "or make another with --into DIR."
        )
    with tempfile.TemporaryDirectory(prefix="manometer-") as made:
        past = Path(made) / "past"
        shutil.copytree(YEAR, past)
        workspace = read_workspace(past, channel_kinds=adapter_kinds())
        zone = workspace.playbook.zone
        first = day_start(local_date(END, zone) - timedelta(days=days), zone)
        with Store.create(past / DATABASE) as store:
            _take_in(store, workspace, quiet)
            with Progress("Replaying", "customers") as progress:
                done = replay(store, workspace, first, END, into, author, progress.at)
    (into / "inbox").mkdir(exist_ok=True)
    shutil.copy(YEAR / PURCHASES, into / "inbox")
    return first, done


def _take_in(store: Store, workspace: Workspace, quiet: bool) -> None:
    path = workspace.folder / PURCHASES
    settings = IntakeSettings(workspace.playbook.zone, workspace.folder / "rejects")
    with progress_bar(path, quiet=quiet) as progress:
        import_file(store, path, settings=settings, arrived_at=END, history=True, progress=progress)


# ---- looking at it ----


@dataclass(frozen=True, slots=True)
class Story:
    """One customer worth a look: what is remarkable, from when on, and the trigger to ask about."""

    customer: str
    title: str
    since: Instant
    until: Instant
    trigger: str


def _story(customer: str, title: str, since: str, until: str, trigger: str) -> Story:
    return Story(customer, title, parse_instant(f"{since}T00:00:00+02:00"), parse_instant(f"{until}T00:00:00+02:00"), trigger)


STORIES: Final = (
    _story("C1001", "a basket left online, a purchase in the store", "2025-10-16", "2025-10-17", "basket-reminder"),
    _story("C1002", "sent back before the review request fell due", "2025-10-06", "2025-10-14", "review-request"),
    _story("C1003", "wanted by four triggers in eight days", "2025-10-13", "2025-10-21", "product-interest"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a story: an act of hers, or a decision."""

    at: Instant
    is_decision: bool
    place: str
    words: str


@dataclass(frozen=True, slots=True)
class Told:
    """A story with what the workspace knows of it; `why` answers the question about its trigger."""

    story: Story
    name: str
    city: str
    lines: tuple[Line, ...]
    why: str


def happened(store: Store, playbook: Playbook) -> Totals:
    """The decisions of the whole workspace, added up."""
    totals = Totals()
    with store.reading() as connection:
        for row in decisions.listing(connection, decisions.Filter()):
            day = local_date(row["at"], playbook.zone).isoformat()
            totals.decisions += 1
            totals.cells[Cell(day, row["trigger"], row["channel"], row["outcome"], row["reason"])] += 1
    return totals


def tell(store: Store, playbook: Playbook, story: Story) -> Told:
    """A story in words."""
    with store.reading() as connection:
        customer = customers.resolve(connection, story.customer)
        known = customers.show(connection, customer)
        wanted = decisions.Filter(customer, since=story.since, until=story.until)
        lines = [_act(row) for row in customers.timeline(connection, customer, story.until, story.since)]
        lines += [_decision(row) for row in decisions.listing(connection, wanted)]
    _, found = explain_in(store, playbook, story.customer, story.trigger, END, END)
    lines.sort(key=lambda line: (line.at, line.is_decision))
    return Told(story, known["name"], known["city"], tuple(lines), found.words)


def _act(row: Any) -> Line:
    properties = orjson.loads(row["properties"])
    amount = properties.get("revenue", properties.get("value"))
    detail = properties.get("name") or ("" if amount is None else f"CHF {amount:.2f}")
    return Line(row["at"], False, row["channel"] or "", f"{row['name']}{f', {detail}' if detail else ''}")


OUTCOMES: Final = {"send": "sent", "defer": "deferred", "suppress": "not sent", "hold": "held"}


def _decision(row: Any) -> Line:
    reason = f", {row['reason']}" if row["reason"] else ""
    return Line(row["at"], True, row["channel"] or "", f"{row['trigger']}/{row['step']}: {OUTCOMES[row['outcome']]}{reason}")


def ahead(store: Store, folder: Path) -> Iterator[Totals]:
    """What the next days would bring, part by part."""
    question = Question(folder, folder / DATABASE, now=END, first=END, last=END + AHEAD * DAY)
    for part, _, _ in preview(question, store, in_question(store, question)):
        yield part.totals
