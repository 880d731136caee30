"""Preview: the same decisions ahead of time."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from console.forecast.sorted_rows import SortedRows
from tests.console.lives import BASKET, act, person, run, trigger, workspace

Output = pytest.CaptureFixture[str]
CALLS = [person("anna"), act("anna", "Checkout Started", "2025-03-03T10:00:00Z", value=80)]


def lines(output: Output) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.readouterr().out.splitlines()]


@pytest.fixture
def under_way(tmp_path: Path, capsys: Output) -> Path:
    """A replayed workspace half an hour after Anna left her basket."""
    folder = workspace(tmp_path, CALLS)
    assert (
        run(
            "-w",
            folder,
            "replay",
            "--from",
            "2025-03-03T00:00:00Z",
            "--to",
            "2025-03-03T10:30:00Z",
            "--into",
            folder / "p",
        )
        == 0
    )
    capsys.readouterr()
    return folder / "p"


def test_a_preview_lists_what_falls_due(under_way: Path, capsys: Output) -> None:
    assert run("-w", under_way, "preview", "--days", "1", "--json") == 0
    (row,) = lines(capsys)
    assert (row["at"], row["customer"], row["outcome"], row["message"]) == (
        "2025-03-03T11:00:00Z",
        "anna",
        "send",
        None,
    )


def test_its_begin_is_not_included_and_its_end_is(under_way: Path, capsys: Output) -> None:
    for first, days, number in (("2025-03-03T11:00:00Z", "1", 0), ("2025-03-03T10:30:00Z", str(0.5 / 24), 1)):
        run("-w", under_way, "preview", "--from", first, "--days", days, "--json")
        assert len(lines(capsys)) == number


def test_without_json_it_says_what_it_cannot_know(under_way: Path, capsys: Output) -> None:
    run("-w", under_way, "preview")
    shown = capsys.readouterr().out
    assert "events still to come are not known" in shown
    assert "basket" in shown


def test_a_draft_is_shown_as_if_it_were_active_and_only_when_asked_for(
    tmp_path: Path, capsys: Output
) -> None:
    silent = """
title = "Silent"
purpose = "marketing"
[when]
kind = "threshold"
inactive_for = "10d"
[[steps]]
channels = ["email"]
template = "note"
"""
    folder = workspace(tmp_path, CALLS, {"basket": BASKET, "silent": silent})
    run(
        "-w",
        folder,
        "replay",
        "--from",
        "2025-03-03T00:00:00Z",
        "--to",
        "2025-03-05T00:00:00Z",
        "--into",
        folder / "p",
    )
    capsys.readouterr()
    run("-w", folder / "p", "preview", "--json")
    assert lines(capsys) == []
    run("-w", folder / "p", "preview", "--trigger", "silent")
    assert "Only those of silent are counted, in contacts and capacity too." in capsys.readouterr().out
    run("-w", folder / "p", "preview", "--trigger", "silent", "--json")
    assert [row["at"] for row in lines(capsys)] == ["2025-03-13T10:00:00Z"]


def test_another_playbook_is_previewed_from_its_folder(
    under_way: Path, tmp_path: Path, capsys: Output
) -> None:
    draft = tmp_path / "draft"
    for path in (
        "manometer.toml",
        "pressure.toml",
        "segments.toml",
        "templates/note/email.txt",
        "templates/note/sms.txt",
    ):
        (draft / path).parent.mkdir(parents=True, exist_ok=True)
        (draft / path).write_text((under_way / path).read_text())
    (draft / "triggers").mkdir()
    (draft / "triggers/basket.toml").write_text(trigger(audience="\"country == 'AT'\""))
    run("-w", under_way, "preview", "--playbook", draft, "--json")
    assert [(row["outcome"], row["reason"]) for row in lines(capsys)] == [("suppress", "LEFT_AUDIENCE")]


def test_a_past_span_is_previewed_with_its_events_or_without(tmp_path: Path, capsys: Output) -> None:
    folder = workspace(tmp_path, CALLS)
    span = ("--from", "2025-03-03T00:00:00Z", "--days", "2", "--json")
    capsys.readouterr()
    run("-w", folder, "preview", *span)
    assert lines(capsys) == []
    run("-w", folder, "preview", *span, "--future", "as-it-was")
    assert [row["at"] for row in lines(capsys)] == ["2025-03-03T11:00:00Z"]


def test_a_past_span_of_a_live_workspace_begins_with_what_was_under_way(
    under_way: Path, capsys: Output
) -> None:
    run("-w", under_way, "tick", "--at", "2025-03-03T11:02:00Z")
    capsys.readouterr()
    run("-w", under_way, "preview", "--from", "2025-03-03T10:30:00Z", "--days", "1", "--json")
    assert [row["at"] for row in lines(capsys)] == ["2025-03-03T11:00:00Z"]


def test_the_future_cannot_be_as_it_was(under_way: Path, capsys: Output) -> None:
    assert run("-w", under_way, "preview", "--future", "as-it-was") == 2
    assert "past span" in capsys.readouterr().err


def test_a_csv_has_no_cell_that_a_spreadsheet_takes_for_a_formula(tmp_path: Path, capsys: Output) -> None:
    calls = [person("=cmd|x"), act("=cmd|x", "Checkout Started", "2025-03-03T10:00:00Z")]
    folder = workspace(tmp_path, calls)
    words = (
        "preview",
        "--from",
        "2025-03-03T00:00:00Z",
        "--days",
        "2",
        "--future",
        "as-it-was",
        "--csv",
        folder / "out.csv",
    )
    assert run("-w", folder, *words) == 0
    rows = list(csv.DictReader((folder / "out.csv").read_text().splitlines()))
    assert [(row["customer"], row["at"]) for row in rows] == [("'=cmd|x", "2025-03-03T11:00:00Z")]
    assert run("-w", folder, *words) == 1
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("--days", "0"), ("--days", "-1"), ("--from", "soon"), ("--trigger", "baskte")]
)
def test_nonsense_is_refused_with_a_sentence(under_way: Path, capsys: Output, words: tuple[str, ...]) -> None:
    assert run("-w", under_way, "preview", *words) in (1, 2)
    assert capsys.readouterr().err.startswith("manometer: ")


def test_more_rows_than_memory_should_hold_come_back_in_order() -> None:
    with SortedRows(run=10) as rows:
        for number in range(95):
            rows.add([(number * 37 % 95, "c", 0, str(number * 37 % 95).encode())])
        assert [int(row) for row in rows] == list(range(95))


# ---- what waits in the outbox ----

APPROVED = """
[workspace]
name = "lives"
time_zone = "UTC"
currency = "CHF"
[consent]
policy = "assumed"
[channels.email]
kind = "file"
approval = true
[channels.sms]
kind = "file"
"""


@pytest.fixture
def waiting(tmp_path: Path, capsys: Output) -> Path:
    """A replayed workspace in which Anna's mail was decided at 11:00 and waits for an approval."""
    folder = workspace(tmp_path, CALLS)
    (folder / "manometer.toml").write_text(APPROVED)
    span = ("--from", "2025-03-03T00:00:00Z", "--to", "2025-03-03T12:00:00Z")
    assert run("-w", folder, "replay", *span, "--into", folder / "p") == 0
    capsys.readouterr()
    return folder / "p"


def previewed(folder: Path, capsys: Output, *options: str) -> list[tuple[object, ...]]:
    """The rows of a preview: instant, outcome, reason and message."""
    assert run("-w", folder, "preview", "--json", *options) == 0
    return [(row["at"], row["outcome"], row["reason"], row["message"]) for row in lines(capsys)]


def test_a_preview_lists_what_waits_in_the_outbox_at_its_begin(waiting: Path, capsys: Output) -> None:
    assert previewed(waiting, capsys) == [("2025-03-03T12:00:00Z", "hold", "APPROVAL", 1)]
    later = ("--from", "2025-03-05T00:00:00Z")
    assert previewed(waiting, capsys, *later) == [("2025-03-05T00:00:00Z", "hold", "APPROVAL", 1)]
    assert previewed(waiting, capsys, "--trigger", "basket")
    run("-w", waiting, "preview")
    assert "1 of them was decided already" in capsys.readouterr().out


def test_of_a_past_span_a_decision_taken_anew_names_the_message_that_waits_for_it(
    waiting: Path, capsys: Output
) -> None:
    past = ("--from", "2025-03-03T10:30:00Z", "--days", "1")
    assert previewed(waiting, capsys, *past) == [("2025-03-03T11:00:00Z", "hold", "APPROVAL", 1)]
    before = ("--from", "2025-03-02T10:00:00Z", "--days", "1")
    assert previewed(waiting, capsys, *before) == []  # the message is of a later day


def test_what_was_approved_goes_out_unless_something_is_paused(waiting: Path, capsys: Output) -> None:
    assert run("-w", waiting, "outbox", "approve", "1", "--yes") == 0
    capsys.readouterr()
    assert previewed(waiting, capsys) == [("2025-03-03T12:00:00Z", "send", None, 1)]
    assert run("-w", waiting, "triggers", "pause", "basket", "--yes") == 0
    capsys.readouterr()
    assert previewed(waiting, capsys) == [("2025-03-03T12:00:00Z", "hold", "TRIGGER_PAUSED", 1)]
    assert run("-w", waiting, "stop", "--yes") == 0
    assert run("-w", waiting, "triggers", "resume", "basket", "--yes") == 0
    capsys.readouterr()
    assert previewed(waiting, capsys) == [("2025-03-03T12:00:00Z", "hold", "STOPPED", 1)]


def test_diff_and_backtest_leave_it_out(waiting: Path, capsys: Output) -> None:
    assert run("-w", waiting, "diff", "--set", "rule.one-a-day.limit=5", "--json") == 0
    assert lines(capsys) == []
    assert run("-w", waiting, "preview", "--save", "kept", "--json") == 0
    assert [row["message"] for row in lines(capsys)] == [1]
    assert run("-w", waiting, "previews", "show", "kept", "--json") == 0
    assert [row["message"] for row in lines(capsys)] == [1]
    assert run("-w", waiting, "tick", "--at", "2025-03-04T12:00:00Z", "--json") == 0
    capsys.readouterr()
    assert run("-w", waiting, "drift", "kept", "--json") == 0
    assert lines(capsys) == []
