"""The screen of suppressed addresses: what it lists, what is asked before a deed, and what comes of it."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from textual.widgets import Input

from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from core.model.suppressed import SuppressedAddress
from screens.cells.suppressions import add_deed, lift_deed, listed_deed
from screens.outbox import OutboxScreen
from screens.ports.suppressions import ListEffect
from screens.suppressions import SuppressionsScreen
from screens.widgets.dialogs import Dialog
from storage import audit
from tests.console.lives import going, person, run, workspace
from tests.screens.furnished import EVIL, NOW, FakeOutbox
from tests.screens.stage import Bare, settled, stage, text
from tests.screens.test_frame import ready
from tests.screens.test_triggers import safe


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    """Two customers; the address of one has been suppressed by a file."""
    folder = workspace(
        tmp_path / "shop", [person("ann", email="ann@example.ch"), person("bob", email="bob@example.ch")]
    )
    dead = tmp_path / "dead.txt"
    dead.write_text("ann@example.ch\ngone@example.ch\n")
    assert run("-w", folder, "suppressions", "add", dead, "--reason", "old list") == 0
    service = LocalService(folder)
    yield service
    service.close()


def listed(local: LocalService, text: str = "") -> list[tuple[str, str]]:
    ids = local.suppressions.ids(text, going)
    rows = local.suppressions.rows(ids, going)
    return sorted((rows[number].address, rows[number].reason) for number in ids)


def acts(local: LocalService) -> list[tuple[object, object, object]]:
    with local.store.reading() as connection:
        return [(row["action"], row["subject"], row["reason"]) for row in audit.entries(connection)]


class FakeSuppressions:
    """Three addresses, hostile ones among them."""

    known = (
        SuppressedAddress(1, "ann@example.ch", "email", "bounce", NOW, "channel email"),
        SuppressedAddress(2, "+41791234567", "sms", "complaint", NOW, "provider"),
        SuppressedAddress(3, EVIL, "email", EVIL, NOW, EVIL),
    )

    def ids(self, text: str, cancelled: object) -> array[int]:
        return array("q", (row.id for row in self.known))

    def rows(self, ids: Sequence[int], cancelled: object) -> Mapping[int, SuppressedAddress]:
        return {row.id: row for row in self.known if row.id in ids}


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 48)])
async def test_addresses_are_listed_with_their_reason(size: tuple[int, int]) -> None:
    app = stage(Bare(suppressions=FakeSuppressions(), outbox=FakeOutbox()), outbox=OutboxScreen)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("a")
        await settled(pilot)
        shown = text(app)
        assert "ann@example.ch" in shown
        assert "complaint" in shown
        assert "3 suppressed" in shown
        assert safe(shown)


async def test_an_address_is_added_by_hand_and_lifted_again(local: LocalService) -> None:
    app = stage(local, outbox=SuppressionsScreen)
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("A")
        await settled(pilot)
        assert isinstance(app.screen, Dialog)
        app.screen.query_one("#field-address", Input).value = "Bob@Example.CH"
        await pilot.press("y")
        await settled(pilot)
        assert "this is needed" in text(app)
        app.screen.query_one("#field-reason", Input).value = "asked by phone"
        await pilot.press("y")
        await settled(pilot)
        assert ("bob@example.ch", "asked by phone") in listed(local)
        assert acts(local)[-1] == ("suppress", "bob@example.ch", "asked by phone")
        await pilot.press("slash", *"bob", "enter", "L")
        await settled(pilot)
        assert "May bob@example.ch be written to again?" in text(app)
        app.screen.query_one("#field-reason", Input).value = "it works again"
        await pilot.press("y")
        await settled(pilot)
        assert listed(local, "address:bob") == []
        assert acts(local)[-1] == ("lift", "bob@example.ch", "it works again")


async def test_what_is_no_address_is_said_in_the_dialog(local: LocalService) -> None:
    app = stage(local, outbox=SuppressionsScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("A")
        await settled(pilot)
        app.screen.query_one("#field-address", Input).value = "nobody"
        app.screen.query_one("#field-reason", Input).value = "x"
        await pilot.press("y")
        await settled(pilot)
        assert "'nobody' is neither a mail address nor a phone number." in text(app)


async def test_a_file_is_read_before_it_is_added(local: LocalService, tmp_path: Path) -> None:
    path = tmp_path / "more.csv"
    path.write_text("email\nbob@example.ch\nBOB@example.ch\nnobody\nann@example.ch\n")
    app = stage(local, outbox=SuppressionsScreen)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        await pilot.press("F")
        await settled(pilot)
        app.screen.query_one("#field-path", Input).value = str(path)
        await pilot.press("y")
        await settled(pilot)
        shown = text(app)
        assert "Suppress 2 addresses?" in shown
        assert "4 lines, 2 addresses, 2 of them belong to a customer" in shown
        assert "line 4: 'nobody' is neither" in shown
        app.screen.query_one("#field-reason", Input).value = "old list"
        await pilot.press("y")
        await settled(pilot)
        assert ("bob@example.ch", "old list") in listed(local)


async def test_a_file_that_cannot_be_read_is_said_and_nothing_is_asked(local: LocalService) -> None:
    app = stage(local, outbox=SuppressionsScreen)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        await pilot.press("F")
        await settled(pilot)
        app.screen.query_one("#field-path", Input).value = "/nowhere/dead.csv"
        await pilot.press("y")
        await settled(pilot)
        assert any("/nowhere/dead.csv: cannot be read" in str(each.message) for each in app._notifications)
        assert isinstance(app.screen, SuppressionsScreen)


async def test_a_key_leads_to_the_customer_of_the_address(local: LocalService) -> None:
    app = stage(local, outbox=SuppressionsScreen)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        await pilot.press("slash", *"ann", "enter", "enter")
        await settled(pilot)
        shown = text(app)
        assert "reported by  dead.txt" in shown
        assert "why          old list" in shown
        await pilot.press("escape", "t")
        await settled(pilot)
        await settled(pilot)
        assert "ADDRESS SUPPRESSED" in text(app).upper()
        await pilot.press("escape", "slash", "home", *"gone !", "enter", "t")
        await settled(pilot)
        assert any("No customer" in str(each.message) for each in app._notifications)


async def test_marked_addresses_are_lifted_together_and_the_list_is_exported(
    local: LocalService, tmp_path: Path
) -> None:
    app = stage(local, outbox=SuppressionsScreen)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        await pilot.press("e")
        await settled(pilot)
        (exported,) = (tmp_path / "shop" / "exports").iterdir()
        with exported.open(newline="", encoding="utf-8-sig") as file:
            assert {row["address"] for row in csv.DictReader(file)} == {"ann@example.ch", "gone@example.ch"}
        await pilot.press("asterisk", "L")
        await settled(pilot)
        app.screen.query_one("#field-reason", Input).value = "wrong file"
        await pilot.press("y")
        await settled(pilot)
        assert "No address is suppressed." in text(app)
    assert listed(local) == []


def test_a_wrong_field_is_said_beside_the_filter(local: LocalService) -> None:
    with pytest.raises(ManometerError, match="There is no field 'adress'"):
        local.suppressions.ids("adress:x", going)
    assert listed(local, "!ann reason:old") == [("gone@example.ch", "old list")]


def test_a_console_for_reading_suppresses_and_lifts_nothing(local: LocalService) -> None:
    reading = LocalService(local.context.folder, read_only=True)
    ids = reading.suppressions.ids("", going)
    with pytest.raises(ManometerError, match="Nothing was changed"):
        reading.suppressions.add("x@example.ch", "y")
    with pytest.raises(ManometerError, match="Nothing was changed"):
        reading.suppressions.lift(ids, "y")
    reading.close()
    assert len(listed(local)) == 2


def test_an_address_can_be_suppressed_at_the_instant_at_which_it_was_lifted(local: LocalService) -> None:
    local.now = lambda: NOW  # type: ignore[method-assign]
    assert local.suppressions.add("x@example.ch", "a") == "x@example.ch gets nothing any more."
    assert "again" in local.suppressions.lift(local.suppressions.ids("x@", going), "b")
    assert local.suppressions.add("x@example.ch", "a") == "x@example.ch gets nothing any more."
    assert listed(local, "x@") == [("x@example.ch", "a")]
    assert "already" in local.suppressions.add("X@example.ch", "a")


def test_many_addresses_want_their_number_typed() -> None:
    assert lift_deed(25, None, "olga").typed == "25"
    assert listed_deed(ListEffect("dead.csv", 30, 25, (), 1), "olga").typed == "25"
    assert add_deed("olga").typed is None
