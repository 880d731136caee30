"""Replay: recorded events played again in a workspace of their own."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from console.runs.replay import _to_files
from tests.console.lives import BASKET, SETTINGS, act, person, run, trigger, workspace

Output = pytest.CaptureFixture[str]
CALLS = [person("anna"), act("anna", "Checkout Started", "2025-03-03T10:00:00Z", value=80)]
SPAN = ("--from", "2025-03-03T00:00:00Z", "--to", "2025-03-05T00:00:00Z")


def lines(output: Output) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.readouterr().out.splitlines()]


def replayed(folder: Path, output: Output, *, span: tuple[str, ...] = SPAN) -> Path:
    assert run("-w", folder, "replay", *span, "--into", folder / "played") == 0
    output.readouterr()
    return folder / "played"


def test_a_message_is_handed_over_as_of_its_own_instant(tmp_path: Path, capsys: Output) -> None:
    into = replayed(workspace(tmp_path, CALLS), capsys)
    assert run("-w", into, "outbox", "--json") == 0
    (message,) = lines(capsys)
    assert (message["state"], message["planned_at"], message["sent_at"]) == (
        "sent",
        "2025-03-03T11:00:00Z",
        "2025-03-03T11:00:00Z",
    )
    (written,) = (into / "outbox" / "email.ndjson").read_text().splitlines()
    assert json.loads(written)["sent_at"] == "2025-03-03T11:00:00Z"


def test_the_new_workspace_stands_at_the_end_of_the_span(tmp_path: Path, capsys: Output) -> None:
    into = replayed(workspace(tmp_path, CALLS), capsys)
    assert run("-w", into, "why", "anna", "basket", "--json") == 0
    assert lines(capsys)[0]["at"] == "2025-03-05T00:00:00Z"


def test_what_happened_before_the_span_is_history_and_enrols_nobody(tmp_path: Path, capsys: Output) -> None:
    span = ("--from", "2025-03-03T10:00:00.001Z", "--to", "2025-03-05T00:00:00Z")
    into = replayed(workspace(tmp_path, CALLS), capsys, span=span)
    assert run("-w", into, "decisions", "--json") == 0
    assert lines(capsys) == []


def test_the_rhythm_of_the_passes_changes_no_row(tmp_path: Path, capsys: Output) -> None:
    folder = workspace(tmp_path, CALLS)
    found = []
    for every in ("1m", "7h"):
        assert run("-w", folder, "replay", *SPAN, "--every", every, "--into", folder / every) == 0
        capsys.readouterr()
        run("-w", folder / every, "decisions", "--json")
        found.append(capsys.readouterr().out)
    assert found[0] == found[1] != ""


def test_every_channel_becomes_a_file_and_the_database_stays_with_it(tmp_path: Path, capsys: Output) -> None:
    settings = SETTINGS.replace('name = "lives"', 'name = "lives"\ndatabase = "elsewhere.db"')
    folder = workspace(tmp_path, CALLS)
    (folder / "manometer.db").rename(folder / "elsewhere.db")
    (folder / "manometer.toml").write_text(settings)
    into = replayed(folder, capsys)
    assert "elsewhere" not in (into / "manometer.toml").read_text()
    assert (into / "manometer.db").exists()


def test_a_message_that_cannot_be_made_fails_and_gives_its_room_back(tmp_path: Path, capsys: Output) -> None:
    calls = [*CALLS, act("anna", "Product Viewed", "2025-03-03T11:30:00Z")]
    other = (
        trigger(title='"Viewed"').replace("Checkout Started", "Product Viewed").replace('"note"', '"fine"')
    )
    folder = workspace(
        tmp_path, calls, {"basket": BASKET, "viewed": other}, note="{{ 1 / customer.orders }}", fine="Hello"
    )
    into = replayed(folder, capsys)
    run("-w", into, "outbox", "--json")
    assert [(m["trigger"], m["state"], m["reason"]) for m in lines(capsys)] == [
        ("basket", "failed", "TEMPLATE_ERROR"),
        ("viewed", "sent", None),
    ]
    run("-w", into, "decisions", "--json")
    assert [(d["trigger"], d["outcome"], d["at"]) for d in lines(capsys)] == [
        ("basket", "send", "2025-03-03T11:00:00Z"),
        ("viewed", "send", "2025-03-03T12:30:00Z"),
    ]


def test_a_template_sees_the_customer_as_she_was_then(tmp_path: Path, capsys: Output) -> None:
    calls = [*CALLS, act("anna", "Order Completed", "2025-03-04T10:00:00Z", revenue=10)]
    folder = workspace(tmp_path, calls)
    (folder / "templates/note/email.txt").write_text("orders: {{ customer.orders }}")
    into = replayed(folder, capsys)
    written = json.loads((into / "outbox" / "email.ndjson").read_text())
    assert written["parts"]["email.txt"] == "orders: 0"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "2025-03-05T00:00:00Z", "--to", "2025-03-03T00:00:00Z"), "Swap"),
        (("--from", "yesterday", "--to", "2025-03-03T00:00:00Z"), "--from"),
        ((*SPAN, "--every", "often"), "--every"),
        ((*SPAN, "--every", "0m"), "--every"),
    ],
)
def test_an_impossible_span_is_refused_with_a_sentence(
    tmp_path: Path, capsys: Output, words: tuple[str, ...], said: str
) -> None:
    folder = workspace(tmp_path, CALLS)
    assert run("-w", folder, "replay", *words, "--into", folder / "played") in (1, 2)
    assert said in capsys.readouterr().err
    assert not (folder / "played").exists()


def test_an_existing_folder_is_never_written_to(tmp_path: Path, capsys: Output) -> None:
    folder = workspace(tmp_path, CALLS)
    (folder / "played").mkdir()
    assert run("-w", folder, "replay", *SPAN, "--into", folder / "played") == 1
    assert "exists already" in capsys.readouterr().err
    assert list((folder / "played").iterdir()) == []


def test_a_customer_is_found_by_her_identities_in_the_new_workspace(tmp_path: Path, capsys: Output) -> None:
    into = replayed(workspace(tmp_path, CALLS), capsys)
    assert run("-w", into, "customers", "show", "anna@example.ch", "--json") == 0
    assert lines(capsys)[0]["customer"] == "anna"


def test_a_consent_counts_from_when_it_was_given(tmp_path: Path, capsys: Output) -> None:
    granted = act("anna", "Consent Granted", "2025-03-03T10:30:00Z", purpose="marketing") | {}
    granted["properties"]["channel"] = "email"
    folder = workspace(tmp_path, [*CALLS, act("anna", "Checkout Started", "2025-03-03T09:00:00Z"), granted])
    (folder / "manometer.toml").write_text(SETTINGS.replace("assumed", "recorded"))
    into = replayed(folder, capsys)
    run("-w", into, "decisions", "--json")
    assert [(d["at"], d["outcome"], d["reason"]) for d in lines(capsys)] == [
        ("2025-03-03T10:00:00Z", "suppress", "NO_CONSENT"),
        ("2025-03-03T11:00:00Z", "send", None),
    ]


@pytest.mark.parametrize(("number", "states"), [(2, {"held"}), (3, {"sent"})])
def test_a_batch_larger_than_its_number_waits_for_approval(
    tmp_path: Path, capsys: Output, number: int, states: set[str]
) -> None:
    calls = [person(user) for user in ("a", "b", "c")] + [
        act(user, "Checkout Started", "2025-03-03T10:00:00Z") for user in ("a", "b", "c")
    ]
    into = replayed(workspace(tmp_path, calls, {"basket": trigger(approval=str(number))}), capsys)
    run("-w", into, "outbox", "--json")
    assert {row["state"] for row in lines(capsys)} == states
    run("-w", into, "decisions", "--json")
    assert {row["outcome"] for row in lines(capsys)} == {"send"}
    assert run("-w", into, "status") == 0


def test_the_settings_of_a_replay_reach_nobody_however_they_are_written() -> None:
    settings = """
channels = { "news" = { kind = "smtp", host = "h", medium = "email", send_window = ["Mon 08:00-09:00"] }, \
sms = { 'kind' = 'webhook' } }
[workspace]
name = "A \\"b\\" ü"
database = "elsewhere.db"
[unsubscribe]
url = "https://x.ch/{token}"
[sources.shop]
kind = "folder"
rates = [1, 2.50, { a = 2024-01-01 }]
"""
    made = tomllib.loads(_to_files(settings))
    news = {"kind": "file", "medium": "email", "send_window": ["Mon 08:00-09:00"]}
    assert made["channels"] == {"news": news, "sms": {"kind": "file"}}
    assert made["workspace"] == {"name": 'A "b" ü'}
    assert made["sources"] == tomllib.loads(settings)["sources"]
    assert "unsubscribe" not in made


def test_settings_that_reach_nobody_already_keep_their_comments() -> None:
    text = "# ours\n" + SETTINGS + 'send_window = ["Mon-Fri 9:00-18:00"]  # shop hours\n'
    assert _to_files(text) == text
    for more in ('path = "elsewhere"\n', '[unsubscribe]\nmail = "u@example.ch"\n'):
        assert "# ours" not in _to_files(text + more)
    assert "# ours" not in _to_files(
        text.replace('name = "lives"', 'name = "lives"\ndatabase = "/var/other.db"')
    )
