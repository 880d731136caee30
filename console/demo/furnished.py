"""The furnished workspace: an imaginary retailer whose past is drawn from a seed and whose last days were
played by the engine itself.

The past is written as files of Segment calls, taken in as history in a place of its own and replayed from
there, so what the demonstration shows is what `manometer import --history` and `manometer replay` do.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import orjson

from console.channels import adapter_kinds
from console.clock import workspace_now
from console.demo.retailer.layout import lay_out
from console.demo.retailer.past import SEED, SOURCES, write_past
from console.forecast.asked_playbook import asked_playbook
from console.forecast.preview import preview
from console.forecast.question import Question
from console.forecast.why import explain_in
from console.intake.files import import_file, intake_settings
from console.progress import Progress
from console.runs.replay import replay
from console.workspace.layout import DATABASE
from console.workspace.reading import Workspace, read_workspace
from core.errors import ManometerError
from core.forecast.preview import Totals
from core.instants import DAY, Instant, day_start, local_date, parse_instant
from core.model.counts import OutcomeCount
from core.model.fates import FATE_WORDS, Fate, fate_of
from core.model.outbox import ListedMessage
from core.playbook.playbook import Playbook
from core.sources.connector import SourceFile
from storage import customers, decisions, triggers
from storage.outbox import listing as outbox_listing
from storage.rights import made_folder, share_folder
from storage.store import Store, meta, set_meta
from storage.unfinished import unfinished_folder

PAST: Final = "past"
"""The folder of the new workspace that keeps the files its past was read from."""
END: Final[Instant] = parse_instant("2025-11-01T00:00:00+01:00")
"""Where the past ends and the clock of the furnished workspace stands: always the same, as are pictures of
it.
"""
LONGEST_DAYS: Final = 365
AHEAD: Final = 14
_MADE: Final = "demo"  # the fact under which the workspace keeps how it was made


class InterruptedMakingError(Exception):
    """The operator has interrupted it; nothing was made."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What a furnished workspace is made of; equal options give equal workspaces."""

    days: int = 90
    customers: int = 2_000
    seed: int = SEED

    def __str__(self) -> str:
        return f"{self.days} days, {self.customers:,} customers, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Furnished:
    """A furnished workspace: how it was made and what came of it."""

    release: str
    days: int
    customers: int
    seed: int
    first: Instant
    decisions: int
    messages: int
    failed: int

    @property
    def options(self) -> DemoOptions:
        """What it was made of."""
        return DemoOptions(self.days, self.customers, self.seed)


# ---- making it ----


def found(folder: Path, options: DemoOptions) -> Furnished | None:
    """The furnished workspace that is there already; None where nothing is; ManometerError where something
    else is.
    """
    if not folder.exists():
        return None
    made, there = _made(folder), shlex.quote(str(folder))
    if made is None:
        raise ManometerError(
            f"{folder} exists already and is no demonstration; nothing was changed. Make one elsewhere with "
            "`manometer demo --into DIR`."
        )
    if made.options != options or made.release != _release():
        of = f"of {made.options}" if made.options != options else f"made by release {made.release}"
        raise ManometerError(
            f"{folder} exists already, a demonstration {of}; nothing was changed. "
            f"Look at it with `manometer -w {there}`, or make another with --into DIR."
        )
    return made


def _made(folder: Path) -> Furnished | None:
    database = folder / DATABASE
    if not database.is_file():
        return None
    with Store.open(database, writer=False) as store, store.reading() as connection:
        kept = meta(connection, _MADE)
    try:
        return None if kept is None else Furnished(**orjson.loads(kept))
    except TypeError:  # another release kept other things
        return None


def furnish(into: Path, options: DemoOptions, author: str) -> Furnished:
    """A new workspace at `into`, the last days of the retailer's past played in it.

    What does not finish leaves nothing behind.
    """
    with _beside(into) as folder:
        past = folder / "source"
        lay_out(past)
        workspace = read_workspace(past, channel_kinds=adapter_kinds())
        with Store.create(past / DATABASE) as store:
            _take_in(store, workspace, options)
            done = _play(store, workspace, options, folder / "made", author)
        _complete(folder / "made", past, done)
        return done if _moved(folder / "made", into) else found(into, options) or done


def _moved(made: Path, into: Path) -> bool:
    """Whether it could be put into its place; not where somebody else has made one there meanwhile."""
    try:
        made.rename(into)
    except OSError as error:
        if into.exists():
            return False
        raise ManometerError(
            f"{into}: cannot be made: {error.strerror}. Choose a place that can be written with --into DIR."
        ) from None
    return True


@contextmanager
def _beside(into: Path) -> Iterator[Path]:
    """A folder for work under way in the same place; it is gone afterwards."""
    with ExitStack() as stack:
        try:
            into.parent.mkdir(parents=True, exist_ok=True)
            folder = stack.enter_context(unfinished_folder(into))
            share_folder(folder)
        except OSError as error:
            raise ManometerError(
                f"{into}: cannot be made: {error.strerror}. Choose a place that can be written with "
                "--into DIR."
            ) from None
        yield folder


def _take_in(store: Store, workspace: Workspace, options: DemoOptions) -> None:
    """Draw the past and read it: the customer list first, for it knows whose card the tills have seen."""
    past = workspace.folder / PAST
    with Progress("Inventing a retailer", "customers") as progress:
        calls = write_past(past, options.customers, options.days, options.seed, progress.at)
    settings = intake_settings(workspace.folder, workspace, None)
    with Progress("Taking in two years", "events") as progress:
        read = 0
        for source in SOURCES:
            file = SourceFile(past / f"{source}.ndjson.gz", source)
            result = import_file(store, file, settings=settings, arrived_at=END, history=True)
            if not result.finished:
                raise InterruptedMakingError
            read += result.read
            progress.at(read, calls)


def _play(store: Store, workspace: Workspace, options: DemoOptions, into: Path, author: str) -> Furnished:
    zone = workspace.playbook.zone
    first = day_start(local_date(END, zone) - timedelta(days=options.days), zone)
    with Progress(f"Playing {options.days} days", "customers") as progress:
        done = replay(store, workspace, first, END, into, author, progress.at)
    return Furnished(
        _release(),
        options.days,
        options.customers,
        options.seed,
        first,
        done.decisions,
        done.messages,
        done.failed,
    )


def _complete(folder: Path, source: Path, made: Furnished) -> None:
    """What a replay does not bring along: the files of the past, an inbox, and how all this was made."""
    (source / PAST).rename(folder / PAST)
    made_folder(folder / "inbox")
    with Store.open(folder / DATABASE) as store, store.writing() as connection:
        set_meta(connection, _MADE, orjson.dumps(asdict(made)).decode())


def _release() -> str:
    try:
        return version("manometer")
    except PackageNotFoundError:
        return "(not installed)"


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
    return Story(
        customer,
        title,
        parse_instant(f"{since}T00:00:00+02:00"),
        parse_instant(f"{until}T00:00:00+02:00"),
        trigger,
    )


STORIES: Final = (
    _story(
        "C1001",
        "a basket left online, a purchase in the store",
        "2025-10-16",
        "2025-10-17",
        "basket-reminder",
    ),
    _story(
        "C1002", "sent back before the review request fell due", "2025-10-06", "2025-10-14", "review-request"
    ),
    _story("C1003", "wanted by four triggers in five days", "2025-10-13", "2025-10-21", "basket-reminder"),
    _story("C1009", "a consent withdrawn between two steps", "2025-10-21", "2025-10-24", "basket-reminder"),
)
MORE: Final = (
    (
        "C1004",
        "Heidi Zürcher",
        "silent online since February, a regular at the till",
        "why C1004 reactivation",
    ),
    ("C1005", "Beat Schmid", "past CHF 5000, shop and tills together", "why C1005 chf-5000"),
    ("C1006", "Claudia Rossi", "her tenth purchase", "why C1006 tenth-purchase"),
    ("C1010", "Petra Keller", "a dead mail address, wishes by SMS", "why C1010 birthday"),
    ("C1011", "Jonas Weber", "from nobody to customer", "customers timeline C1011"),
    ("C1013", "Giulia Bernasconi", "a coupon unused, its reminder held", "outbox --customer C1013"),
    ("C1014", "Elena Frei", "more wants her next week than may", "preview --days 7"),
    ("C1015", "Martin Wyss", "three years with us, by post", "why C1015 third-anniversary"),
)
"""Other customers worth a look: key, name, what is remarkable, and the command that shows it."""


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line of a story: an act of the customer, or a decision."""

    at: Instant
    is_decision: bool
    place: str
    words: str


@dataclass(frozen=True, slots=True)
class StoryTold:
    """A story with what the workspace knows of it; `why` answers the question about its trigger."""

    story: Story
    name: str
    city: str
    lines: tuple[StoryLine, ...]
    why: str


def happened(store: Store) -> dict[str, list[OutcomeCount]]:
    """What has become of all that was decided in the workspace, by trigger."""
    with store.reading() as connection:
        names = triggers.in_force(connection)
        found = {name: triggers.outcomes(connection, name, 0) for name in names}
    return {name: counts for name, counts in found.items() if counts}


def tell(store: Store, playbook: Playbook, story: Story) -> StoryTold:
    """A story in words."""
    with store.reading() as connection:
        customer = customers.resolve(connection, story.customer)
        known = customers.show(connection, customer)
        wanted = decisions.DecisionFilter(customer, since=story.since, until=story.until)
        lines = [_act(row) for row in customers.timeline(connection, customer, story.until, story.since)]
        decided = list(decisions.listing(connection, wanted))
        ids = [row["message"] for row in decided if row["message"] is not None]
        made = {message.id: message for message in outbox_listing.rows(connection, ids)}
        lines += [_decision(row, made.get(row["message"])) for row in decided]
    _, found = explain_in(store, playbook, story.customer, story.trigger, END, END)
    lines.sort(key=lambda line: (line.at, line.is_decision))
    return StoryTold(story, known["name"], known["city"], tuple(lines), found.words)


def _act(row: Any) -> StoryLine:
    properties = orjson.loads(row["properties"])
    amount = properties.get("revenue", properties.get("value"))
    detail = properties.get("name") or ("" if amount is None else f"CHF {amount:.2f}")
    return StoryLine(
        row["at"], False, row["channel"] or "", f"{row['name']}{f', {detail}' if detail else ''}"
    )


def _decision(row: Any, message: ListedMessage | None) -> StoryLine:
    state, why = (None, None) if message is None else (message.state, message.reason)
    fate = fate_of(row["outcome"], row["reason"], state, why)
    reason = f", {row['reason']}" if row["reason"] and fate is not Fate.GOAL_REACHED else ""
    return StoryLine(
        row["at"],
        True,
        row["channel"] or "",
        f"{row['trigger']}/{row['step']}: {FATE_WORDS[fate]}{reason}",
    )


def held(store: Store) -> int:
    """Messages that wait for somebody's approval."""
    with store.reading() as connection:
        return sum(1 for _ in outbox_listing.stream(connection, outbox_listing.MessageFilter(state="held")))


def ahead(store: Store, folder: Path, playbook: Playbook) -> Iterator[Totals]:
    """What the next days would bring, part by part."""
    now = workspace_now(store, None, playbook.zone)
    question = Question(folder, folder / DATABASE, now=now, first=now, last=now + AHEAD * DAY)
    for part, _, _ in preview(question, store, asked_playbook(store, question)):
        yield part.totals
