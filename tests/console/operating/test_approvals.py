"""Messages that wait for an approval, in batches: the pressure that approving causes is told before, and is
what then comes about.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from console.clock import SIMULATED_AT
from console.tui.answers.local_service import LocalService
from core.instants import DAY, HOUR, Instant, format_instant, parse_instant
from storage.schema.messages import messages
from storage.store import Store, set_meta
from tests.console.lives import act, person, run, trigger, workspace

NINE: Instant = parse_instant("2025-03-03T09:00:00Z")
HELD = trigger(approval="true")
NEWS = (
    trigger(title='"News"')
    .replace("Checkout Started", "News Asked")
    .replace('unless = ["Order Completed"]', "")
)


def at(hours: float) -> list[str]:
    return ["--at", format_instant(NINE + int(hours * HOUR))]


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """One a day is allowed. Three baskets are held since ten; a day and an hour later u1 got news."""
    folder = workspace(
        tmp_path / "shop", [person(f"u{n}") for n in (1, 2, 3)], {"basket": HELD, "news": NEWS}
    )
    run("-w", folder, "apply", "--yes", *at(-1))
    calls = [act(f"u{n}", "Checkout Started", format_instant(NINE)) for n in (1, 2, 3)]
    calls.append(act("u1", "News Asked", format_instant(NINE + DAY + HOUR)))
    for call in calls:
        (folder / "more.ndjson").write_text(json.dumps(call) + "\n")
        run("-w", folder, "import", folder / "more.ndjson", "--at", call["timestamp"])
        run("-w", folder, "tick", "--at", call["timestamp"])
        run("-w", folder, "tick", *at(26 if call["event"] == "News Asked" else 1))
    capsys.readouterr()
    return folder


def listed(shop: Path, capsys: pytest.CaptureFixture[str], *argv: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run("-w", shop, "outbox", *argv, "--json") == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def states(shop: Path, name: str) -> list[str]:
    with Store.open(shop / "manometer.db") as store, store.reading() as connection:
        return list(
            connection.execute(
                select(messages.c.state).where(messages.c.trigger == name).order_by(messages.c.id)
            ).scalars()
        )


def test_batches_say_what_waits_until_when_and_how_many_are_then_over_their_limit(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert states(shop, "news") == ["sent"]
    assert listed(shop, capsys, "batches", *at(27)) == [
        {
            "trigger": "basket", "channel": "email", "day": "2025-03-03", "messages": 3, "customers": 3,
            "expired": 0,
            "first_planned": "2025-03-03T10:00:00Z", "first_expiry": "2025-03-06T10:00:00Z", "at_limit": 2,
            "over_limit": 1,
        }
    ]  # fmt: skip


def test_approved_in_time_a_batch_fills_what_it_had_filled_already(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = listed(shop, capsys, "batches", *at(1))
    assert (row["at_limit"], row["over_limit"]) == (3, 0)


def test_the_pressure_is_said_before_it_is_asked_and_comes_about(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-w", shop, "outbox", "approve", "--trigger", "basket", *at(27)) == 1
    said = capsys.readouterr().err
    assert (
        "basket over email, Mon 03 Mar 2025: 3 messages to 3 customers; the first expires Thu 06 Mar 2025 "
        "10:00 UTC." in said
    )
    assert "3 messages would go out later than planned and count then" in said
    assert "one-a-day, limit 1: 2 customers with 1, 1 with 2; 1 OVER the limit." in said
    assert "Most pressed: u1 2 of 1 (one-a-day)" in said
    assert states(shop, "basket") == ["held"] * 3
    assert (
        run("-w", shop, "outbox", "approve", "--trigger", "basket", "--yes", "--reason", "checked", *at(27))
        == 0
    )
    run("-w", shop, "tick", *at(27))
    assert states(shop, "basket") == ["sent"] * 3
    with Store.open(shop / "manometer.db") as store, store.reading() as connection:
        landed = (
            connection.execute(select(messages.c.lands_at).where(messages.c.trigger == "basket"))
            .scalars()
            .all()
        )
    assert set(landed) == {NINE + 27 * HOUR}
    capsys.readouterr()
    run("-w", shop, "audit", "--json")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["reason"] for row in rows if row["action"] == "outbox approve"] == ["checked"] * 3


def test_what_has_expired_is_left_out_of_a_batch_that_is_approved(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-w", shop, "outbox", "approve", "--all", "--yes", *at(80)) == 2
    assert "No message waits for an approval that fits." in capsys.readouterr().err


def test_rejecting_says_who_waits_for_the_room(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = act("u2", "News Asked", format_instant(NINE + 2 * HOUR))
    (shop / "more.ndjson").write_text(json.dumps(call) + "\n")
    run("-w", shop, "import", shop / "more.ndjson", *at(26))
    assert run("-w", shop, "outbox", "reject", "--channel", "email", "--day", "2025-03-03", *at(26)) == 1
    assert "0 customers of these have a step that waits for room" in capsys.readouterr().err
    assert run("-w", shop, "outbox", "reject", "--all", "--yes", "--reason", "typo", *at(26)) == 0
    assert states(shop, "basket") == ["cancelled"] * 3


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["approve"], "Name the messages to approve"),
        (["approve", "1", "--all"], "Name the messages to approve"),
        (["approve", "--trigger", "baskte"], "Did you mean 'basket'?"),
        (["batches", "--day", "yesterday"], "is no day. Write it as 2025-11-03."),
        (["reject", "--day", "2025-03-04"], "`manometer outbox batches` lists what waits."),
    ],
)
def test_a_choice_that_chooses_nothing_says_so(
    shop: Path, argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-w", shop, "outbox", *argv, *at(2)) == 2
    assert said in capsys.readouterr().err


def test_the_console_says_the_same_before_it_asks(shop: Path) -> None:
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        set_meta(connection, SIMULATED_AT, str(NINE + 27 * HOUR))
    service = LocalService(shop)
    try:
        with service.store.reading() as connection:
            ids = list(connection.execute(select(messages.c.id).where(messages.c.state == "held")).scalars())
        effect = service.outbox.effect("approve", ids, lambda: False)
    finally:
        service.close()
    assert "one-a-day, limit 1: 2 customers with 1, 1 with 2; 1 OVER the limit." in effect.notes
