"""The newcomer's road: the first command, what it makes and prints, and the tutorial, each walked as it
stands.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from console.cli.commands.demo import COMMANDS, WIDTH
from console.demo import furnished
from console.demo.furnished import END, MORE, STORIES
from console.main import main
from console.tui.app import Console
from core.instants import DAY, HOUR, parse_instant
from screens.cells.line import as_cell, fit
from screens.customer import CustomerScreen
from screens.pauses import PausesScreen
from screens.people import PeopleScreen
from screens.quarantine import QuarantineScreen
from screens.suppressions import SuppressionsScreen
from screens.trigger import TriggerScreen
from screens.widgets.keys import SCREENS
from screens.widgets.table import VirtualTable
from tests.screens.stage import settled

README = Path(__file__).parents[3] / "README.md"
TUTORIAL = Path(__file__).parents[3] / "docs" / "tutorial.md"
TRIGGERS = (
    "after-sale-tips", "basket-reminder", "birthday", "chf-5000", "coupon-reminder", "reactivation",
    "review-request", "tenth-purchase",
    "third-anniversary", "welcome-series",
)  # fmt: skip
SMALL = ("--customers", "400")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "muster-mode"


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    """What the command prints; capsys lives for one test only."""
    return _printed("demo", "--into", str(folder), *SMALL, "--headless")


def _printed(*argv: str) -> str:
    with redirect_stdout(StringIO()) as out:
        assert main(argv) == 0
    return out.getvalue()


@pytest.fixture(scope="module")
def decided(folder: Path, printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _printed("-w", str(folder), "decisions", "--json").splitlines()]


def _json(*argv: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _printed(*argv, "--json").splitlines()]


# ---- what it prints ----


def test_what_it_prints_fits_a_terminal_of_80_columns(folder: Path, printed: str) -> None:
    prose = [line.replace(str(folder), "muster-mode") for line in printed.splitlines()]
    assert not [line for line in prose if len(line) > WIDTH]


def test_it_tells_its_stories_with_the_answer_to_why(printed: str) -> None:
    for story in STORIES:
        assert f"({story.customer}): {story.title}." in printed
    assert printed.count("Why? (manometer why") == len(STORIES)
    assert printed.count("Not sent (") == len(STORIES)


def test_it_names_the_others_and_the_batch_that_waits(printed: str) -> None:
    assert not [key for key, *_ in MORE if f"  {key}  " not in printed]
    assert "waits for somebody's approval" in printed


def test_the_stories_in_the_readme_are_what_it_prints(printed: str) -> None:
    told = _sample()[_sample().index(next(line for line in _sample() if line.startswith("Sofie"))) :]
    assert not [line for line in told if line != "..." and line not in printed.splitlines()]


@pytest.mark.slow
def test_the_whole_readme_sample_is_what_it_prints_by_default(tmp_path: Path) -> None:
    printed = _printed("demo", "--into", str(tmp_path / "muster-mode"), "--headless").splitlines()
    assert not [line for line in _sample() if line != "..." and line not in printed]


def _sample() -> list[str]:
    block = next(
        block
        for block in README.read_text(encoding="utf-8").split("```")
        if block.startswith("\nWhat happened")
    )
    return block.strip().splitlines()


@pytest.mark.parametrize("command", [command for _, command in COMMANDS] + [command for *_, command in MORE])
def test_every_command_it_suggests_works(folder: Path, printed: str, command: str, tmp_path: Path) -> None:
    there = folder
    if command.startswith("tick"):  # it plays on, so not on what the other tests look at
        there = shutil.copytree(folder, tmp_path / "copy")
    assert _printed("-w", str(there), *shlex.split(command))


# ---- what the engine made of it ----


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_every_trigger_has_fired_and_sent(decided: list[dict[str, Any]], trigger: str) -> None:
    sent = {row["customer"] for row in decided if row["trigger"] == trigger and row["outcome"] == "send"}
    assert len(sent) >= 2


@pytest.mark.parametrize(
    ("customer", "trigger", "expected"),
    [
        ("C1001", "basket-reminder", ["10-16 16:48 1 email suppress "
                                      "GOAL_REACHED"]),  # the instant of the purchase in the store, in UTC
        ("C1002", "review-request", ["10-13 09:30 1 email suppress GOAL_REACHED"]),
        ("C1003", "birthday", ["10-16 07:00 1 email send"]),
        (
            "C1003",
            "basket-reminder",
            ["10-13 11:05 1 email send", "10-15 11:05 2 email defer "
                                         "LOWER_PRIORITY", "10-16 07:00 2 email suppress EXPIRED"],
        ),
        ("C1003", "coupon-reminder", ["10-17 08:00 1 email defer PRESSURE", "10-20 05:00 1 email send"]),
        ("C1004", "reactivation", []),
        ("C1006", "tenth-purchase", ["10-23 12:30 1 email send"]),
        ("C1007", "basket-reminder", ["10-20 18:45 1 email suppress "
                                      "NO_CONSENT", "10-22 18:45 2 email suppress NO_CONSENT"]),
        ("C1008", "birthday", ["10-22 13:00 1 email send"]),
        ("C1009", "basket-reminder", ["10-21 16:30 1 email send", "10-23 16:30 2 email suppress NO_CONSENT"]),
        ("C1010", "birthday", ["10-24 07:00 1 sms send"]),
        ("C1011", "welcome-series", ["10-25 08:31 1 email send", "10-28 08:31 2 email send"]),
        ("C1013", "coupon-reminder", ["10-31 08:00 1 email send"]),
        ("C1014", "basket-reminder", ["10-31 22:40 1 email defer QUIET_HOURS"]),
        ("C1015", "third-anniversary", ["10-28 09:00 1 print send"]),
    ],
    ids=[
        "store-purchase", "return", "pressed", "gives-way", "waits-for-room", "store-regular", "tenth",
        "no-consent", "new-york",
        "withdrawn", "dead-address", "welcome", "unused-coupon", "busy-week", "by-post",
    ],
)  # fmt: skip
def test_each_named_customer_comes_out_as_told(
    decided: list[dict[str, Any]], customer: str, trigger: str, expected: list[str]
) -> None:
    rows = [row for row in decided if (row["customer"], row["trigger"]) == (customer, trigger)]
    said = [
        f"{row['at'][5:10]} {row['at'][11:16]} {row['step']} {row['channel']} {row['outcome']} "
        f"{row['reason'] or ''}"
        for row in rows
    ]
    assert [line.rstrip() for line in said] == expected


@pytest.mark.parametrize("customer", ["C1005", "C1012"])
def test_five_thousand_francs_are_greeted_once_by_mail_and_by_post(
    decided: list[dict[str, Any]], customer: str
) -> None:
    rows = [
        row
        for row in decided
        if (row["customer"], row["trigger"], row["outcome"]) == (customer, "chf-5000", "send")
    ]
    assert [row["channel"] for row in rows] == ["email", "print"]


def test_four_triggers_want_the_same_customer_within_five_days(decided: list[dict[str, Any]]) -> None:
    since, until = parse_instant("2025-10-13T00:00:00+02:00"), parse_instant("2025-10-18T00:00:00+02:00")
    wanted = {
        row["trigger"]
        for row in decided
        if row["customer"] == "C1003" and since <= parse_instant(row["at"]) < until
    }
    assert wanted == {"basket-reminder", "birthday", "review-request", "coupon-reminder"}


def test_pressure_defers_and_holds_back_by_more_than_one_rule(decided: list[dict[str, Any]]) -> None:
    held_back = Counter(rule["rule"] for row in decided if row["outcome"] != "send" for rule in row["rules"])
    assert {"two-mails-a-week", "gap"} <= held_back.keys()
    assert {"defer", "suppress"} <= {row["outcome"] for row in decided if row["rules"]}


def test_marketing_leaves_a_day_and_a_half_of_peace(decided: list[dict[str, Any]]) -> None:
    contacts: dict[str, set[int]] = {}
    for row in decided:
        if row["outcome"] == "send" and row["trigger"] != "after-sale-tips" and row["channel"] != "print":
            contacts.setdefault(row["customer"], set()).add(parse_instant(row["at"]))
    assert all(
        after - before >= 36 * HOUR
        for sent in contacts.values()
        for before, after in zip(sorted(sent), sorted(sent)[1:])
    )


def test_a_basket_mail_names_products_and_not_their_numbers(folder: Path, printed: str) -> None:
    mails = (folder / "outbox" / "email.ndjson").read_text(encoding="utf-8").splitlines()
    baskets = [line for line in mails if json.loads(line)["trigger"] == "basket-reminder"]
    assert baskets
    assert not [line for line in baskets if re.search(r"\bP[0-9]{2}\b", line)]


def test_one_batch_waits_for_approval_at_the_end(folder: Path, printed: str) -> None:
    held = _json("-w", str(folder), "outbox", "--state", "held")
    assert {row["trigger"] for row in held} == {"coupon-reminder"}
    assert "C1013" in {row["customer"] for row in held}
    assert all(END - parse_instant(row["planned_at"]) < DAY for row in held)


def test_the_coming_week_has_more_for_one_customer_than_there_is_room(folder: Path, printed: str) -> None:
    rows = [
        row for row in _json("-w", str(folder), "preview", "--days", "7") if row.get("customer") == "C1014"
    ]
    assert len({row["trigger"] for row in rows}) == 4
    assert {"review-request", "coupon-reminder"} <= {
        row["trigger"] for row in rows if row["outcome"] == "suppress" and row["rules"]
    }
    assert {row["trigger"] for row in rows if row["reason"] == "LOWER_PRIORITY"} == {
        "basket-reminder",
        "coupon-reminder",
        "review-request",
    }


def test_the_books_balance_and_the_clock_stands_at_the_end(folder: Path, printed: str) -> None:
    (status,) = _json("-w", str(folder), "status")
    assert status["conservation"]["holds"]
    assert parse_instant(status["last_tick"]) == END


def test_the_past_is_known_already(folder: Path, printed: str) -> None:
    for source in ("crm", "till"):
        (result,) = _json(
            "-w", str(folder), "import", str(folder / "past" / f"{source}.ndjson.gz"), "--source", source
        )
        assert result["read"] > 0
        assert result["taken"] == result["rejected"] == 0


# ---- the folder ----


def test_the_same_again_is_opened_as_it_is(folder: Path, printed: str) -> None:
    before = (folder / "manometer.db").stat().st_mtime_ns
    again = _printed("demo", "--into", str(folder), *SMALL, "--headless")
    assert "nothing was made anew" in again
    assert printed in again
    assert (folder / "manometer.db").stat().st_mtime_ns == before


def test_a_demonstration_with_other_options_is_left_alone(
    folder: Path, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--into", str(folder), "--customers", "60", "--headless"]) == 1
    said = capsys.readouterr().err
    assert "a demonstration of 90 days, 400 customers, seed 1848" in said
    assert f"`manometer -w {folder}`" in said


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("mine")
    assert main(["demo", "--into", str(tmp_path), "--headless"]) == 1
    assert "is no demonstration; nothing was changed" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_example_of_a_difference_is_what_it_prints(tmp_path: Path) -> None:
    page = (README.parent / "docs" / "preview.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ manometer (.*)\n((?:(?!```|\$).*\n)*)", page, re.MULTILINE)
    asked = [
        (line, told) for line, told in commands if line.startswith(("demo --into demo ", "-w demo diff"))
    ]
    assert len(asked) == 3
    for line, told in asked:
        words = [
            str(tmp_path / word) if word == "demo" and place else word
            for place, word in enumerate(shlex.split(line))
        ]
        printed = iter(_printed(*words).splitlines())
        for expected in told.splitlines():
            assert expected == "..." or expected in printed, (line, expected)


@pytest.mark.parametrize("other", ["the same", "something else"])
def test_what_came_into_its_place_meanwhile_stays(
    tmp_path: Path, other: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    into, moved = tmp_path / "d", furnished._moved

    def late(made: Path, place: Path) -> bool:
        shutil.copytree(made, place) if other == "the same" else (place / "sub").mkdir(parents=True)
        return moved(made, place)

    monkeypatch.setattr(furnished, "_moved", late)
    code = main(["demo", "--into", str(into), "--customers", "60", "--days", "2", "--headless"])
    told = capsys.readouterr()
    assert (code, "is no demonstration" in told.err) == ((0, False) if other == "the same" else (1, True))
    assert [path.name for path in tmp_path.iterdir()] == ["d"]
    assert "Traceback" not in told.err


def test_scripts_get_numbers_and_nothing_else_is_left_beside(tmp_path: Path) -> None:
    (numbers,) = _json(
        "demo", "--into", str(tmp_path / "made"), "--days", "7", "--customers", "60", "--seed", "7"
    )
    assert (numbers["customers"], numbers["seed"]) == (60, 7)
    assert (numbers["from"], numbers["to"], numbers["failed"]) == (
        "2025-10-24T22:00:00Z",
        "2025-10-31T23:00:00Z",
        0,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize(
    "option", [("--days", "0"), ("--days", "366"), ("--days", "many"), ("--customers", "49"), ("--seed", "x")]
)
def test_options_beyond_reason_are_wrong_usage(tmp_path: Path, option: tuple[str, str]) -> None:
    assert main(["demo", "--into", str(tmp_path / "made"), *option]) == 2
    assert not (tmp_path / "made").exists()


# ---- the tutorial ----

BLOCK = re.compile(
    r"(?:^`(?P<path>[^`\n]+)`:\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


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


# ---- what the console shows of it ----


def _cut_columns(app: Console) -> list[str]:
    """The columns of all tables in front of which no cell says anything: each is empty or cut to its first
    letters.
    """
    found = []
    for table in app.screen.query(VirtualTable):
        rows = [table._cells(row) for row in table._rows.values()]
        assert rows or not len(table.ids)
        for place, column, width in table.shown(table.size.width):
            texts = [as_cell(row[place]).text for row in rows]
            shown = [fit(each, width).strip() for each in texts if each.strip()]
            if shown and all(each.endswith("…") and len(each) < 4 for each in shown):
                found.append(f"{type(app.screen).__name__} {column.title}")
    return found


@pytest.mark.parametrize("size", [(60, 16), (80, 24)])
async def test_no_column_of_the_console_is_cut_to_nothing(
    folder: Path, printed: str, size: tuple[int, int]
) -> None:
    app = Console(folder, read_only=True)
    cut: list[str] = []
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        for number, _, _ in SCREENS:
            await pilot.press(number)
            await settled(pilot)
            cut += _cut_columns(app)
        trigger, customer = TriggerScreen("basket-reminder"), CustomerScreen(1)
        for screen in (
            PeopleScreen(), QuarantineScreen(), SuppressionsScreen(), PausesScreen(), trigger, customer
        ):  # fmt: skip
            await app.push_screen(screen)
            await settled(pilot)
            cut += _cut_columns(app)
            app.pop_screen()
    assert cut == []
