"""Journeys through the command line: what a branch sends, what a goal counts, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.console.lives import SETTINGS, act, person, run, trigger, workspace

CARE = """
title = "After the order"
status = "active"
purpose = "marketing"
holdout = {holdout}
[when]
kind = "transactional"
event = "Checkout Started"
[goal]
on = ["Order Completed"]
within = "3d"
exit = false
[split]
plain = {plain}
offer = {offer}
[[steps]]
only_if = "value >= 100"
channels = ["sms"]
template = "note"
else = {{ template = "small" }}
[steps.variants.offer]
template = "offer"
[[steps]]
after = "1d"
wait_for = ["Product Reviewed"]
timeout = "2d"
channels = ["sms"]
template = "note"
"""
CALLS = [
    *(person(user, phone=f"+4179000000{number}") for number, user in enumerate(("anna", "beat"))),
    act("anna", "Checkout Started", "2025-03-03T10:00:00Z", value=150),
    act("beat", "Checkout Started", "2025-03-03T10:00:00Z", value=20),
    act("anna", "Order Completed", "2025-03-04T10:00:00Z", revenue=20),
    act("beat", "Order Completed", "2025-03-07T10:00:00Z", revenue=20),
]


def shop(tmp_path: Path, text: str) -> Path:
    for name in ("offer", "small"):
        (tmp_path / f"shop/templates/{name}").mkdir(parents=True)
        (tmp_path / f"shop/templates/{name}/sms.txt").write_text(f"{name} {{{{ step.number }}}}")
    return workspace(tmp_path / "shop", CALLS, {"care": text})


def replayed(tmp_path: Path, until: str = "2025-03-10T00:00:00Z", **fields: float) -> Path:
    text = CARE.format(**({"holdout": 0, "plain": 1, "offer": 0} | fields))
    made = shop(tmp_path, text)
    assert (
        run(
            "-w",
            made,
            "replay",
            "--from",
            "2025-03-02T00:00:00Z",
            "--to",
            until,
            "--into",
            tmp_path / "played",
        )
        == 0
    )
    return tmp_path / "played"


def listed(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run("-w", folder, *words, "--json") == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_goes_out_is_the_content_that_applied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = replayed(tmp_path, plain=0, offer=1)
    sent = {
        row["customer"]: (row["step"], row["channel"], row["template"])
        for row in listed(capsys, folder, "outbox")
    }
    assert sent == {"anna": (1, "sms", "offer"), "beat": (1, "sms", "small")}
    texts = [json.loads(line) for line in (folder / "outbox/sms.ndjson").read_text().splitlines()]
    assert sorted(
        json.dumps(text).count("small 1") + 2 * json.dumps(text).count("offer 1") for text in texts
    ) == [1, 2]


def test_a_goal_counts_within_its_time_also_when_the_journey_is_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shown,) = listed(capsys, replayed(tmp_path), "triggers", "show", "care")
    assert shown["journeys"] == [
        {"variant": "plain", "holdout": False, "entered": 2, "under_way": 0, "reached_goal": 1}
    ]
    assert shown["split"] == {"plain": 1.0, "offer": 0.0}
    assert shown["goal"] == "Order Completed within 3d"
    assert shown["steps"][0]["else"]["template"] == "small"
    assert shown["steps"][1]["wait"] == "waits up to 2d for Product Reviewed, else left out"


def test_a_goal_counts_for_those_kept_out_to_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shown,) = listed(capsys, replayed(tmp_path, holdout=1), "triggers", "show", "care")
    assert shown["journeys"] == [
        {"variant": None, "holdout": True, "entered": 2, "under_way": 0, "reached_goal": 1}
    ]


@pytest.mark.parametrize(
    ("when", "calls", "counted"),
    [
        (
            'event = "Order Completed"',
            [act("anna", "Order Completed", f"2025-03-0{day}T10:00:00Z") for day in (3, 4)],
            (2, 1),
        ),
        ('per = "cart"', [act("anna", "Order Completed", "2025-03-04T10:00:00Z", cart="b")], (1, 0)),
        ('per = "cart"', [act("anna", "Order Completed", "2025-03-04T10:00:00Z", cart="a")], (1, 1)),
        ('per = "cart"', [act("anna", "Order Completed", "2025-03-04T10:00:00Z")], (1, 1)),
    ],
)
def test_a_goal_is_another_event_than_the_cause_and_of_no_other_cart(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    when: str,
    calls: list[dict[str, Any]],
    counted: tuple[int, int],
) -> None:
    asked = when if when.startswith("event") else f'event = "Checkout Started"\n{when}'
    text = (
        trigger().split("[when]")[0]
        + f"""[when]
kind = "transactional"
{asked}
[goal]
on = ["Order Completed"]
within = "3d"
exit = false
[[steps]]
channels = ["email"]
template = "note"
"""
    )
    made = workspace(
        tmp_path / "shop",
        [person("anna"), act("anna", "Checkout Started", "2025-03-03T10:00:00Z", cart="a"), *calls],
        {"g": text},
    )
    assert (
        run(
            "-w",
            made,
            "replay",
            "--from",
            "2025-03-02T00:00:00Z",
            "--to",
            "2025-03-10T00:00:00Z",
            "--into",
            tmp_path / "played",
        )
        == 0
    )
    (shown,) = listed(capsys, tmp_path / "played", "triggers", "show", "g")
    assert [(each["entered"], each["reached_goal"]) for each in shown["journeys"]] == [counted]


def test_what_has_come_is_known_to_the_next_pass_also(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        CARE.split("[goal]")[0].format(holdout=0)
        + """[[steps]]
wait_for = ["Product Reviewed"]
timeout = "2d"
channels = ["sms"]
template = "note"
"""
    )
    made = workspace(tmp_path / "shop", CALLS[:2], {"care": text})
    settings = SETTINGS.replace(
        '[channels.sms]\nkind = "file"', '[channels.sms]\nkind = "file"\nsend_window = "Mon-Sun 08:00-18:00"'
    )
    (made / "manometer.toml").write_text(settings)
    assert run("-w", made, "apply", "--at", "2025-03-01T00:00:00Z", "--yes") == 0
    for name, at in (
        ("Checkout Started", "2025-03-03T10:00:00Z"),
        ("Product Reviewed", "2025-03-03T19:00:00Z"),
    ):
        (made / "new.ndjson").write_text(json.dumps(act("anna", name, at)))
        assert run("-w", made, "import", made / "new.ndjson", "--at", at) == 0
        assert run("-w", made, "tick", "--at", at) == 0
    assert run("-w", made, "tick", "--at", "2025-03-04T08:00:00Z") == 0
    assert [(row["at"], row["outcome"]) for row in listed(capsys, made, "decisions")] == [
        ("2025-03-03T19:00:00Z", "defer"),
        ("2025-03-04T08:00:00Z", "send"),
    ]


def test_why_says_what_a_step_waits_for_and_which_variant_is_hers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (why,) = listed(capsys, replayed(tmp_path, "2025-03-05T00:00:00Z"), "why", "beat", "care")
    assert "Step 2 of 2 waits for Product Reviewed until Thu 06 Mar 2025" in why["words"]
    checks = {check["check"]: check["detail"] for check in why["trace"]}
    assert checks["split"] == "variant plain of 100 % plain, 0 % offer"
    assert "step 1 else sms: address" in checks


def test_a_past_instant_finds_the_wait_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (why,) = listed(capsys, replayed(tmp_path), "why", "beat", "care", "--at", "2025-03-04T12:00:00Z")
    assert "waits for Product Reviewed until Thu 06 Mar 2025" in why["words"]


def test_who_is_kept_out_of_everything_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = shop(tmp_path, CARE.format(holdout=0, plain=1, offer=0))
    (made / "manometer.toml").write_text(f"{SETTINGS}[holdout]\nshare = 1\n")
    assert (
        run(
            "-w",
            made,
            "replay",
            "--from",
            "2025-03-02T00:00:00Z",
            "--to",
            "2025-03-10T00:00:00Z",
            "--into",
            tmp_path / "played",
        )
        == 0
    )
    (why,) = listed(capsys, tmp_path / "played", "why", "anna", "care")
    assert why["reason"] == "HOLDOUT"
    assert "belongs to the 100 % kept out of everything" in why["words"]
    assert {"check": "holdout of everything", "holds": False}.items() <= {
        k: v for k, v in why["trace"][3].items() if k != "detail"
    }.items()
