"""Pausing, resuming, and the emergency stop: refusals, numbers, audit lines, and who is woken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from console.main import main
from core.instants import DAY, HOUR, Instant, format_instant
from core.model.pauses import Pause, parse_target
from storage import pauses
from storage.schema.customers import customers
from storage.store import Store
from tests.console.furniture import NOON, TRIGGER, furnished

AT = ["--at", format_instant(NOON)]
LATER = ["--at", format_instant(NOON + DAY)]


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = furnished(tmp_path / "shop")
    capsys.readouterr()
    return folder


def _run(shop: Path, *argv: str) -> int:
    return main(["-w", str(shop), *argv])


def _known(shop: Path) -> tuple[Pause, ...]:
    with Store.open(shop / "manometer.db") as store, store.reading() as connection:
        return pauses.all_of(connection)


def _next_due(shop: Path) -> dict[str, Instant | None]:
    with Store.open(shop / "manometer.db") as store, store.reading() as connection:
        return {
            row[0]: row[1] for row in connection.execute(select(customers.c.key, customers.c.next_due_at))
        }


def test_a_paused_trigger_says_so_until_it_is_resumed(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(shop, "triggers", "pause", TRIGGER, "--yes", *AT) == 0
    capsys.readouterr()
    _run(shop, "triggers", "--json", *AT)
    rows: dict[str, Any] = {row["name"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows[TRIGGER]["paused"] is True
    assert rows[TRIGGER]["paused_until"] is None
    assert rows["birthday"]["paused"] is False
    assert _run(shop, "triggers", "resume", TRIGGER, "--policy", "shift", "--yes", *LATER) == 0
    assert _known(shop) == (Pause(parse_target(TRIGGER), NOON, NOON + DAY, "shift"),)


def test_a_pause_with_an_end_says_that_nobody_enters_meanwhile(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(shop, "pause", "--trigger", "birthday", "--until", "3d", "--yes", *AT) == 0
    assert capsys.readouterr().out.endswith(" Nobody enters meanwhile.\n")
    (pause,) = _known(shop)
    assert pause.until == NOON + 3 * DAY


@pytest.mark.parametrize("until", [format_instant(NOON + DAY), "1d", "tomorrow 14:00"])
def test_a_pause_with_an_end_holds_until_then(shop: Path, until: str) -> None:
    assert _run(shop, "triggers", "pause", TRIGGER, "--until", until, "--yes", *AT) == 0
    (pause,) = _known(shop)
    assert pause.until == NOON + DAY
    assert _run(shop, "triggers", "resume", TRIGGER, "--yes", *LATER) == 1
    assert _run(shop, "triggers", "pause", TRIGGER, "--yes", *LATER) == 0


@pytest.mark.parametrize(
    ("argv", "said", "code"),
    [
        (["triggers", "pause", "basket-remindre", "--yes"], "Did you mean 'basket-reminder'?", 1),
        (["triggers", "pause", TRIGGER], "Under way in basket-reminder: 2 customers", 1),
        (["triggers", "resume", TRIGGER, "--yes"], "is not paused", 1),
        (["triggers", "resume", TRIGGER, "--policy", "hope", "--yes"], "invalid choice", 2),
        (["triggers", "pause", TRIGGER, "--until", format_instant(NOON - HOUR), "--yes"], "is not after", 2),
        (
            ["triggers", "pause", TRIGGER, "--until", "soon", "--yes"],
            "--until: 'soon' is no time. Write 18:00, tomorrow 9:00",
            2,
        ),
        (["go", "--yes"], "is not stopped", 1),
        (["stop"], "--yes", 1),
    ],
)
def test_what_cannot_be_done_is_refused(
    shop: Path, argv: list[str], said: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(shop, *argv, *AT) == code
    assert said in capsys.readouterr().err
    assert _known(shop) == ()


def test_a_pause_is_not_begun_twice(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(shop, "triggers", "pause", TRIGGER, "--yes", *AT)
    assert _run(shop, "triggers", "pause", TRIGGER, "--yes", *LATER) == 1
    assert "has been paused since Sun 30 Mar 2025 14:00 CEST" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("skip", "skip: 1 step fell due meanwhile, to be skipped; 1 more wait for their time."),
        (
            "overdue",
            "overdue: 1 step fell due meanwhile, to go out now, under pressure and expiry; 1 more wait for "
            "their time.",
        ),
        (
            "shift",
            "shift: 1 step under way, to move by 6h; 1 step fell due meanwhile, to go out now, under "
            "pressure and expiry.",
        ),
        (
            "restart",
            "restart: 1 step under way, to begin their delays anew; 1 step fell due meanwhile, to go out "
            "now, under pressure and expiry.",
        ),
    ],
)
def test_resuming_shows_the_numbers_of_its_policy_before_it_asks(
    shop: Path, policy: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(shop, "triggers", "pause", TRIGGER, "--yes", *AT)
    capsys.readouterr()
    at = ["--at", format_instant(NOON + 6 * HOUR)]
    assert _run(shop, "triggers", "resume", TRIGGER, "--policy", policy, *at) == 1
    assert said in capsys.readouterr().err
    assert _known(shop)[0].until is None


def test_customers_under_way_are_woken_no_later_than_the_act(shop: Path) -> None:
    _run(shop, "triggers", "pause", TRIGGER, "--yes", *AT)
    assert _next_due(shop) == {"u1": NOON, "email:eve@example.com": NOON, "merged:3": None}
    _run(shop, "triggers", "resume", TRIGGER, "--yes", *LATER)
    assert _next_due(shop)["u1"] == NOON  # already due earlier


def test_pausing_another_trigger_wakes_nobody(shop: Path) -> None:
    _run(shop, "triggers", "pause", "birthday", "--yes", *AT)
    assert _next_due(shop)["u1"] == NOON + HOUR


def test_the_stop_holds_everything_and_go_ends_it(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(shop, "stop", "--yes", "--reason", "wrong prices", *AT) == 0
    assert _known(shop) == (Pause(parse_target("*"), NOON),)
    assert _run(shop, "status", *AT) == 1
    assert _run(shop, "stop", "--yes", *LATER) == 1
    assert _run(shop, "stop", "--transactional", "--yes", *LATER) == 0
    assert _known(shop) == (Pause(parse_target("*"), NOON, transactional=True),)
    assert _run(shop, "go", "--policy", "overdue", "--yes", *LATER) == 0
    assert _known(shop) == (Pause(parse_target("*"), NOON, NOON + DAY, "overdue", transactional=True),)
    capsys.readouterr()
    _run(shop, "audit", "--json")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["action"], row["subject"], row["reason"]) for row in rows] == [
        ("stop", "*", "wrong prices"),
        ("stop", "*", None),
        ("go", "*", None),
    ]


def test_a_stop_works_while_the_files_have_faults(shop: Path) -> None:
    (shop / "triggers/basket-reminder.toml").write_text("not toml [")
    assert _run(shop, "stop", "--yes", *AT) == 0
    assert _run(shop, "go", "--yes", *LATER) == 0
    assert _run(shop, "decisions") == 0
