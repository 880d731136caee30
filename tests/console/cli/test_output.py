"""Tables as wide as the terminal, colours only where they are wanted, questions only where somebody can
answer.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from console.cli.output import ListingField, NotConfirmedError, Output
from core.explain.words import counted

FIELDS = (
    ListingField("at", "instant"),
    ListingField("name"),
    ListingField("spent", "money"),
    ListingField("rules", "json"),
    ListingField("hidden", shown=False),
)
ROW = {"at": 0, "name": "Anna", "spent": 12345, "rules": '[{"rule":"a"}]', "hidden": True}

PROGRAM = """
from console.cli.output import ListingField, Output
rows = ({"name": "x" * 60, "note": "y" * 60, "number": number} for number in range(3))
output = Output(False)
fields = ListingField("name"), ListingField("note", widest=80), ListingField("number", "number")
output.listing(fields, rows, "nothing")
output.confirm("3 rows are under way.", "Go on?", False)
output.say("went on")
"""


def _printed(json: bool, rows: list[Mapping[str, object]], zone: str = "Europe/Zurich") -> str:
    out = StringIO()
    Output(json, ZoneInfo(zone), out).listing(FIELDS, rows, "nothing there")
    return out.getvalue()


def test_json_has_every_field_and_money_with_two_places() -> None:
    assert (
        _printed(True, [ROW])
        == '{"at":"1970-01-01T00:00:00Z","name":"Anna","spent":123.45,"rules":[{"rule":"a"}],"hidden":true}\n'
    )
    assert '"spent":-0.05' in _printed(True, [{**ROW, "spent": -5}])
    assert _printed(True, [{}]) == '{"at":null,"name":null,"spent":null,"rules":null,"hidden":null}\n'


def test_a_table_shows_local_time_and_no_hidden_field() -> None:
    head, line = _printed(False, [ROW]).splitlines()
    assert head.split() == ["AT", "NAME", "SPENT", "RULES"]
    assert line.split() == ["1970-01-01", "01:00:00", "Anna", "123.45", '[{"rule":"a"}]']


class Terminal(StringIO):
    """What a window of a terminal would show."""

    def isatty(self) -> bool:
        return True


def _in_a_window(
    monkeypatch: pytest.MonkeyPatch, fields: Sequence[ListingField], rows: Sequence[Mapping[str, object]]
) -> list[str]:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    Output(False, ZoneInfo("Europe/Zurich"), out).listing(fields, rows, "")
    return out.getvalue().splitlines()


def test_a_narrow_window_cuts_no_instant_and_names_the_columns_it_has_no_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fields = (
        ListingField("name"), ListingField("title"), ListingField("paused"),
        ListingField("waiting", "number"), ListingField("last_fired", "instant"),
        ListingField("next_due", "instant"), ListingField("last_seen", "instant"),
    )  # fmt: skip
    row = {
        "name": "registration-anniversary",
        "title": "t" * 60,
        "waiting": 5,
        "last_fired": 0,
        "next_due": 0,
        "last_seen": 0,
    }
    head, line, note = _in_a_window(monkeypatch, fields, [row])
    assert head.split() == ["NAME", "TITLE", "WAITING", "LAST", "FIRED"]
    assert line.split() == ["registration-anniversary", "t" * 26 + "…", "5", "1970-01-01", "01:00"]
    assert note == "Left out for want of room: NEXT DUE, LAST SEEN. --json has all."
    assert max(map(len, (head, line))) <= 80


def test_a_window_with_room_shows_everything_and_says_json_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    head, line = _in_a_window(monkeypatch, FIELDS, [ROW])
    assert head.split() == ["AT", "NAME", "SPENT", "RULES"]
    assert line.split() == ["1970-01-01", "01:00:00", "Anna", "123.45", "rule", "a"]


def test_a_long_value_of_a_record_goes_on_below_itself_in_whole_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    Output(False, out=out).record(
        (ListingField("name"), ListingField("note")), {"name": "Anna", "note": "word " * 20}
    )
    lines = out.getvalue().splitlines()
    assert [line.split() for line in lines] == [["name", "Anna"], ["note", *["word"] * 11], ["word"] * 9]
    assert lines[2].startswith("      word")
    assert max(map(len, lines)) <= 60


def test_an_empty_table_is_a_sentence_and_empty_json_is_nothing() -> None:
    assert _printed(False, []) == "nothing there\n"
    assert _printed(True, []) == ""


def test_rows_are_printed_as_they_come() -> None:
    out = StringIO()

    def rows() -> Iterator[Mapping[str, object]]:
        for number in range(1000):
            if number == 500:
                assert len(out.getvalue().splitlines()) > 300
            yield {"name": str(number)}

    Output(False, out=out).listing((ListingField("name"),), rows(), "")
    assert len(out.getvalue().splitlines()) == 1001


def test_without_a_terminal_a_question_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    with pytest.raises(NotConfirmedError, match="--yes"):
        Output(False).confirm("3 messages.", "Go on?", False)
    Output(False).confirm("3 messages.", "Go on?", True)


class Typed(StringIO):
    """A terminal at which somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("shown", "json", "asked"),
    [
        (False, False, "3 messages.\nGo on? [y/N] "),
        (True, False, "Go on? [y/N] "),
        (True, True, "3 messages.\nGo on? [y/N] "),
    ],
)
def test_numbers_that_stand_above_are_not_repeated_before_the_question(
    shown: bool, json: bool, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Typed("y\n"))
    err = Typed()
    Output(json, err=err).confirm("3 messages.", "Go on?", False, shown=shown)
    assert err.getvalue() == asked


@pytest.mark.parametrize(("number", "shown"), [(0, "0 steps"), (1, "1 step"), (1204, "1,204 steps")])
def test_numbers_agree_with_their_nouns(number: int, shown: str) -> None:
    assert counted(number, "step") == shown


def _on_a_terminal(answer: str, columns: int, **environment: str) -> tuple[str, int]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    known = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")
    }
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**known, "PYTHONPATH": str(Path(__file__).parents[3]), "TERM": "xterm", **environment},
    )
    os.close(theirs)
    os.write(ours, answer.encode())
    printed = b""
    try:
        while chunk := os.read(ours, 65536):
            printed += chunk
    except OSError:  # Linux says that a terminal has gone by an error
        pass
    os.close(ours)
    return printed.decode(), process.wait()


def test_on_a_terminal_lines_fit_its_width_and_the_head_is_dimmed() -> None:
    printed, code = _on_a_terminal("y\n", 60)
    assert code == 0
    assert "3 rows are under way." in printed
    assert "went on" in printed
    assert "\x1b[2mNAME" in printed
    assert all(len(line) <= 60 for line in printed.replace("\x1b[2m", "").replace("\x1b[0m", "").splitlines())


def test_no_color_is_heeded_and_a_no_changes_nothing() -> None:
    printed, code = _on_a_terminal("\n", 100, NO_COLOR="1")
    assert code == 1
    assert "Nothing was changed" in printed
    assert "\x1b" not in printed
    assert "went on" not in printed
