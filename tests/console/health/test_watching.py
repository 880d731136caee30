"""What `status` sees although nobody has noted it: each fault makes it say so, by name."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from console import clock
from console.cli.commands import status as command
from console.dispatch import LEASE
from console.health.watching import CLAIM
from core.instants import DAY, HOUR, MINUTE, SECOND, format_instant
from storage import lateness, leases, status
from storage.schema.customers import customers
from storage.schema.messages import messages
from storage.schema.playbooks import playbooks
from storage.store import Store, set_meta
from tests.console.lives import SETTINGS, act, person, run, workspace

PEOPLE = ("anna", "ben", "cleo")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Three messages wait to be handed over since an hour ago; a scheduler ticks."""
    folder = workspace(tmp_path / "shop", [person(name) for name in PEOPLE])
    assert run("-w", folder, "tick", "--at", format_instant(clock.now() - DAY)) == 0
    take(folder, *(act(name, "Checkout Started", format_instant(clock.now() - 2 * HOUR)) for name in PEOPLE))
    assert run("-w", folder, "tick", "--no-dispatch") == 0
    with Store.open(folder / "manometer.db") as store, store.writing() as connection:
        leases.acquire(connection, "host:1:1", clock.now())
        connection.execute(update(messages).values(planned_at=clock.now() - HOUR))
    return folder


def take(folder: Path, *calls: dict[str, Any]) -> None:
    (folder / "new.ndjson").write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert run("-w", folder, "import", folder / "new.ndjson") == 0


def found(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run("-w", folder, "status", "--json", *words)
    row: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, {each["sort"]: each["what"] for each in row["findings"]}


def change(folder: Path, **values: Any) -> None:
    with Store.open(folder / "manometer.db") as store, store.writing() as connection:
        connection.execute(update(messages).values(**values))


def test_messages_that_nobody_hands_over_are_named_by_their_channel(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert found(shop, capsys) == (1, {"late": "email: 3 messages overdue"})
    change(shop, planned_at=clock.now() - MINUTE)
    assert found(shop, capsys) == (0, {})
    change(shop, planned_at=clock.now() - 3 * MINUTE)
    assert found(shop, capsys)[0] == 1


def test_a_channel_that_moves_is_late_only_once_it_does_not_keep_up(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(shop, planned_at=clock.now() - 3 * MINUTE)
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        first = connection.execute(select(messages.c.id).limit(1)).scalar_one()
        sent = update(messages).where(messages.c.id == first)
        connection.execute(sent.values(state="sent", sent_at=clock.now() - 5 * SECOND))
    assert found(shop, capsys) == (0, {})
    change(shop, planned_at=clock.now() - 16 * MINUTE)
    assert found(shop, capsys) == (1, {"late": "email: 2 messages overdue"})


def test_what_a_person_holds_is_not_late(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-w", shop, "pause", "--customer", "anna", "--yes") == 0
    assert found(shop, capsys) == (1, {"late": "email: 2 messages overdue"})
    assert run("-w", shop, "pause", "--channel", "email", "--yes") == 0
    assert found(shop, capsys) == (0, {})
    assert run("-w", shop, "resume", "--channel", "email", "--yes", "--policy", "overdue") == 0
    assert run("-w", shop, "stop", "--yes") == 0
    assert found(shop, capsys) == (1, {"stopped": "all sending is stopped"})


def test_what_waits_for_another_attempt_or_an_approval_is_not_late(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(shop, state="due", claimed_until=clock.now() + HOUR)
    assert found(shop, capsys) == (0, {})
    change(shop, state="held", claimed_until=None)
    assert found(shop, capsys) == (0, {})


def test_a_claim_that_nobody_gives_back_is_seen(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(shop, state="claimed", claimed_by="host:1:1", claimed_until=clock.now() + 14 * MINUTE)
    assert found(shop, capsys) == (0, {})
    change(shop, claimed_until=clock.now() + 13 * MINUTE)
    assert found(shop, capsys) == (
        1,
        {"claimed": "email: 3 messages claimed and neither sent nor given back"},
    )


def test_a_claim_is_as_long_as_the_dispatcher_makes_it() -> None:
    assert CLAIM == LEASE


def test_a_pass_of_the_future_is_seen(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(shop, state="held")
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        set_meta(connection, status.LAST_TICK_AT, str(clock.now() + 20 * DAY + HOUR))
    assert found(shop, capsys) == (1, {"clock": "the last tick lies 20d in the future"})


def test_a_leader_that_renews_no_more_is_seen_without_anybody_overdue(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(shop, state="held")
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        lease = leases.current(connection)
        assert lease is not None
        leases.renew(connection, lease, clock.now() - MINUTE)
        set_meta(connection, status.LAST_TICK_AT, str(clock.now() - 2 * MINUTE))
    assert found(shop, capsys) == (1, {"leader": "the scheduler ended without a word"})


def test_a_file_that_nobody_takes_is_named(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    change(shop, state="held")
    inbox = shop / "inbox"
    (inbox / "done").mkdir(parents=True)
    for name in ("day.csv", ".hidden.csv", "notes.pdf", "done/old.csv"):
        (inbox / name).touch()
    os.mkfifo(inbox / "pipe.csv")
    assert found(shop, capsys) == (0, {})
    now = clock.now()
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        lease = leases.current(connection)
        assert lease is not None
        leases.renew(connection, lease, now + 3 * MINUTE)
        set_meta(connection, status.LAST_TICK_AT, str(now + 3 * MINUTE))
    monkeypatch.setattr(clock, "now", lambda: now + 3 * MINUTE)
    assert found(shop, capsys) == (1, {"inbox": "inbox/day.csv waits"})


def test_a_source_that_is_silent_for_longer_than_it_may_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = workspace(tmp_path / "shop", [person("anna")])
    settings = SETTINGS + '[sources.till]\nsilent_after = "2h"\n[sources.web]\nsilent_after = "1d"\n'
    (shop / "manometer.toml").write_text(settings)
    (shop / "till.ndjson").write_text(json.dumps(person("ben")) + "\n")
    assert run("-w", shop, "apply", "--yes") == 0
    assert run("-w", shop, "import", shop / "till.ndjson", "--source", "till") == 0
    assert run("-w", shop, "tick") == 0
    assert found(shop, capsys) == (0, {})
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        lateness.keep_heard(connection)
        heard = json.loads(meta_of(connection, lateness.HEARD))
        heard["at"]["till"] -= 3 * HOUR
        set_meta(connection, lateness.HEARD, json.dumps(heard))
    assert found(shop, capsys) == (1, {"silent": "source till silent"})
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        connection.execute(update(playbooks).values(applied_at=clock.now() - 2 * DAY))
        heard["at"]["till"] += 3 * HOUR
        set_meta(connection, lateness.HEARD, json.dumps(heard))
    assert found(shop, capsys) == (1, {"silent": "source web never heard"})


def meta_of(connection: Any, name: str) -> str:
    from storage.store import meta

    kept = meta(connection, name)
    assert kept is not None
    return kept


def test_the_books_of_a_large_database_are_those_that_were_kept(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    change(shop, state="held")
    monkeypatch.setattr(status, "FEW_ROWS", 2)
    assert run("-w", shop, "status") == 0
    assert "`manometer status --books`" in capsys.readouterr().out
    with Store.open(shop / "manometer.db") as store:
        with store.reading() as connection:
            books = status.conservation(connection)
        with store.writing() as connection:
            status.keep_books(connection, books | {"holds": False}, 1_700_000_000_000)
    assert found(shop, capsys) == (command.EXITS["down"], {"books": "the books do not balance"})
    assert found(shop, capsys, "--books") == (0, {})


@pytest.mark.parametrize("most", [None, 2, 100])
def test_who_is_due_is_counted_the_same_by_whatever_index(tmp_path: Path, most: int | None) -> None:
    with Store.create(tmp_path / "manometer.db") as store, store.writing() as connection:
        for number in range(24):
            connection.execute(
                customers.insert().values(
                    key=f"c{number}",
                    next_due_at=(None, 5, 15)[number % 3],
                    planned_version=(1, 2)[number // 3 % 2],
                    merged_into=None,
                    erased_at=(None, None, None, 9)[number // 6],
                )
            )
        for at in (0, 10, 20):
            for version in (1, 2, 3):
                expected = sum(
                    number // 6 != 3
                    and ((1, 2)[number // 3 % 2] < version or ((None, 5, 15)[number % 3] or 99) <= at)
                    for number in range(24)
                )
                found = status.due(connection, at, version, most)
                assert found == (expected if most is None else min(most, expected)), (at, version)
