"""Addresses that are not written to any more: listed, added from files, lifted; and who reported them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from console.intake.address_lists import addresses_in
from console.intake.watched_bytes import ReadingStopped
from tests.console.lives import act, person, run, trigger, workspace

Output = pytest.CaptureFixture[str]
WELCOME = """
title = "Hello"
status = "active"
purpose = "marketing"
[when]
kind = "transactional"
event = "Account Created"
[[steps]]
channels = ["email"]
template = "note"
[[steps]]
after = "1d"
only_if = "clicked"
channels = ["email"]
template = "note"
"""


def lines(output: Output) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.readouterr().out.splitlines()]


def taken(folder: Path, at: str, *calls: dict[str, Any]) -> None:
    path = folder / "calls.ndjson"
    path.write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert run("-w", folder, "import", path, "--at", at) == 0
    assert run("-w", folder, "tick", "--at", at) == 0


@pytest.fixture
def shop(tmp_path: Path, capsys: Output) -> Path:
    """Anna and Ben, and a mail to Anna on 2 January."""
    folder = workspace(tmp_path, [person("anna"), person("ben")], {"welcome": WELCOME, "basket": trigger()})
    taken(folder, "2025-01-02T10:00:00Z", act("anna", "Account Created", "2025-01-02T10:00:00Z"))
    capsys.readouterr()
    return folder


def listed(folder: Path, output: Output) -> list[tuple[str, str, str]]:
    output.readouterr()
    assert run("-w", folder, "suppressions", "--json") == 0
    return [(row["address"], row["medium"], row["reason"]) for row in lines(output)]


def test_addresses_of_a_file_are_added_and_lines_without_one_are_told(shop: Path, capsys: Output) -> None:
    path = shop / "dead.csv"
    path.write_bytes("\ufeffName;E-Mail\nAnna;Anna@Example.ch\nX;nobody\n\nBen;ben@example.ch\n".encode())
    words = ("suppressions", "add", path, "--reason", "old list", "--at", "2025-01-03T00:00:00Z")
    assert run("-w", shop, "--json", *words) == 0
    (row,) = lines(capsys)
    assert (row["read"], row["added"], row["known"], row["rejected"]) == (3, 2, 0, 1)
    reason = "'nobody' is neither a mail address nor a phone number"
    assert row["rejects"] == [{"line": 3, "reason": reason, "text": "X;nobody"}]
    assert listed(shop, capsys) == [
        ("anna@example.ch", "email", "old list"),
        ("ben@example.ch", "email", "old list"),
    ]
    assert run("-w", shop, "--json", *words) == 0
    assert [(row["added"], row["known"]) for row in lines(capsys)] == [(0, 2)]


def test_one_address_a_line_needs_no_header(shop: Path, capsys: Output) -> None:
    path = shop / "dead.txt"
    path.write_text("anna@example.ch\n+41 79 123 45 67\n")
    assert run("-w", shop, "suppressions", "add", path, "--reason", "asked", "--at", "2025-01-03") == 0
    assert sorted(medium for _, medium, _ in listed(shop, capsys)) == ["email", "sms"]


def test_a_file_in_which_no_line_is_an_address_fails(shop: Path, capsys: Output) -> None:
    path = shop / "dead.txt"
    path.write_text("who\nwhat\n")
    assert run("-w", shop, "suppressions", "add", path, "--reason", "asked") == 1
    assert "line 2: 'what' is neither" in capsys.readouterr().err


def test_a_suppressed_address_gets_nothing_until_it_is_lifted(shop: Path, capsys: Output) -> None:
    path = shop / "dead.txt"
    path.write_text("anna@example.ch\n")
    run("-w", shop, "suppressions", "add", path, "--reason", "asked", "--at", "2025-01-03T00:00:00Z")
    taken(shop, "2025-01-04T10:00:00Z", act("anna", "Account Created", "2025-01-04T10:00:00Z"))
    words = ("suppressions", "lift", "Anna@example.ch", "--reason", "wrote to us")
    assert run("-w", shop, *words, "--at", "2025-01-05T00:00:00Z") == 0
    taken(shop, "2025-01-06T10:00:00Z", act("anna", "Account Created", "2025-01-06T10:00:00Z"))
    capsys.readouterr()
    run("-w", shop, "decisions", "--json")
    found = [(row["at"][:10], row["outcome"], row["reason"]) for row in lines(capsys) if row["step"] == 1]
    assert sorted(found) == [
        ("2025-01-02", "send", None),
        ("2025-01-04", "suppress", "ADDRESS_SUPPRESSED"),
        ("2025-01-06", "send", None),
    ]
    run("-w", shop, "audit", "--json")
    told = [(row["action"], row["subject"], row["reason"]) for row in lines(capsys)]
    assert told[-2:] == [("suppress", str(path), "asked"), ("lift", "anna@example.ch", "wrote to us")]


def test_an_address_that_is_not_suppressed_is_not_lifted(shop: Path, capsys: Output) -> None:
    assert run("-w", shop, "suppressions", "lift", "x@example.ch", "--reason", "why not") == 1
    assert "not suppressed" in capsys.readouterr().err


def bounce(at: str = "2025-01-03T10:00:00Z", **said: Any) -> dict[str, Any]:
    return act("anna", "Email Bounced", at, **said)


@pytest.mark.parametrize("named", ["key", "trigger"])
def test_a_bounce_concerns_the_address_of_the_message_it_names(
    shop: Path, capsys: Output, named: str
) -> None:
    run("-w", shop, "outbox", "--state", "sent", "--json")
    (message,) = lines(capsys)
    said = {"trigger": "welcome"} if named == "trigger" else {"message_key": message["key"]}
    moved = person("anna", "2025-01-02T20:00:00Z", email="new@example.ch")
    taken(shop, "2025-01-03T10:00:00Z", moved, bounce(**said))
    assert listed(shop, capsys) == [("anna@example.ch", "email", "bounce")]


def test_a_bounce_that_names_nothing_suppresses_nothing_and_is_told(shop: Path, capsys: Output) -> None:
    taken(shop, "2025-01-03T10:00:00Z", bounce(), bounce("2025-01-03T11:00:00Z", message_key="another's"))
    assert "Email Bounced" in capsys.readouterr().out
    assert listed(shop, capsys) == []
    run("-w", shop, "status", "--json", "--at", "2025-01-03T12:00:00Z")
    (row,) = lines(capsys)
    assert [(each["kind"], each["number"]) for each in row["unread"]] == [("address", 2)]


def test_soft_bounces_suppress_after_the_limit_of_the_workspace(shop: Path, capsys: Output) -> None:
    settings = shop / "manometer.toml"
    settings.write_text(settings.read_text() + '\n[bounces]\nsoft_limit = 2\nwithin = "2d"\n')
    taken(shop, "2025-01-04T10:00:00Z", bounce(email="anna@example.ch", bounce_type="Soft Bounce"))
    assert listed(shop, capsys) == []
    later = bounce("2025-01-05T09:00:00Z", email="anna@example.ch", type="mailbox_full")
    taken(shop, "2025-01-05T10:00:00Z", later)
    assert listed(shop, capsys) == [("anna@example.ch", "email", "soft bounces")]


@pytest.mark.parametrize(
    ("said", "sent"),
    [({}, 1), ({"trigger": "welcome"}, 2), ({"message_key": "ours"}, 2), ({"email_id": "n5"}, 1)],
    ids=["bare", "trigger", "key", "another tool's"],
)
def test_only_a_click_in_our_message_is_a_reaction_to_it(
    shop: Path, capsys: Output, said: dict[str, str], sent: int
) -> None:
    run("-w", shop, "outbox", "--state", "sent", "--json")
    (message,) = lines(capsys)
    said = {"message_key": message["key"]} if "message_key" in said else said
    taken(shop, "2025-01-02T12:00:00Z", act("anna", "Email Link Clicked", "2025-01-02T12:00:00Z", **said))
    assert run("-w", shop, "tick", "--at", "2025-01-03T10:00:00Z") == 0
    capsys.readouterr()
    run("-w", shop, "decisions", "--json")
    assert len([row for row in lines(capsys) if row["outcome"] == "send"]) == sent


def test_a_compressed_file_is_read_by_lines_as_a_plain_one(shop: Path, capsys: Output) -> None:
    path = shop / "dead.csv.gz"
    path.write_bytes(
        gzip.compress("email\r\nM\xfcller\r\n\r\nanna@example.ch\r\nben@example.ch".encode("cp1252"))
    )
    assert run("-w", shop, "suppressions", "add", path, "--reason", "left", "--json") == 0
    (row,) = lines(capsys)
    assert (row["read"], row["added"]) == (3, 2)
    assert [(each["line"], each["text"]) for each in row["rejects"]] == [(2, "Müller")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            gzip.compress(bytes(65 << 20)),
            "after 64 MiB the compressed file still comes to more",
        ),
        (gzip.compress(b"a@example.ch\n")[:-4], "the compressed file is damaged"),
        ("a@example.ch\n".encode("utf-16"), "the text is UTF-16"),
        (b"PK\x03\x04" + bytes(64), "a workbook of a spreadsheet"),
    ],
    ids=["bomb", "cut", "utf-16", "workbook"],
)
def test_a_file_that_cannot_be_read_is_refused_in_words_and_changes_nothing(
    shop: Path, capsys: Output, content: bytes, told: str
) -> None:
    path = shop / "dead.gz"
    path.write_bytes(content)
    assert run("-w", shop, "suppressions", "add", path, "--reason", "left") == 1
    assert told in capsys.readouterr().err
    assert listed(shop, capsys) == []


def test_an_interrupt_ends_the_reading_of_a_list(shop: Path) -> None:
    path = shop / "dead.gz"
    path.write_bytes(gzip.compress(b"a@example.ch\n" * 100_000))
    asked = iter([False] * 3 + [True] * 9)
    with pytest.raises(ReadingStopped):
        list(addresses_in(path, lambda: next(asked)))


@pytest.mark.parametrize(
    ("line", "told"),
    [("soft_limit = 0", "from 1 to 1000"), ('within = "0d"', "is 0"), ("soft = 3", "soft_limit")],
)
def test_faults_of_the_bounces_are_named(shop: Path, capsys: Output, line: str, told: str) -> None:
    settings = shop / "manometer.toml"
    settings.write_text(settings.read_text() + f"\n[bounces]\n{line}\n")
    assert run("-w", shop, "check") == 1
    said = capsys.readouterr()
    assert told in (said.out + said.err).replace("1,000", "1000")
