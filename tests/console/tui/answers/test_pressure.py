"""The preview as the pressure screen asks for it."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from core.forecast.preview_filter import PreviewFilter
from screens.ports import CancelledError
from tests.console.lives import BASKET, act, going, nobody, person, played, run, trigger

Output = pytest.CaptureFixture[str]
PEOPLE = ("anna", "=cmd|x", "eve\x1b]0;owned\x07")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A replayed workspace half an hour after three people left their baskets, which two triggers want to say
    something about.
    """
    calls = [person(name, email=f"p{number}@example.ch") for number, name in enumerate(PEOPLE)] + [
        act(name, "Checkout Started", "2025-03-03T10:00:00Z", value=80) for name in PEOPLE
    ]
    return played(
        tmp_path_factory.mktemp("pressed"),
        calls,
        {"basket": BASKET, "nudge": trigger(priority="20", title='"Nudge"')},
    )


@pytest.fixture
def service(folder: Path) -> Iterator[LocalService]:
    service = LocalService(folder)
    yield service
    service.close()


def test_its_numbers_are_those_of_the_command(service: LocalService, folder: Path, capsys: Output) -> None:
    forecast = service.pressure.run(7, going, nobody)
    capsys.readouterr()
    assert run("-w", folder, "preview", "--days", "7", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    wanted = Counter((row["trigger"], row["channel"], row["outcome"], row["reason"]) for row in rows)
    found: Counter[Any] = Counter()
    for cell, number in forecast.totals.cells.items():
        found[cell.trigger, cell.channel, cell.outcome, cell.reason] += number
    assert found == wanted
    assert forecast.totals.decisions == len(rows) == 9
    ids = service.pressure.ids(forecast, PreviewFilter(), going)
    kept = service.pressure.rows(forecast, ids, going)
    assert [(kept[number].customer, kept[number].trigger) for number in ids] == [
        (row["customer"], row["trigger"]) for row in rows
    ]


def test_behind_a_rule_stand_the_decisions_it_held_back(service: LocalService) -> None:
    forecast = service.pressure.run(7, going, nobody)
    ids = service.pressure.ids(forecast, PreviewFilter(rule="one-a-day"), going)
    assert len(ids) == forecast.totals.rules["one-a-day"] == 3
    assert "rule one-a-day" in service.pressure.why(forecast, ids[0], going)


def test_the_fullest_window_of_each_customer_is_known(service: LocalService) -> None:
    totals = service.pressure.run(7, going, nobody).totals
    assert totals.fullness == {("one-a-day", 1): 3}
    assert {each.customer for each in totals.most_pressed()} == set(PEOPLE)


def test_several_processes_come_to_the_same(service: LocalService, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = service.pressure.run(7, going, nobody).totals
    monkeypatch.setattr("console.forecast.shards.LARGE", 1)
    shared = service.pressure.run(7, going, nobody).totals
    assert (shared.cells, shared.fullness, shared.held_by, shared.reached) == (
        alone.cells,
        alone.fullness,
        alone.held_by,
        alone.reached,
    )


def test_one_that_is_given_up_leaves_the_last_as_it_was(service: LocalService) -> None:
    last = service.pressure.run(3, going, nobody)
    asked = iter([False, True])
    with pytest.raises(CancelledError):
        service.pressure.run(14, lambda: next(asked, True), nobody)
    assert service.pressure.last is last
    assert len(service.pressure.ids(last, PreviewFilter(), going)) == last.totals.decisions


def test_one_that_was_replaced_can_no_longer_be_asked(service: LocalService) -> None:
    first = service.pressure.run(3, going, nobody)
    service.pressure.run(3, going, nobody)
    with pytest.raises(ManometerError, match="replaced by a newer one"):
        service.pressure.ids(first, PreviewFilter(), going)


def test_what_was_written_since_is_told(service: LocalService, folder: Path, tmp_path: Path) -> None:
    forecast = service.pressure.run(3, going, nobody)
    assert not service.pressure.since(forecast, going)
    more = tmp_path / "more.ndjson"
    more.write_text(json.dumps(act("anna", "Product Viewed", "2025-03-03T10:31:00Z")) + "\n")
    assert run("-w", folder, "import", more) == 0
    assert run("-w", folder, "triggers", "pause", "nudge", "--yes") == 0
    since = service.pressure.since(forecast, going)
    assert (since.events, since.decisions, since.acts, since.playbook) == (1, 0, 1, False)
    assert run("-w", folder, "triggers", "resume", "nudge", "--yes") == 0


def test_an_export_has_no_formula_and_is_never_written_over(service: LocalService) -> None:
    forecast = service.pressure.run(7, going, nobody)
    first, number = service.pressure.export(forecast, PreviewFilter(outcomes=("send",)), going)
    second, _ = service.pressure.export(forecast, PreviewFilter(outcomes=("send",)), going)
    rows = list(csv.DictReader(Path(first).read_text().splitlines()))
    assert number == len(rows) == 6
    assert {row["customer"] for row in rows} == {"anna", "'=cmd|x", "eve\ufffd]0;owned\ufffd"}
    assert first != second


def test_a_console_for_reading_only_previews_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.forecast.shards.LARGE", 1)
    service = LocalService(folder, read_only=True)
    assert service.pressure.run(7, going, nobody).totals.decisions == 9
    service.close()
