"""What the listing commands print: exact JSON fields in their order, and tables that no customer's text can
break.
"""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from console.main import _commands, main
from core.instants import format_instant
from tests.console.furniture import HOSTILE, NOON, TRIGGER, furnished

FIELDS = {
    "decisions": "at customer trigger step channel outcome reason until late rules message",
    "outbox": "id key customer trigger step channel state planned_at sent_at address template subject reason",
    "customers": "customer name email phone country orders revenue last_activity next_due",
    "customers timeline u1": "at kind name source channel properties",
    "triggers": "name title kind status paused paused_until waiting sent last_fired next_due",
    "segments": "name title customers",
    "status": "state leader last_tick due overdue held failed uncertain conservation last_dispatch halted "
    "errors disk set_aside unread migrated",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnished(tmp_path_factory.mktemp("listings") / "shop")


class Asker:
    """Runs a command line on the furnished workspace."""

    def __init__(self, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.shop = shop
        self.capsys = capsys
        self.code = 0

    def text(self, *argv: str) -> str:
        self.code = main(["-w", str(self.shop), *argv])
        captured = self.capsys.readouterr()
        return captured.out + captured.err

    def json(self, *argv: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text(*argv, "--json").splitlines()]


@pytest.fixture
def ask(shop: Path, capsys: pytest.CaptureFixture[str]) -> Asker:
    return Asker(shop, capsys)


@pytest.mark.parametrize(("command", "fields"), FIELDS.items())
def test_json_has_exactly_the_fields_of_the_contract_in_their_order(
    ask: Asker, command: str, fields: str
) -> None:
    rows = ask.json(
        *command.split(),
        *(["--at", format_instant(NOON)] if command in ("triggers", "segments", "status") else []),
    )
    assert rows
    for row in rows:
        assert list(row) == fields.split()


def test_decisions_come_by_instant_then_customer_then_rank(ask: Asker) -> None:
    rows = ask.json("decisions")
    assert [(row["customer"], row["outcome"], row["message"]) for row in rows] == [
        ("u1", "send", 3),
        ("u1", "send", 1),
        ("email:eve@example.com", "suppress", None),
        ("u1", "send", 2),
        ("u1", "defer", None),
        ("u1", "send", 4),
    ]
    assert rows[0]["at"] == "2025-03-21T12:00:00Z"
    assert rows[0]["rules"] == []
    assert rows[0]["late"] is False
    assert rows[4]["until"] == "2025-03-31T12:00:00Z"
    assert list(rows[4]["rules"][0]) == ["rule", "count", "limit", "from", "to", "counted"]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--customer", "u1"], 5),
        (["--customer", "anna@example.com"], 5),
        (["--customer", "loyalty:L-77"], 5),
        (["--trigger", TRIGGER], 6),
        (["--trigger", "birthday"], 0),
        (["--outcome", "suppress"], 1),
        (["--since", format_instant(NOON)], 4),
        (["--until", format_instant(NOON)], 2),
        (["--since", "2025-03-30T14:00"], 4),  # local time of the workspace
        (["--since", format_instant(NOON), "--until", "2025-03-31T00:00:00Z"], 3),
    ],
)
def test_decisions_can_be_narrowed(ask: Asker, options: list[str], count: int) -> None:
    assert len(ask.json("decisions", *options)) == count


def test_an_unknown_outcome_is_wrong_usage_with_a_suggestion(ask: Asker) -> None:
    assert "Did you mean 'suppress'?" in ask.text("decisions", "--outcome", "supress")
    assert ask.code == 2


def test_an_unknown_customer_is_refused(ask: Asker) -> None:
    assert "There is no customer 'nobody'" in ask.text("customers", "show", "nobody")
    assert ask.code == 1


def test_customers_come_by_key_without_those_merged_away(ask: Asker) -> None:
    eve, anna = ask.json("customers")
    assert eve["customer"] == "email:eve@example.com"
    assert eve["revenue"] == 0
    assert anna == {
        "customer": "u1", "name": "Anna Müller", "email": "anna@example.com", "phone": "+41791234567",
        "country": "CH", "orders": 2,
        "revenue": 123.45, "last_activity": "2025-03-30T12:00:00Z", "next_due": "2025-03-30T13:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["anna", "Müller", "müller anna", "MÜLLER", "anna@example.com", "+4179", "L-77", "u1"]
)
def test_customers_are_found_by_any_word(ask: Asker, text: str) -> None:
    assert [row["customer"] for row in ask.json("customers", "find", text)] == ["u1"]


@pytest.mark.parametrize("text", ["%", "_", "anna eve", "zzz"])
def test_customers_are_not_found_by_wildcards(ask: Asker, text: str) -> None:
    assert ask.json("customers", "find", text) == []


def test_customers_can_be_paged(ask: Asker) -> None:
    (first,) = ask.json("customers", "--limit", "1")
    (second,) = ask.json("customers", "--limit", "1", "--after", first["customer"])
    assert second["customer"] == "u1"


def test_show_tells_all_that_is_known(ask: Asker) -> None:
    (anna,) = ask.json("customers", "show", "L-77")
    assert anna["customer"] == "u1"
    assert anna["traits"] == {"size": "M"}
    assert anna["identities"] == ["user:u1", "email:anna@example.com", "loyalty:L-77"]
    assert anna["consents"][0]["state"] == "granted"
    assert anna["under_way"][0]["trigger"] == TRIGGER
    assert anna["under_way"][0]["planned_at"] == "2025-03-30T11:00:00Z"


def test_one_merged_away_is_found_as_the_one_she_went_into(ask: Asker) -> None:
    assert ask.json("customers", "show", "merged:3")[0]["customer"] == "u1"


def test_a_timeline_runs_oldest_first_and_is_paged_from_its_end(ask: Asker) -> None:
    numbers = [row["properties"]["number"] for row in ask.json("customers", "timeline", "u1")]
    assert numbers == [1, 2, 3, 4, 5]
    latest = ask.json("customers", "timeline", "u1", "--limit", "2")
    assert [row["properties"]["number"] for row in latest] == [4, 5]
    before = ask.json("customers", "timeline", "u1", "--limit", "2", "--before", latest[0]["at"])
    assert [row["properties"]["number"] for row in before] == [2, 3]


def test_the_outbox_is_narrowed_by_state(ask: Asker) -> None:
    assert [row["id"] for row in ask.json("outbox", "--state", "held")] == [2]
    assert [row["id"] for row in ask.json("outbox", "--customer", "u1")] == [1, 2, 3, 4]
    assert "Did you mean 'held'?" in ask.text("outbox", "--state", "hled")


def test_triggers_tell_who_is_under_way_and_what_was_sent(ask: Asker) -> None:
    (row,) = [row for row in ask.json("triggers", "--at", format_instant(NOON)) if row["name"] == TRIGGER]
    assert (row["waiting"], row["sent"], row["paused"]) == (2, 1, False)
    assert row["last_fired"] == "2025-03-29T12:00:00Z"
    assert row["next_due"] == "2025-03-30T11:00:00Z"


def test_a_trigger_is_shown_with_its_journey(ask: Asker) -> None:
    (row,) = ask.json("triggers", "show", TRIGGER)
    assert row["steps"][0]["step"] == 1
    assert row["purpose"] == "marketing"
    lines = ask.text("triggers", "show", TRIGGER).splitlines()
    (first,) = [line for line in lines if line.startswith("steps")]
    assert "step 1, " in first
    assert f"template {row['steps'][0]['template']}" in first
    assert "{" not in "".join(lines)
    assert "Did you mean 'basket-reminder'?" in ask.text("triggers", "show", "basket-remindre")


def test_segments_are_counted_listed_and_tried_out(ask: Asker) -> None:
    assert ask.json("segments", "count", "country == 'CH'", "--at", format_instant(NOON)) == [
        {"expression": "country == 'CH'", "customers": 1}
    ]
    name = ask.json("segments")[0]["name"]
    assert isinstance(ask.json("segments", name), list)
    assert ask.code == 0
    assert "contry == 'CH'\n^" in ask.text("segments", "count", "contry == 'CH'")
    assert ask.code == 1
    assert ask.json(
        "segments", "count", "sum('Checkout Started', 'value', value > 10) > 1", "--at", format_instant(NOON)
    )
    assert "There is no segment 'xyzzy'" in ask.text("segments", "xyzzy")


def test_the_status_gives_numbers_and_books_that_balance(ask: Asker) -> None:
    (row,) = ask.json("status", "--at", format_instant(NOON))
    assert (row["held"], row["failed"], row["uncertain"]) == (1, 1, 0)
    books = row["conservation"]
    assert books["holds"] is True
    assert books["events"] == {"total": 5, "ignored": 5, "decided": 0, "waiting": 0}
    assert books["decisions"] == {"total": 6, "send": 4, "defer": 1, "suppress": 1, "hold": 0}
    assert books["fates"] == {
        "sent": 1,
        "suppressed": 1,
        "pending": 2,
        "failed": 1,
        "uncertain": 0,
        "deferred": 1,
    }
    assert books["messages"]["total"] == 4
    assert ask.code == 0


@pytest.mark.parametrize("command", ["customers", "customers find eve", "customers show eve@example.com"])
def test_no_text_of_a_customer_reaches_the_terminal_raw(ask: Asker, command: str) -> None:
    for printed in (ask.text(*command.split()), ask.text(*command.split(), "--json")):
        assert "Eve" in printed
        assert not set("\x1b\x07\u202e") & set(printed)
    assert json.loads(ask.text("customers", "--json").splitlines()[0])["name"] == HOSTILE


def test_a_table_without_a_terminal_cuts_nothing_and_has_no_colours(ask: Asker) -> None:
    printed = ask.text("outbox")
    assert "anna@example.com" in printed
    assert "\x1b" not in printed
    assert printed.splitlines()[0].split()[:3] == ["ID", "CUSTOMER", "TRIGGER"]


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_held_messages_are_let_go_or_taken_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], action: str
) -> None:
    ask = Asker(furnished(tmp_path / "shop"), capsys)
    capsys.readouterr()
    (done,) = ask.json("outbox", action, "2", "--reason", "looked at", "--at", format_instant(NOON))
    assert done["messages"] == 1
    assert ask.json("audit")[-1]["reason"] == "looked at"
    assert "there is no message 99" in ask.text("outbox", action, "99")
    assert ask.code == 1


LISTS = (
    "audit",
    "catalogue",
    "customers",
    "decisions",
    "imports",
    "merges",
    "outbox",
    "pauses",
    "playbooks",
    "previews",
    "segments",
    "suppressions",
    "triggers",
)


@pytest.mark.parametrize("command", LISTS)
def test_the_word_list_says_what_the_command_alone_does(ask: Asker, command: str) -> None:
    assert ask.text(command, "list") == ask.text(command)
    assert ask.code == 0
    assert ask.json(command, "list") == ask.json(command)


def test_every_command_that_lists_and_has_other_words_knows_the_word_list() -> None:
    with_words = set()
    for name, module in _commands():
        parser = argparse.ArgumentParser()
        import_module(f"console.cli.commands.{module}").add_arguments(parser)
        if parser._subparsers is not None:
            with_words.add(name)
    assert with_words
    assert with_words <= set(LISTS)


def test_options_hold_before_and_after_the_word_list(ask: Asker) -> None:
    held = ask.json("outbox", "--state", "held")
    assert held
    assert (
        ask.json("outbox", "list", "--state", "held") == ask.json("outbox", "--state", "held", "list") == held
    )
    then = ("--at", "2025-01-01T00:00:00Z")
    assert (
        ask.json("triggers", *then, "list")
        == ask.json("triggers", "list", *then)
        == ask.json("triggers", *then)
    )
    assert ask.json("customers", "list", "--limit", "1") == ask.json("customers", "--limit", "1")


def test_a_number_beside_the_word_list_is_wrong_usage(ask: Asker) -> None:
    assert "manometer playbooks show 1" in ask.text("playbooks", "list", "1")
    assert ask.code == 2


def test_the_outbox_knows_a_slip_of_the_pen_from_a_trigger_without_messages(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-w", str(shop), "outbox", "--trigger", "basket-remindre"]) == 1
    assert "There is no trigger 'basket-remindre'. Did you mean 'basket-reminder'?" in capsys.readouterr().err
    assert main(["-w", str(shop), "outbox", "--trigger", "birthday"]) == 0
    assert "No message fits." in capsys.readouterr().out
