"""What `e` takes away from the lists: values with full instants and plain words, in a file that is complete
or not there.
"""

from __future__ import annotations

import csv
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from time import sleep

import pytest
from textual.pilot import Pilot

from console.reports.csv_export import harmless, write_csv, write_free
from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from core.explain.trigger_explanation import TriggerExplanation
from core.explain.why import Explanation
from core.model.outbox import ListedMessage
from screens.cells import customers, decisions, exports, outbox, timeline, triggers, why
from screens.customer import CustomerScreen
from screens.customers import CustomersScreen
from screens.decisions import DecisionsScreen
from screens.frame import Frame
from screens.outbox import OutboxScreen
from screens.ports import Cancelled
from screens.ports.customers import CustomerLine, TimelineEntry
from screens.ports.decisions import LoggedDecision
from screens.ports.service import Service
from screens.ports.triggers import TriggerLine, WaitingView
from screens.triggers import TriggersScreen
from screens.why import WhyScreen
from tests.console.lives import BASKET, act, person, run, workspace
from tests.screens.stage import Bare, Listing, settled, stage, text

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A replayed workspace: three people left their baskets and were written to, one of them has a name that
    is a formula.
    """
    calls = [
        person(name, firstName=name, email=f"{n}@example.ch")
        for n, name in enumerate(("anna", "=cmd|x", "eve"))
    ]
    calls += [act(call["userId"], "Checkout Started", "2025-03-03T10:00:00Z", value=80) for call in calls]
    calls += [
        act(
            "anna",
            "Order Completed",
            "2025-03-02T10:00:00Z",
            order_id="o1",
            total=1234.5,
            revenue=1234.5,
            currency="CHF",
        )
    ]
    place = workspace(tmp_path_factory.mktemp("taken"), calls, {"basket": BASKET})
    assert (
        run(
            "-w",
            place,
            "replay",
            "--from",
            "2025-03-03T00:00:00Z",
            "--to",
            "2025-03-03T12:30:00Z",
            "--into",
            place / "p",
        )
        == 0
    )
    return place / "p"


@pytest.fixture
def service(folder: Path) -> Iterator[LocalService]:
    service = LocalService(folder)
    yield service
    service.close()
    for file in (folder / "exports").glob("*"):
        file.unlink()


async def taken(
    service: LocalService, screen: Callable[[], Frame], *keys: str
) -> tuple[list[dict[str, str]], str]:
    """The rows of the file that `e` writes after these keys, and what was said of it."""
    app = stage(service, customers=screen)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press(*keys, "e")
        await settled(pilot)
        said = [str(notice.message) for notice in app._notifications]
    (file,) = (service.context.folder / "exports").glob("*")
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened)), said[-1]


async def test_customers_come_with_money_in_major_units_and_instants_in_full(service: LocalService) -> None:
    found, said = await taken(service, CustomersScreen)
    anna = next(row for row in found if row["key"] == "anna")
    assert (anna["name"], anna["orders"], anna["revenue_CHF"]) == ("anna", "1", "1234.50")
    assert (anna["last_activity"], anna["contacts"]) == ("2025-03-03T10:00:00Z", "1")
    eve = next(row for row in found if row["key"] == "eve")
    assert (eve["orders"], eve["revenue_CHF"]) == ("0", "0.00")
    assert "'=cmd|x" in {row["name"] for row in found}
    assert said.startswith("3 rows written to /")


async def test_a_filtered_list_is_said_to_be_one(service: LocalService) -> None:
    found, said = await taken(service, CustomersScreen, "slash", *"anna", "enter")
    assert [row["key"] for row in found] == ["anna"]
    assert said.startswith("1 row of the filter written to ")


async def test_a_timeline_narrowed_by_a_key_is_a_filtered_list_too(service: LocalService) -> None:
    found, said = await taken(service, lambda: CustomerScreen(1), "o")
    assert [(row["kind"], row["state"], row["channel"]) for row in found] == [("message", "sent", "email")]
    assert INSTANT.fullmatch(found[0]["at"])
    assert " of the filter " in said


async def test_states_are_words_and_nothing_is_nothing(service: LocalService) -> None:
    found, _ = await taken(service, OutboxScreen)
    assert {row["state"] for row in found} == {"sent"}
    assert all(
        INSTANT.fullmatch(row[name]) for row in found for name in ("planned_at", "expires_at", "sent_at")
    )
    assert {row["attempts"] for row in found} <= {"0", "1"}
    assert {row["reason"] for row in found} == {""}


async def test_decisions_have_their_codes(service: LocalService) -> None:
    found, _ = await taken(service, DecisionsScreen)
    assert {(row["outcome"], row["late"], row["until"]) for row in found} == {("send", "false", "")}
    assert all(INSTANT.fullmatch(row["at"]) for row in found)


async def test_triggers_and_verdicts_are_lists_as_well(service: LocalService) -> None:
    found, _ = await taken(service, TriggersScreen)
    assert [(row["name"], row["state"], row["waiting"], row["sent"]) for row in found] == [
        ("basket", "active", "0", "3")
    ]
    for file in (service.context.folder / "exports").glob("*"):
        file.unlink()
    found, _ = await taken(service, lambda: WhyScreen("anna"))
    assert [(row["trigger"], row["verdict"]) for row in found] == [("basket", "send")]
    assert INSTANT.fullmatch(found[0]["since"])


@pytest.mark.parametrize(
    ("taken", "of"),
    [
        (customers.EXPORTED, CustomerLine), (timeline.EXPORTED, TimelineEntry),
        (why.EXPORTED, TriggerExplanation), (triggers.EXPORTED, TriggerLine),
        (triggers.EXPORTED_WAITING, WaitingView), (decisions.EXPORTED, LoggedDecision),
        (outbox.EXPORTED, ListedMessage),
    ],
)  # fmt: skip
def test_every_field_is_one_of_the_rows_and_instants_and_money_are_told_apart(
    taken: exports.Fields, of: type
) -> None:
    owners = [of, *([Explanation] if of is TriggerExplanation else [])]
    kinds = {field.name: str(field.type) for owner in owners for field in fields(owner)}
    assert {field.name for field in taken} <= kinds.keys()
    assert all(("Instant" in kinds[field.name]) == (field.holds == "instant") for field in taken)
    assert {field.name for field in taken if field.holds == "money"} == {"revenue", "amount"} & {
        field.name for field in taken
    }


# ---- complete, or not there ----


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_whose_rows_fail_leaves_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)

    def failing() -> Iterator[list[object]]:
        yield ["a"]
        assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o640]
        raise ManometerError("gone")

    with pytest.raises(ManometerError, match="gone"):
        write_csv(tmp_path / "a.csv", ["name"], failing())
    assert left(tmp_path) == []


def test_a_file_is_for_owner_and_group_and_never_written_over(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    place = tmp_path / "a.csv"
    assert write_csv(place, ["name", "is"], [["=1+1", True], [None, 1.5]]) == 2
    assert place.read_text() == "name,is\n'=1+1,true\n,1.5\n"
    assert place.stat().st_mode & 0o777 == 0o640
    with pytest.raises(ManometerError, match="exists already"):
        write_csv(place, ["name"], [])

    def slow() -> Iterator[list[object]]:
        (tmp_path / "b.csv").write_text("of somebody else")
        yield ["x"]

    path, number = write_free([tmp_path / "b.csv", tmp_path / "b-1.csv"], ["name"], slow())
    assert (path.name, number) == ("b-1.csv", 1)
    with pytest.raises(ManometerError, match="exists already"):
        write_free([tmp_path / "b.csv"], ["name"], slow())
    assert left(tmp_path) == ["a.csv", "b-1.csv", "b.csv"]


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ManometerError, match="cannot be written: No such file or directory"):
        write_csv(tmp_path / "none" / "a.csv", ["name"], [])


@pytest.mark.parametrize(
    ("value", "shown"), [(-5, "-5"), ("-5", "'-5"), (True, "true"), (None, ""), ("\x1b[2J", "\ufffd[2J")]
)
def test_values_are_harmless_to_spreadsheets_and_terminals(value: object, shown: str) -> None:
    assert harmless(value) == shown


class Endless(Listing):
    """A list whose rows are given until somebody stops, but for the first six thousand."""

    def __init__(self) -> None:
        super().__init__(rows=10_000)
        self.begun = threading.Event()

    def fetch(
        self, service: Service, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, tuple[str, str]]:
        if len(ids) == 500 and ids[0] > 6_000:
            self.begun.set()
            while not cancelled():
                sleep(0.005)
        return super().fetch(service, ids, cancelled)


class Files:
    """Writes as the real part does, into a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def table(self, name: str, heads: Sequence[str], rows: Iterator[Sequence[object]]) -> tuple[str, int]:
        path = self.folder / f"{name}.csv"
        return str(path), write_csv(path, heads, rows)


async def begun(pilot: Pilot[None], screen: Endless) -> None:
    while not screen.begun.is_set():
        await pilot.pause(0.01)


async def test_escape_stops_an_export_and_leaves_no_file(tmp_path: Path) -> None:
    screen = Endless()
    app = stage(Bare(exports=Files(tmp_path)), customers=lambda: screen)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("e")
        await begun(pilot, screen)
        assert "writing 5,000 of 10,000 rows" in text(app)
        await pilot.press("e", "escape")
        await settled(pilot)
        assert "10,000 rows" in text(app).replace("of 10,000", "")
        said = [str(notice.message) for notice in app._notifications]
    assert said == [
        "Writing 10,000 rows. Esc stops it.", "A file is being written already. Esc stops "
                                              "it.", "Stopped: no file was written.",
    ]  # fmt: skip
    assert left(tmp_path) == []


async def test_leaving_during_an_export_leaves_no_file(tmp_path: Path) -> None:
    screen = Endless()
    app = stage(Bare(exports=Files(tmp_path)), customers=lambda: screen)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("e")
        await begun(pilot, screen)
        await pilot.press("q")
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(60)
    assert left(tmp_path) == []


async def test_an_empty_list_is_not_written(tmp_path: Path) -> None:
    app = stage(Bare(exports=Files(tmp_path)), customers=lambda: Listing(rows=0))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("e")
        await settled(pilot)
        assert [str(notice.message) for notice in app._notifications] == [
            "Nothing is listed that could be exported."
        ]
    assert left(tmp_path) == []
