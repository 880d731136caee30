"""The newcomer's road: the shipped year, the first command, and the tutorial, each walked as it stands."""

from __future__ import annotations

import gzip
import json
import re
import shlex
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from console.channels import adapter_kinds
from console.commands.demo import COMMANDS, WIDTH
from console.demo import END, PURCHASES, STORIES, YEAR
from console.main import main
from console.workspace import read_workspace
from core.instants import parse_instant
from tests import make_year

README = Path(__file__).parents[2] / "README.md"
TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"


# ---- the shipped year ----


def test_the_shipped_year_is_what_its_script_makes() -> None:
    assert gzip.decompress((YEAR / PURCHASES).read_bytes()) == make_year.content()


def test_the_year_is_small_and_ends_where_the_clock_will_stand() -> None:
    assert (YEAR / PURCHASES).stat().st_size < 150_000
    assert parse_instant(make_year.END.isoformat()) == END
    times = [parse_instant(call["timestamp"]) for call in make_year.calls()]
    assert parse_instant(make_year.FIRST.isoformat()) <= times[0]
    assert times[-1] < END


def test_no_address_of_the_year_can_belong_to_anybody() -> None:
    addresses = set(re.findall(rb"[\w.+-]+@[\w.-]+", make_year.content()))
    assert len(addresses) == make_year.CUSTOMERS
    assert all(address.endswith(b"@muster.example") for address in addresses)


def test_the_shipped_workspace_has_no_fault_no_warning_and_all_kinds() -> None:
    workspace = read_workspace(YEAR, channel_kinds=adapter_kinds(), templates=True)
    assert workspace.warnings == ()
    assert {trigger.when.kind for trigger in workspace.playbook.triggers} == {"behavioural", "recurring", "threshold", "transactional"}


# ---- the first command ----


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "muster-mode"


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    """What the command prints; capsys lives for one test only."""
    with redirect_stdout(StringIO()) as out:
        assert main(["demo", "--into", str(folder), "--headless"]) == 0
    return out.getvalue()


def _json(capsys: pytest.CaptureFixture[str], *argv: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main([*argv, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_it_prints_fits_a_terminal_of_80_columns(folder: Path, printed: str) -> None:
    prose = [line.replace(str(folder), "muster-mode") for line in printed.splitlines()]
    assert not [line for line in prose if len(line) > WIDTH]


def test_it_tells_its_stories_with_the_answer_to_why(printed: str) -> None:
    for story in STORIES:
        assert f"({story.customer}): {story.title}." in printed
    assert printed.count("Why? (manometer why") == len(STORIES)
    assert printed.count("Not sent (") == len(STORIES)


def test_the_readme_shows_what_it_prints(printed: str) -> None:
    sample = next(block for block in README.read_text().split("```") if block.startswith("\nWhat happened"))
    assert not [line for line in sample.strip().splitlines() if line != "..." and line not in printed.splitlines()]


@pytest.mark.parametrize(
    ("customer", "trigger", "expected"),
    [
        ("C1001", "basket-reminder", ["10-16 16:48 1 suppress GOAL_REACHED"]),  # the instant of the purchase in the store, in UTC
        ("C1002", "review-request", ["10-13 09:30 1 suppress GOAL_REACHED"]),
        ("C1004", "win-back", []),
        ("C1005", "gold-customer", ["10-11 14:05 1 send"]),
        ("C1006", "tenth-purchase", ["10-23 12:30 1 send"]),
        ("C1007", "basket-reminder", ["10-20 18:45 1 suppress NO_CONSENT", "10-22 18:45 2 suppress NO_CONSENT"]),
        ("C1008", "birthday", ["10-22 13:00 1 send"]),
        ("C1009", "basket-reminder", ["10-21 16:30 1 send", "10-23 16:30 2 suppress NO_CONSENT"]),
        ("C1012", "gold-customer", ["09-20 13:20 1 send"]),
    ],
    ids=["store-purchase", "return", "store-regular", "5000", "tenth", "no-consent", "new-york", "withdrawn", "back-below"],
)
def test_the_troubles_written_by_hand_come_out_as_they_must(
    folder: Path, printed: str, customer: str, trigger: str, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = _json(capsys, "-w", str(folder), "decisions", "--customer", customer, "--trigger", trigger)
    said = [f"{row['at'][5:10]} {row['at'][11:16]} {row['step']} {row['outcome']} {row['reason'] or ''}".rstrip() for row in rows]
    assert said == expected


def test_a_dead_mail_address_makes_the_birthday_wishes_go_by_sms(folder: Path, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = _json(capsys, "-w", str(folder), "decisions", "--customer", "C1010", "--trigger", "birthday")
    assert (row["channel"], row["outcome"]) == ("sms", "send")


def test_nobody_gets_more_than_two_messages_in_seven_days(folder: Path, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    contacts: dict[str, list[int]] = {}
    for row in _json(capsys, "-w", str(folder), "decisions", "--outcome", "send"):
        contacts.setdefault(row["customer"], []).append(parse_instant(row["at"]))
    week = 7 * 24 * 3_600_000
    assert all(third - first >= week for sent in contacts.values() for first, third in zip(sorted(sent), sorted(sent)[2:]))


def test_pressure_defers_and_drops_within_the_played_days(folder: Path, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = _json(capsys, "-w", str(folder), "decisions")
    assert {"defer", "suppress"} <= {row["outcome"] for row in rows if any(rule["rule"] == "two-a-week" for rule in row["rules"])}


def test_the_books_balance_and_the_clock_stands_at_the_end(folder: Path, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    (status,) = _json(capsys, "-w", str(folder), "status")
    assert status["state"] == "healthy"
    assert status["conservation"]["holds"]
    assert parse_instant(status["last_tick"]) == END


def test_the_year_in_the_inbox_is_known_already(folder: Path, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    (result,) = _json(capsys, "-w", str(folder), "import", str(folder / "inbox"))
    assert result["taken"] == result["rejected"] == 0


def test_an_existing_folder_is_left_alone(folder: Path, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "manometer.db").read_bytes()
    assert main(["demo", "--into", str(folder)]) == 1
    assert f"manometer -w {folder} triggers" in capsys.readouterr().err
    assert (folder / "manometer.db").read_bytes() == before


def test_scripts_get_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (numbers,) = _json(capsys, "demo", "--into", str(tmp_path / "made"), "--days", "7")
    assert numbers["customers"] == make_year.CUSTOMERS
    assert (numbers["from"], numbers["to"], numbers["failed"]) == ("2025-10-24T22:00:00Z", "2025-10-31T23:00:00Z", 0)


@pytest.mark.parametrize("days", ["0", "366", "many"])
def test_days_beyond_the_year_are_wrong_usage(tmp_path: Path, days: str) -> None:
    assert main(["demo", "--into", str(tmp_path / "made"), "--days", days]) == 2
    assert not (tmp_path / "made").exists()


def test_every_command_it_suggests_works(folder: Path, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    for _, command in COMMANDS:
        assert f"-w {folder} {command}" in printed
        assert main(["-w", str(folder), *shlex.split(command)]) == 0, command


# ---- the tutorial ----

BLOCK = re.compile(r"(?:^`(?P<path>[^`\n]+)`:\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_tutorial_can_be_followed_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MANOMETER_WORKSPACE", raising=False)
    for block in BLOCK.finditer(TUTORIAL.read_text(encoding="utf-8")):
        if block["path"]:
            Path(block["path"]).parent.mkdir(parents=True, exist_ok=True)
            Path(block["path"]).write_text(block["text"], encoding="utf-8")
        elif block["language"] == "console":
            _follow(block["text"], capsys)


def _follow(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run each command; what the page shows below it must be in what it prints."""
    for part in session.split("$ ")[1:]:
        command, *shown = part.splitlines()
        capsys.readouterr()
        assert main(shlex.split(command)[1:]) == 0, command
        out = capsys.readouterr().out
        assert not [line for line in shown if line not in out], command
