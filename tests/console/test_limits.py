"""Limits in full, as files say them and a replay shows them: filters by channel, purpose, trigger, tag and
audience, and weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.console.lives import act, person, run

TRIGGER = """
title = "T"
status = "active"
purpose = "PURPOSE"
tags = [TAGS]
[when]
kind = "transactional"
event = "NAME"
[[steps]]
channels = ["CHANNEL"]
template = "TEMPLATE"
expires = "1h"
MORE
"""
SETTINGS = """
[workspace]
time_zone = "UTC"
[consent]
policy = "assumed"
[channels.email]
kind = "file"
[channels.sms]
kind = "file"
"""
SENT = "send"


def trigger(
    name: str,
    purpose: str = "marketing",
    tags: str = "",
    channel: str = "email",
    template: str = "plain",
    more: str = "",
) -> str:
    values = {
        "PURPOSE": purpose,
        "TAGS": tags,
        "NAME": name,
        "CHANNEL": channel,
        "TEMPLATE": template,
        "MORE": more,
    }
    text = TRIGGER
    for word, value in values.items():
        text = text.replace(word, value)
    return text


TRIGGERS = {
    "news": trigger("News"),
    "sale": trigger("Sale", tags='"sale"', template="heavy"),
    "text": trigger("Text", channel="sms"),
    "survey": trigger("Survey", purpose="survey", more="weight = 0.5"),
}
PURPOSES = "[purposes.survey]\nobeys = true\ncounts = true\n"


def decided(
    folder: Path, pressure: str, acts: list[str], capsys: pytest.CaptureFixture[str], **traits: Any
) -> list[dict[str, Any]]:
    """The rows of a replay in which she does these acts, an hour apart."""
    files = {
        "manometer.toml": SETTINGS, "pressure.toml": PURPOSES + pressure, "segments.toml": "",
        **{f"triggers/{name}.toml": text for name, text in TRIGGERS.items()},
        **{f"templates/{name}/{file}": "Hello" for name in ("plain", "heavy") for file in ("email.txt",
            "sms.txt")},
    }  # fmt: skip
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    calls = [
        person("anna", phone="+41791234567", **traits),
        *(act("anna", name, f"2025-03-03T{9 + n:02}:00:00Z") for n, name in enumerate(acts)),
    ]
    (folder / "calls.ndjson").write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert run("-w", folder, "import", folder / "calls.ndjson", "--history") == 0
    assert (
        run("-w", folder, "replay", "--from", "2025-03-03", "--to", "2025-03-04", "--into", folder / "played")
        == 0
    )
    capsys.readouterr()
    assert run("-w", folder / "played", "decisions", "--json") == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


LIMITS = [
    ("by channel", 'limit = 1\nwindow = "1d"\nchannels = ["sms"]', "News Text News Text",
        "send send send full"),
    ("by purpose", 'limit = 1\nwindow = "1d"\npurposes = ["survey"]', "Survey News Survey News",
        "send send full send"),
    ("by trigger", 'limit = 1\nwindow = "1d"\ntriggers = ["news"]', "News Sale News Sale",
        "send send full send"),
    ("by tag", 'limit = 1\nwindow = "1d"\ntags = ["sale"]', "Sale News Sale News", "send send full send"),
    ("by audience", 'limit = 1\nwindow = "1d"\naudience = "country == \'CH\'"', "News News", "send full"),
    ("for others", 'limit = 1\nwindow = "1d"\naudience = "country == \'DE\'"', "News News", "send send"),
    (
        "by all of them",
        'limit = 1\nwindow = "1d"\nchannels = ["email"]\npurposes = ["marketing"]\n'
        'triggers = ["sale"]\ntags = ["sale"]\n'
        'audience = "country == \'CH\'"', "News Survey Text Sale Sale News", "send send send send full send",
    ),
    ("points by template and step", 'limit = 4\nunit = "points"\nwindow = "1d"',
     "Sale Survey Survey News Survey", "send send send full full"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "acts", "outcomes"), [limit[1:] for limit in LIMITS], ids=[limit[0] for limit in LIMITS]
)
def test_a_rule_limits_and_counts_what_its_filters_match(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rule: str, acts: str, outcomes: str
) -> None:
    weights = "[weights.templates]\nheavy = 3\n"
    rows = decided(
        tmp_path,
        f'{weights}[[rule]]\nname = "the-rule"\n{rule}\n',
        acts.split(),
        capsys,
        address={"country": "CH"},
    )
    assert [SENT if row["outcome"] == "send" else "full" for row in rows] == outcomes.split()
    held = [row for row in rows if row["outcome"] != "send"]
    assert all(
        row["reason"] == "EXPIRED" and [each["rule"] for each in row["rules"]] == ["the-rule"] for row in held
    )


def test_the_row_says_how_many_points_fill_the_window_and_through_whom(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pressure = (
        '[weights]\nsms = 2\n[weights.templates]\nheavy = 2.5\n[[rule]]\nname = "points"\nlimit = 4\nunit = '
        '"points"\nwindow = "1d"\n'
    )
    *_, last = decided(tmp_path, pressure, ["Sale", "Survey", "Text"], capsys)
    (rule,) = last["rules"]
    assert (rule["rule"], rule["count"], rule["limit"]) == ("points", 3, 4)
    assert [(each["trigger"], each["channel"]) for each in rule["counted"]] == [
        ("sale", "email"),
        ("survey", "email"),
    ]
