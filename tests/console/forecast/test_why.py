"""The command that says why: one trigger or all of them, now or as of a past instant."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from console.safeguards import clock_guard
from console.safeguards.stop_file import StopFile, StopNote
from core.instants import parse_instant
from core.model.quarantine import QuarantineKind, Suspect
from storage import brakes, quarantine
from storage.schema.messages import messages
from storage.status import HALTED
from storage.store import Store, set_meta
from tests.console.lives import BASKET, BIRTHDAY, SETTINGS, act, person, run, trigger, workspace

Output = pytest.CaptureFixture[str]
BIG = trigger(audience="\"country in ('CH') and sum('Order Completed', 'revenue') >= 500\"")
CALLS = [
    person("anna", birthday="1990-05-21", address={"country": "CH"}),
    person("anna", "2025-03-02T08:00:00Z", address={"country": "DE"}),
    act("anna", "Order Completed", "2025-03-02T10:00:00Z", revenue=80.10),
    act("anna", "Checkout Started", "2025-03-03T10:00:00Z", value=80),
]
BOUGHT = ("Order Completed", "2025-03-03T12:00:00Z")
SPAN = ("--from", "2025-03-01T00:00:00Z", "--to", "2025-03-05T00:00:00Z")


@pytest.fixture
def played(tmp_path: Path, capsys: Output) -> Path:
    """Anna left a basket on Monday; it is Wednesday."""
    folder = workspace(
        tmp_path,
        CALLS,
        {"basket": BASKET, "big": BIG, "birthday": BIRTHDAY, "draft": trigger(status='"draft"')},
    )
    assert run("-w", folder, "replay", *SPAN, "--into", folder / "p") == 0
    capsys.readouterr()
    return folder / "p"


def said(output: Output, folder: Path, *words: str) -> str:
    output.readouterr()
    assert run("-w", folder, "why", *words) == 0
    return output.readouterr().out


def told(output: Output, folder: Path, *words: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in said(output, folder, *words, "--json").splitlines()]


def test_all_triggers_answer_in_one_line_each_what_was_decided_first(played: Path, capsys: Output) -> None:
    lines = said(capsys, played, "anna").splitlines()
    assert lines[0] == "Anna, as things stand Wed 05 Mar 2025 00:00 UTC:"
    shown = [line for line in lines if line.startswith(("basket", "big", "birthday", "draft"))]
    assert [line.split()[:2] for line in shown] == [
        ["basket", "sent"],
        ["birthday", "not"],
        ["big", "not"],
        ["draft", "not"],
    ]
    assert "comes up Wed 21 May 2025 07:00" in shown[1]
    assert (
        "audience: country in ('CH'): country is 'DE' since Sun 02 Mar 2025 08:00 (identify from ndjson)"
        in shown[2]
    )


def test_all_triggers_are_told_to_scripts_with_the_fields_of_one(played: Path, capsys: Output) -> None:
    rows = told(capsys, played, "anna")
    assert [row["trigger"] for row in rows] == ["basket", "birthday", "big", "draft"]
    assert all(
        list(row) == ["customer", "trigger", "at", "verdict", "state", "reason", "words", "foretold", "trace"]
        for row in rows
    )
    assert rows[2] == told(capsys, played, "anna", "big")[0]


def test_what_is_short_is_said_in_full_for_one_trigger(played: Path, capsys: Output) -> None:
    assert (
        "sum('Order Completed', 'revenue') is 80.10 (the last Order Completed Sun 02 Mar 2025 10:00), "
        "419.90 short of 500" in said(capsys, played, "anna", "big")
    )


def test_a_past_instant_is_answered_as_things_stood_then(played: Path, capsys: Output) -> None:
    (row,) = told(capsys, played, "anna", "big", "--at", "2025-03-02T07:00:00Z")
    trace = row["trace"]
    assert isinstance(trace, list)
    audience = [(each["holds"], each["detail"]) for each in trace if each["check"] == "audience"]
    assert audience[0] == (True, "country in ('CH'): country is 'CH'")
    assert audience[1][1] == (
        "sum('Order Completed', 'revenue') >= 500: sum('Order Completed', 'revenue') is 0 (no Order "
        "Completed is known), 500 short of 500"
    )
    assert [row["verdict"] for row in told(capsys, played, "anna", "--at", "2025-03-02T07:00:00Z")] == [
        "none"
    ] * 4


def test_a_past_instant_is_answered_by_the_playbook_pauses_and_consents_of_then(
    played: Path, capsys: Output
) -> None:
    (played / "triggers/big.toml").write_text(trigger(audience='"orders >= 1"'))
    (played / "triggers/birthday.toml").unlink()
    (played / "manometer.toml").write_text(SETTINGS.replace('"assumed"', '"strict"'))
    assert run("-w", played, "apply", "--yes", "--at", "2025-03-06T00:00:00Z") == 0
    assert run("-w", played, "triggers", "pause", "basket", "--yes", "--at", "2025-03-07T00:00:00Z") == 0
    assert run("-w", played, "triggers", "resume", "basket", "--yes", "--at", "2025-03-08T00:00:00Z") == 0
    run("-w", played, "tick", "--at", "2025-03-09T00:00:00Z")

    def checks(name: str, check: str, at: str) -> list[tuple[bool, str]]:
        (row,) = told(capsys, played, "anna", name, "--at", at)
        assert isinstance(row["trace"], list)
        return [(each["holds"], each["detail"]) for each in row["trace"] if each["check"] == check]

    assert len(checks("big", "audience", "2025-03-05T12:00:00Z")) == 2
    assert checks("big", "audience", "2025-03-06T12:00:00Z") == [(True, "orders >= 1: orders is 1")]
    assert checks("basket", "step 1 email: consent", "2025-03-05T12:00:00Z")[0][0] is True
    assert checks("basket", "step 1 email: consent", "2025-03-06T12:00:00Z")[0][0] is False
    assert checks("basket", "trigger active", "2025-03-07T12:00:00Z") == [
        (False, "paused since Fri 07 Mar 2025 00:00")
    ]
    assert checks("basket", "trigger active", "2025-03-08T12:00:00Z")[0][0] is True
    assert checks("birthday", "cause", "2025-03-05T12:00:00Z") == [(False, "comes up Wed 21 May 2025 07:00")]
    assert checks("birthday", "trigger active", "2025-03-06T12:00:00Z") == [
        (False, "its file was removed; the trigger is retired")
    ]


def test_before_anything_was_in_force_that_is_the_answer(tmp_path: Path, capsys: Output) -> None:
    folder = workspace(tmp_path, CALLS)
    assert run("-w", folder, "apply", "--yes", "--at", "2025-03-04T00:00:00Z") == 0
    (row,) = told(capsys, folder, "anna", "basket", "--at", "2025-03-03T12:00:00Z")
    assert "in force only from Tue 04 Mar 2025 00:00 on" in str(row["words"])


def test_what_stood_against_her_last_cause_is_said_where_nothing_does_now(
    tmp_path: Path, capsys: Output
) -> None:
    calls = [
        person("anna"),
        act("anna", "Checkout Started", "2025-03-03T10:00:00Z"),
        act("anna", "Order Completed", "2025-03-03T12:00:00Z"),
    ]
    folder = workspace(tmp_path, calls, {"basket": trigger(audience='"orders >= 1"')})
    assert run("-w", folder, "replay", *SPAN, "--into", folder / "p") == 0
    words = said(capsys, folder / "p", "anna", "basket").splitlines()[0]
    assert "nothing stands against it when its cause comes" in words
    assert words.endswith(
        "When the last one came, Mon 03 Mar 2025 10:00, there stood against it: audience: orders >= 1: 1 "
        "short of 1."
    )


BRANCHED = """
title = "Care"
status = "active"
purpose = "marketing"
[when]
kind = "transactional"
event = "Checkout Started"
[[steps]]
only_if = "CONDITION"
channels = ["email"]
template = "note"
then = "for-regulars"
[steps.else]
template = "note"
then = "for-others"
[[steps]]
name = "for-regulars"
after = "2d"
then = "end"
channels = ["sms"]
template = "note"
[[steps]]
name = "for-others"
after = "3d"
channels = ["email"]
template = "note"
"""


@pytest.mark.parametrize("condition", ["orders >= 2", "value >= 100"])
def test_a_past_instant_follows_the_way_of_the_else_that_was_taken(
    tmp_path: Path, capsys: Output, condition: str
) -> None:
    calls = [
        *CALLS,
        act("anna", "Order Completed", "2025-03-03T15:00:00Z", revenue=9, channel="store"),
    ]  # a second order, after the step
    folder = workspace(tmp_path, calls, {"care": BRANCHED.replace("CONDITION", condition)})
    assert (
        run("-w", folder, "replay", "--from", "2025-03-01", "--to", "2025-03-08", "--into", folder / "p") == 0
    )
    for at in ("2025-03-03T12:00:00Z", "2025-03-04T12:00:00Z"):
        (row,) = told(capsys, folder / "p", "anna", "care", "--at", at)
        assert str(row["words"]).endswith("Step 3 of 3 comes up Thu 06 Mar 2025 10:00.")


def test_what_an_instant_to_come_would_bring_is_foretold_and_never_said_to_be_sent(
    played: Path, capsys: Output
) -> None:
    (row,) = told(capsys, played, "anna", "birthday", "--at", "2025-06-01T00:00:00Z")
    assert (row["verdict"], row["foretold"]) == ("send", True)
    assert row["words"] == "Not decided yet: would be sent (step 1 over email, Wed 21 May 2025 07:00 UTC)."
    (line,) = [
        line
        for line in said(capsys, played, "anna", "--at", "2025-06-01T00:00:00Z").splitlines()
        if line.startswith("birthday")
    ]
    assert line.split() == ["birthday", "foretold", "2025-05-21", "07:00:00", "would", "be", "sent"]
    run("-w", played, "tick", "--at", "2025-05-21T07:00:00Z")
    (row,) = told(capsys, played, "anna", "birthday", "--at", "2025-06-01T00:00:00Z")
    assert row["foretold"] is False
    assert row["words"] == "Sent (step 1 over email, Wed 21 May 2025 07:00 UTC)."


def test_a_message_that_an_approval_kept_says_when_it_went_out(tmp_path: Path, capsys: Output) -> None:
    held = BASKET.replace('purpose = "marketing"', 'purpose = "marketing"\napproval = true')
    assert held != BASKET
    folder = workspace(tmp_path, CALLS, {"basket": held})
    assert run("-w", folder, "replay", *SPAN, "--into", folder / "p") == 0
    assert run("-w", folder / "p", "outbox", "approve", "--all", "--yes", "--at", "2025-03-05T09:00:00Z") == 0
    assert run("-w", folder / "p", "tick", "--at", "2025-03-05T09:05:00Z") == 0
    words = said(capsys, folder / "p", "anna", "basket").splitlines()[0]
    place = "(step 1 over email, Mon 03 Mar 2025 11:00 UTC)"
    assert words == f"It was held for an approval {place}; the message was sent on Wed 05 Mar 2025 09:05."


# ---- what keeps a decided message from going out ----

SINCE = parse_instant("2025-03-04T09:00:00Z")


def change(folder: Path, do: Callable[[Connection], object]) -> None:
    with Store.open(folder / "manometer.db") as store, store.writing() as connection:
        do(connection)


def waiting(folder: Path, state: str = "due", reason: str | None = None) -> None:
    """The message that went out waits again."""
    values = {"state": state, "reason": reason, "sent_at": None, "released_at": None}
    change(folder, lambda connection: connection.execute(update(messages).values(values)))


def set_aside(kind: QuarantineKind, subject: str) -> Callable[[Connection], object]:
    suspect = Suspect(kind, subject, subject)
    return lambda connection: quarantine.note_failure(
        connection, suspect, "it broke (trace ab)", "ab", SINCE, most=1, version=99
    )


def braked(connection: Connection) -> None:
    backoff = {"reason": "braked: 10 messages in a row were refused", "since": SINCE, "until": SINCE + 1}
    brakes.change(connection, HALTED, "email", {**backoff, "version": 1, "braked": True})


def surging(connection: Connection) -> None:
    set_meta(connection, "surges", json.dumps({"basket": {"reason": "more than 5 an hour", "since": SINCE}}))


def distrusted(connection: Connection) -> None:
    set_meta(connection, clock_guard.HELD, json.dumps({"reason": "the clock jumped", "since": SINCE}))


@pytest.mark.parametrize(
    ("state", "reason", "do", "words", "check"),
    [
        ("due", None, braked,
         "Channel email is braked since Tue 04 Mar 2025 09:00: 10 messages in a row were refused; it is "
         "tried again by itself; `manometer channels release email` uses it at once.",
         "channel email is braked"),
        ("held", "SURGE", surging,
         "The trigger is held since Tue 04 Mar 2025 09:00: 1 held: more than 5 an hour; `manometer surges "
         "release basket` lets it go.",
         "the trigger is held"),
        ("held", "SET_ASIDE", set_aside("message", "1"),
         "Message 1 is set aside since Tue 04 Mar 2025 09:00: it broke (trace ab); `manometer quarantine "
         "release 1` ends that.",
         "message 1 is set aside"),
        ("planned", None, set_aside("template", "email\nnote"),
         "Template note is set aside since Tue 04 Mar 2025 09:00: it broke (trace ab); `manometer "
         "quarantine release 1` ends that.",
         "template note is set aside"),
        ("claimed", None, set_aside("channel", "email"),
         "Channel email is set aside since Tue 04 Mar 2025 09:00: it broke (trace ab); `manometer quarantine "
         "release 1` ends that.",
         "channel email is set aside"),
        ("due", None, distrusted,
         "The clock is not trusted since Tue 04 Mar 2025 09:00: the clock jumped; it ends by itself once the "
         "clock is right; `manometer clock confirm` says that it is.",
         "the clock is not trusted"),
    ],
)  # fmt: skip
def test_a_waiting_message_names_what_it_waits_for_since_when_and_what_ends_that(
    played: Path,
    capsys: Output,
    state: str,
    reason: str | None,
    do: Callable[[Connection], object],
    words: str,
    check: str,
) -> None:
    waiting(played, state, reason)
    change(played, do)
    (row,) = told(capsys, played, "anna", "basket")
    assert str(row["words"]).endswith(words)
    trace = row["trace"]
    assert isinstance(trace, list)
    assert [each["holds"] for each in trace if each["check"] == check] == [False]
    assert set(row) == {
        "customer", "trigger", "at", "verdict", "reason", "words", "state", "foretold", "trace",
    }  # fmt: skip
    (line,) = [each for each in said(capsys, played, "anna").splitlines() if each.startswith("basket ")]
    assert check in line


def test_a_message_that_waits_while_the_file_stop_lies_there_says_so(played: Path, capsys: Output) -> None:
    waiting(played)
    StopFile(played).write(StopNote(SINCE, "olga", "wrong prices"))
    words = str(told(capsys, played, "anna", "basket")[0]["words"])
    assert words.endswith(
        "All sending is stopped since Tue 04 Mar 2025 09:00: by the file STOP, of olga: wrong prices; "
        "`manometer go` ends that."
    )


def test_a_message_that_went_out_and_a_past_instant_name_nothing(played: Path, capsys: Output) -> None:
    change(played, braked)
    assert "braked" not in str(told(capsys, played, "anna", "basket")[0]["words"])
    past = ("--at", "2025-03-04T12:00:00Z")
    assert "braked" not in said(capsys, played, "anna", "basket", *past)


def test_a_customer_who_is_set_aside_says_since_when(played: Path, capsys: Output) -> None:
    change(played, set_aside("customer", "1"))
    assert run("-w", played, "why", "anna", "basket") == 1
    assert "The customer is set aside since 2025-03-04T09:00:00Z" in capsys.readouterr().err
