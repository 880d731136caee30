"""What if and the backtest as the console's service answers them, on a real workspace."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from core.forecast.preview_filter import PreviewFilter
from core.forecast.what_if import PlaybookChange, parse_change
from screens.ports import CancelledError
from screens.ports.pressure import Supposed
from storage.forecasts.saved_previews import SavedPreview
from tests.console.lives import BASKET, act, going, nobody, person, played, run, trigger

PEOPLE = ("anna", "eve", "ida")
FREED = Supposed((parse_change("rule.one-a-day.limit=2"),))
DRAFT = trigger(priority="20", title='"Nudge"', status='"draft"')


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half an hour after three people left their baskets, which two triggers want to say something about; a
    third is a draft.
    """
    calls = [person(name) for name in PEOPLE] + [
        act(name, "Checkout Started", "2025-03-03T10:00:00Z", value=80) for name in PEOPLE
    ]
    triggers = {"basket": BASKET, "nudge": trigger(priority="20", title='"Nudge"'), "draft": DRAFT}
    return played(tmp_path_factory.mktemp("supposed"), calls, triggers)


@pytest.fixture
def service(folder: Path) -> Iterator[LocalService]:
    service = LocalService(folder)
    yield service
    service.close()


def test_what_is_shown_is_what_the_command_on_the_screen_gives(
    service: LocalService, capsys: pytest.CaptureFixture[str]
) -> None:
    forecast = service.pressure.run(7, going, nobody, FREED)
    command = shlex.split(service.what_if.command(forecast))
    capsys.readouterr()
    assert command[0] == "manometer"
    assert run(*command[1:], "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert forecast.diff is not None
    assert forecast.diff.kinds() == Counter(row["change"] for row in rows)
    assert forecast.diff.customers == len({row["customer"] for row in rows}) == 3


def test_the_present_can_still_be_asked_beside_a_what_if(service: LocalService) -> None:
    present = service.pressure.run(7, going, nobody)
    supposed = service.pressure.run(7, going, nobody, FREED)
    only = service.pressure.run(7, going, nobody, Supposed(trigger="nudge"))
    for forecast in (present, supposed, only):
        assert len(service.pressure.ids(forecast, PreviewFilter(), going)) == forecast.totals.decisions
    assert supposed.diff is not None
    assert supposed.diff.before.cells == present.totals.cells
    assert supposed.diff.before.fullness == present.totals.fullness == {("one-a-day", 1): 3}
    assert supposed.totals.fullness == {("one-a-day", 2): 3}


def test_a_draft_alone_is_previewed_as_if_it_were_active(service: LocalService) -> None:
    assert not any(cell.trigger == "draft" for cell in service.pressure.run(7, going, nobody).totals.cells)
    only = service.pressure.run(7, going, nobody, Supposed(trigger="draft"))
    assert {cell.trigger for cell in only.totals.cells} <= {"draft"}
    with pytest.raises(ManometerError, match="Did you mean 'nudge'"):
        service.pressure.run(7, going, nobody, Supposed(trigger="nudgee"))


def test_whose_decisions_change_and_how_stands_side_by_side(service: LocalService) -> None:
    forecast = service.pressure.run(7, going, nobody, FREED)
    ids = service.what_if.customers(forecast, None, going)
    rows = service.what_if.customer_rows(forecast, ids, going)
    assert sorted(row.customer for row in rows.values()) == sorted(PEOPLE)
    assert service.what_if.customers(forecast, "nudge", going) == ids
    assert not service.what_if.customers(forecast, "basket", going)
    sides = service.what_if.sides(forecast, ids[0], going)
    changed = [side for side in sides if side.change is not None]
    assert {side.trigger for side in changed} == {"nudge"}
    assert any(side.before is not None and "one-a-day" in side.before.words for side in changed)
    same = next(side for side in sides if side.change is None)
    assert same.before == same.after


def test_several_processes_compare_alike(service: LocalService, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = service.pressure.run(7, going, nobody, FREED)
    monkeypatch.setattr("console.forecast.shards.LARGE", 1)
    shared = service.pressure.run(7, going, nobody, FREED)
    assert shared.diff is not None
    assert alone.diff is not None
    assert (shared.totals.cells, shared.diff.changes) == (alone.totals.cells, alone.diff.changes)


def test_an_imagined_week_is_counted_apart(service: LocalService) -> None:
    known = service.pressure.run(14, going, nobody)
    again = service.pressure.run(14, going, nobody, Supposed(future="replay"))
    assert not known.totals.imagined
    assert again.totals.imagined.total() > 0
    ids = service.pressure.ids(again, PreviewFilter(imagined=True), going)
    assert len(ids) == again.totals.imagined.total()
    assert all(row.imagined for row in service.pressure.rows(again, ids, going).values())
    changed = service.pressure.run(14, going, nobody, Supposed(FREED.changes, "replay"))
    assert changed.diff is not None
    assert changed.diff.before.imagined == again.totals.imagined


def test_every_value_offered_can_be_set_as_it_is(service: LocalService) -> None:
    options = service.what_if.options(going)
    assert {option.subject for option in options} == {"engine", "rule", "channel", "trigger"}
    assert service.what_if.fault([option.change(option.value) for option in options], going) is None


def test_a_value_that_cannot_be_is_told_in_a_sentence(service: LocalService) -> None:
    fault = service.what_if.fault([PlaybookChange("trigger", "nudge", "priority", "900")], going)
    assert fault == "trigger.nudge.priority=900: write a whole number from 0 to 100."


# ---- kept ----


@pytest.fixture
def kept(folder: Path) -> Iterator[Path]:
    """Where previews are kept, emptied afterwards."""
    yield folder / "previews"
    for path in (folder / "previews").iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("supposed", "words"),
    [
        (Supposed(), ()),
        (FREED, ("--set", "rule.one-a-day.limit=2")),
        (Supposed(trigger="nudge"), ("--trigger", "nudge")),
        (Supposed(FREED.changes, "replay"), ("--set", "rule.one-a-day.limit=2", "--future", "replay")),
    ],
)
def test_what_the_console_keeps_is_what_the_command_keeps(
    service: LocalService,
    folder: Path,
    kept: Path,
    supposed: Supposed,
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    forecast = service.pressure.run(7, going, nobody, supposed)
    assert service.pressure.taken("mine", going) is None
    path, number = service.pressure.keep(forecast, "mine", "for Monday", False, going)
    assert (path, number) == (str(kept / "mine.preview"), forecast.totals.decisions)
    assert (
        run("-w", folder, "preview", "--days", "7", "--save", "theirs", "--note", "for Monday", *words) == 0
    )
    with SavedPreview(kept, "mine") as mine, SavedPreview(kept, "theirs") as theirs:
        assert number > 0
        assert list(mine.rows()) == list(theirs.rows())
        assert mine.about == theirs.about
        assert mine.totals == theirs.totals
    capsys.readouterr()
    assert run("-w", folder, "previews", "compare", "mine", "theirs", "--json") == 0
    assert capsys.readouterr().out == ""


def test_a_name_that_is_taken_is_told_and_replaced_only_where_that_is_meant(
    service: LocalService, kept: Path
) -> None:
    plain, freed = service.pressure.run(7, going, nobody), service.pressure.run(7, going, nobody, FREED)
    service.pressure.keep(plain, "mine", None, False, going)
    said = service.pressure.taken("mine", going)
    assert said is not None
    assert f"{plain.totals.decisions} decisions" in said
    with pytest.raises(ManometerError, match="already"):
        service.pressure.keep(freed, "mine", None, False, going)
    service.pressure.keep(freed, "mine", None, True, going)
    with SavedPreview(kept, "mine") as saved:
        assert saved.about["changes"] == ["rule.one-a-day.limit=2"]


def test_one_that_is_given_up_leaves_nothing_and_one_to_be_read_only_keeps_nothing(
    service: LocalService, folder: Path, kept: Path
) -> None:
    kept.mkdir(exist_ok=True)
    with pytest.raises(CancelledError):
        service.pressure.keep(service.pressure.run(7, going, nobody), "mine", None, False, lambda: True)
    reader = LocalService(folder, read_only=True)
    with pytest.raises(ManometerError, match="--read-only"):
        reader.pressure.keep(reader.pressure.run(7, going, nobody), "mine", None, False, going)
    reader.close()
    assert list(kept.iterdir()) == []


# ---- the past ----


def test_a_backtest_gives_the_numbers_of_the_command(
    service: LocalService, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = service.backtests.run("draft", 30, going, nobody)
    capsys.readouterr()
    assert run("-w", folder, "triggers", "backtest", "draft", "--days", "30", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ids = service.backtests.ids(tried, PreviewFilter(), going)
    kept = service.backtests.rows(tried, ids, going)
    assert [(kept[number].customer, kept[number].outcome) for number in ids] == [
        (row["customer"], row["outcome"]) for row in rows
    ]
    assert tried.sums.own.decisions == len(rows)


def test_a_backtest_that_is_given_up_leaves_the_last_and_a_newer_one_replaces_it(
    service: LocalService,
) -> None:
    first = service.backtests.run("basket", 30, going, nobody)
    with pytest.raises(CancelledError):
        service.backtests.run("basket", 90, lambda: True, nobody)
    assert len(service.backtests.ids(first, PreviewFilter(), going)) == first.sums.own.decisions
    service.backtests.run("nudge", 30, going, nobody)
    with pytest.raises(ManometerError, match="replaced by a newer one"):
        service.backtests.ids(first, PreviewFilter(), going)
