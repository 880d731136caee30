"""The screen of customers that may be one person: what it lists, and what a decision does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.tui.answers.local_service import LocalService
from core.instants import parse_instant
from screens.cells.customer import head
from screens.customers import CustomersScreen
from screens.people import PeopleScreen
from screens.ports.people import ConflictLine
from storage import customers
from storage.store import Store
from tests.console.lives import going, person, run, workspace
from tests.screens.stage import Bare, settled, stage, text
from tests.screens.test_frame import ready

MAIL = "team@example.ch"


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    """Two customers who share an address."""
    folder = workspace(
        tmp_path / "shop",
        [person("ann", email=MAIL), person("bob", "2025-01-02T00:00:00Z", email=MAIL)],
    )
    service = LocalService(folder)
    yield service
    service.close()


class FakePeople:
    """Conflicts as values."""

    def conflicts(self, cancelled: object) -> list[ConflictLine]:
        return [
            ConflictLine("namespace", f"email:{MAIL}", ("ann", "[b]ob[/]"), 2, 0),
            ConflictLine("birthday", None, ("crm:1", "7"), 2, 0),
            ConflictLine("order", "order:7", ("ann", "cleo"), 2, 0),
        ]


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 48)])
async def test_conflicts_are_listed_with_what_is_shared(size: tuple[int, int]) -> None:
    app = stage(Bare(people=FakePeople()), customers=PeopleScreen)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        shown = text(app)
    assert "said by several" in shown
    assert "two birthdays" in shown
    assert "order of several" in shown
    assert "ann, [b]ob[/]" in shown


async def test_the_list_is_taken_away_as_values(local: LocalService, tmp_path: Path) -> None:
    app = stage(local, customers=PeopleScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("e")
        await settled(pilot)
    (exported,) = (tmp_path / "shop" / "exports").iterdir()
    head, line = exported.read_text(encoding="utf-8-sig").splitlines()
    assert head == "kind,identity,keys,people,since"
    told, _, since = line.rpartition(",")
    assert told == f'namespace,email:{MAIL},"ann, bob",2'
    assert since.endswith("Z")
    assert parse_instant(since) <= local.now()


@pytest.mark.parametrize(("key", "customers"), [("J", ["ann"]), ("A", ["ann", "bob"])])
async def test_a_decision_is_asked_for_and_carried_out(
    local: LocalService, key: str, customers: list[str]
) -> None:
    app = stage(local, customers=CustomersScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("J")
        await settled(pilot)
        assert "said by several" in text(app)
        await pilot.press(key)
        await settled(pilot)
        assert "Are ann and bob" in text(app)
        await pilot.press("y")
        await settled(pilot)
        assert "nothing waits for a decision" in text(app)
    hits = local.customers.ids("", "key", False, lambda: False, lambda _: None)
    rows = local.customers.rows(hits.ids, lambda: False)
    assert sorted(row.key for row in rows.values()) == customers


def test_an_address_that_another_has_said_since_is_shown_as_the_others(
    local: LocalService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store.open(tmp_path / "shop" / "manometer.db") as store, store.reading() as connection:
        ids = {who: customers.resolve(connection, who) for who in ("ann", "bob")}
    for who, is_lost in (("ann", True), ("bob", False)):
        shown = head(local.customers.profile(ids[who], going))[1]
        assert (f"{MAIL} (another's now)" in str(shown)) == is_lost
        capsys.readouterr()
        assert run("-w", tmp_path / "shop", "customers", "show", who) == 0
        assert (f"{MAIL} (another customer's" in capsys.readouterr().out) == is_lost
        assert run("-w", tmp_path / "shop", "customers", "show", who, "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["email"], told["lost"]) == (MAIL, [MAIL] if is_lost else [])
