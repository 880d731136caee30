"""A channel, a segment or a customer is paused: what the commands say, who is held, and what the dispatcher
keeps back.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from console.playbooks.applied import load_in_force
from console.runs.tick import tick as pass_of
from core.instants import DAY, HOUR, MINUTE, Instant, format_instant, parse_instant
from storage.schema.decisions import decisions
from storage.schema.messages import messages
from storage.status import conservation
from storage.store import Store
from tests.console.lives import BASKET, act, person, run, workspace

NINE: Instant = parse_instant("2025-03-03T09:00:00Z")
SEGMENTS = '[segments.new]\ntitle = "New"\nwhere = "orders < 1"\n'
SCOPES = (["--channel", "email"], ["--segment", "new"], ["--customer", "u1"], ["--trigger", "basket"])


def at(hours: float) -> list[str]:
    return ["--at", format_instant(NINE + int(hours * HOUR))]


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Two people with an e-mail address; u1 leaves a basket at nine, which is due at ten."""
    folder = workspace(
        tmp_path / "shop", [person("u1", phone="+41790000001"), person("u2", phone="+41790000002")]
    )
    (folder / "segments.toml").write_text(SEGMENTS)
    run("-w", folder, "apply", "--yes", *at(-1))
    took(folder, act("u1", "Checkout Started", format_instant(NINE)), 0)
    tick(folder, 0.01)
    capsys.readouterr()
    return folder


def took(folder: Path, call: dict[str, Any], hours: float) -> None:
    """A call taken in as it happens."""
    (folder / "more.ndjson").write_text(json.dumps(call) + "\n")
    assert run("-w", folder, "import", folder / "more.ndjson", *at(hours)) == 0


def tick(folder: Path, hours: float) -> None:
    run("-w", folder, "tick", *at(hours))


def states(folder: Path) -> list[str]:
    with Store.open(folder / "manometer.db") as store, store.reading() as connection:
        return list(connection.execute(select(messages.c.state).order_by(messages.c.id)).scalars())


def books(folder: Path) -> tuple[bool, dict[str, int]]:
    """Whether they balance, and the fates that there are."""
    with Store.open(folder / "manometer.db") as store, store.reading() as connection:
        found = conservation(connection)
    return found["holds"], {fate: number for fate, number in found["fates"].items() if number}


def decided(folder: Path) -> list[tuple[str, str | None]]:
    with Store.open(folder / "manometer.db") as store, store.reading() as connection:
        found = connection.execute(select(decisions.c.outcome, decisions.c.reason).order_by(decisions.c.id))
        return [(row.outcome, row.reason) for row in found]


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope[0])
@pytest.mark.parametrize(("policy", "then"), [("overdue", "send"), ("skip", "suppress")])
def test_what_falls_due_waits_until_somebody_resumes(
    shop: Path, scope: list[str], policy: str, then: str
) -> None:
    assert run("-w", shop, "pause", *scope, "--yes", *at(0.5)) == 0
    tick(shop, 1)
    assert [outcome for outcome, _ in decided(shop)] == ["hold"]
    assert run("-w", shop, "resume", *scope, "--policy", policy, "--yes", *at(3)) == 0
    tick(shop, 3)
    assert [outcome for outcome, _ in decided(shop)] == ["hold", then]


@pytest.mark.parametrize("policy", ["overdue", "skip"])
def test_the_books_balance_while_a_pause_holds_and_after_it(shop: Path, policy: str) -> None:
    run("-w", shop, "pause", "--channel", "email", "--yes", *at(0.5))
    tick(shop, 1)
    assert books(shop) == (True, {"deferred": 1})
    run("-w", shop, "resume", "--channel", "email", "--policy", policy, "--yes", *at(3))
    tick(shop, 3)
    assert books(shop) == (True, {"deferred": 1, ("sent" if policy == "overdue" else "suppressed"): 1})


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope[0])
def test_a_message_that_is_planned_already_waits_and_goes_out_afterwards(
    shop: Path, scope: list[str]
) -> None:
    run("-w", shop, "tick", "--no-dispatch", *at(1))
    assert states(shop) == ["planned"]
    run("-w", shop, "pause", *scope, "--yes", *at(1.01))
    tick(shop, 1.02)
    assert states(shop) == ["planned"]
    assert run("-w", shop, "status", *at(1.02)) == 0
    run("-w", shop, "resume", *scope, "--yes", *at(2))
    tick(shop, 2)
    assert states(shop) == ["sent"]


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope[0])
def test_a_pause_with_an_end_ends_by_itself(shop: Path, scope: list[str]) -> None:
    run("-w", shop, "pause", *scope, "--until", format_instant(NINE + 2 * HOUR), "--yes", *at(0.5))
    for hours in (1, 1.5, 2):
        tick(shop, hours)
    assert decided(shop)[-1] == ("suppress", "TRIGGER_PAUSED" if scope[0] == "--trigger" else "STOPPED")


def test_a_pass_that_began_before_a_pause_ended_plays_whom_its_end_woke(shop: Path) -> None:
    run("-w", shop, "pause", "--channel", "email", "--yes", *at(0.5))
    tick(shop, 1)
    with Store.open(shop / "manometer.db") as store:
        before = load_in_force(store, shop).playbook
        assert run("-w", shop, "resume", "--channel", "email", "--policy", "overdue", "--yes", *at(3)) == 0
        found = [each.decision.outcome for each in pass_of(store, before, NINE + 3 * HOUR)]
    assert found == ["send"]


def test_others_are_not_held(shop: Path) -> None:
    run("-w", shop, "pause", "--customer", "u2", "--yes", *at(0.5))
    run("-w", shop, "pause", "--channel", "sms", "--yes", *at(0.5))
    tick(shop, 1)
    assert states(shop) == ["sent"]


def test_who_leaves_a_paused_segment_is_free_when_that_becomes_known(shop: Path) -> None:
    (shop / "triggers/basket.toml").write_text(
        BASKET.replace('unless = ["Order Completed"]\n[exit]\non = ["Order Completed"]\n', "")
    )
    run("-w", shop, "apply", "--yes", *at(0.1))
    run("-w", shop, "pause", "--segment", "new", "--yes", *at(0.5))
    tick(shop, 1)
    took(shop, act("u1", "Order Completed", format_instant(NINE + 2 * HOUR), revenue=10), 2)
    tick(shop, 2)
    assert [outcome for outcome, _ in decided(shop)] == ["hold", "send"]


def test_the_pause_of_a_customer_goes_with_her_into_another(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("-w", shop, "pause", "--customer", "u2", "--yes", *at(0.5))
    took(
        shop,
        {
            "type": "alias",
            "messageId": "m",
            "userId": "u1",
            "previousId": "u2",
            "timestamp": format_instant(NINE),
        },
        0.6,
    )
    tick(shop, 1)
    assert decided(shop) == [("hold", "STOPPED")]
    capsys.readouterr()
    run("-w", shop, "pauses", "--json", *at(1))
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (row["scope"], row["name"]) == ("customer", "u1")
    assert run("-w", shop, "resume", "--customer", "u2", "--policy", "overdue", "--yes", *at(2)) == 0
    tick(shop, 2)
    assert states(shop) == ["sent"]


def test_what_is_paused_is_listed_with_who_waits(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(
        "-w",
        shop,
        "pause",
        "--channel",
        "email",
        "--reason",
        "bounces",
        "--until",
        format_instant(NINE + DAY),
        "--yes",
        *at(0.5),
    )
    tick(shop, 1)
    capsys.readouterr()
    run("-w", shop, "pauses", "--json", *at(1))
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert row.pop("author")
    assert row == {
        "scope": "channel", "name": "email", "since": "2025-03-03T09:30:00Z",
        "until": "2025-03-04T09:00:00Z", "reason": "bounces",
        "transactional": False, "customers": 1, "waiting": 1, "overdue": 1, "messages": 0,
    }  # fmt: skip


def test_why_names_the_channel_that_is_paused(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("-w", shop, "pause", "--channel", "email", "--yes", *at(0.5))
    tick(shop, 1)
    capsys.readouterr()
    run("-w", shop, "why", "u1", "basket", *at(1))
    said = capsys.readouterr().out
    assert "sending was stopped (channel email paused since Mon 03 Mar 2025 09:30, by " in said
    assert "step 1 email: channel" in said


def test_the_end_of_a_pause_is_audited_with_its_policy_and_reason(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("-w", shop, "pause", "--segment", "new", "--reason", "launch", "--yes", *at(0.5))
    run("-w", shop, "resume", "--segment", "new", "--policy", "shift", "--reason", "over", "--yes", *at(2))
    capsys.readouterr()
    run("-w", shop, "audit", "--json", "--subject", "segment:new")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["action"], row["reason"], row["detail"].get("policy")) for row in rows] == [
        ("pause", "launch", None),
        ("resume", "over", "shift"),
    ]


@pytest.mark.parametrize(
    ("argv", "said", "code"),
    [
        (["pause", "--channel", "emial", "--yes"], "Did you mean 'email'?", 1),
        (["pause", "--segment", "news", "--yes"], "Did you mean 'new'?", 1),
        (["pause", "--trigger", "baskte", "--yes"], "Did you mean 'basket'?", 1),
        (["pause", "--customer", "nobody", "--yes"], "There is no customer 'nobody'", 1),
        (["pause", "--yes"], "one of the arguments --trigger --channel --segment --customer is required", 2),
        (
            ["pause", "--channel", "email"],
            "Under way in triggers that use channel email: 1 customer; planned: 0 messages.",
            1,
        ),
        (["resume", "--channel", "email", "--yes"], "channel email is not paused", 1),
        (["pause", "--channel", "email", "--until", format_instant(NINE - DAY), "--yes"], "is not after", 2),
    ],
)
def test_what_cannot_be_done_is_refused(
    shop: Path, argv: list[str], said: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-w", shop, *argv, *at(0.5)) == code
    assert said in capsys.readouterr().err


def test_a_pause_that_reaches_nobody_says_so_in_words(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-w", shop, "pause", "--customer", "u2", "--yes", *at(0.5)) == 0
    assert (
        "She is under way in no journey; nothing is planned. What falls due waits" in capsys.readouterr().out
    )
    assert run("-w", shop, "resume", "--customer", "u2", "--yes", *at(0.6)) == 0
    assert capsys.readouterr().out == "  No step waits.\ncustomer u2 goes on. No step waits.\n"


def test_a_pause_can_be_widened_to_transactional_messages_but_not_begun_twice(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-w", shop, "pause", "--channel", "email", "--yes", *at(0.5)) == 0
    assert run("-w", shop, "pause", "--channel", "email", "--yes", *at(0.6)) == 1
    assert "`manometer resume --channel email` ends that." in capsys.readouterr().err
    assert run("-w", shop, "pause", "--channel", "email", "--transactional", "--yes", *at(0.7)) == 0
    assert run("-w", shop, "pause", "--channel", "email", "--transactional", "--yes", *at(0.8)) == 1


def test_a_preview_during_a_pause_is_what_the_ticks_after_it_say(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(
        "-w", shop, "pause", "--segment", "new", "--until", format_instant(NINE + 4 * HOUR), "--yes", *at(0.5)
    )
    capsys.readouterr()
    run("-w", shop, "preview", "--csv", shop / "foreseen.csv", "--days", "1", *at(0.6))
    with (shop / "foreseen.csv").open(encoding="utf-8-sig") as file:
        foreseen = [(row["at"], row["outcome"], row["reason"]) for row in csv.DictReader(file)]
    for minutes in range(40, 300, 4):
        run("-w", shop, "tick", "--no-dispatch", "--at", format_instant(NINE + minutes * MINUTE))
    capsys.readouterr()
    run("-w", shop, "decisions", "--json")
    lived = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert foreseen == [(row["at"], row["outcome"], row["reason"]) for row in lived]
    assert len(foreseen) == 2
