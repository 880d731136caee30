"""A message that waits for a stronger one goes out with the next tick after the stronger one has fallen away,
whatever took it away.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.console.lives import BASKET, act, person, run, trigger, workspace

STRONG = trigger(
    BASKET.replace('"1h"', '"6h"').replace('["email"]', '["sms"]'), priority="90", audience='"orders < 1"'
)
STRONG = STRONG.replace('unless = ["Order Completed"]\n', "").replace(
    '[exit]\non = ["Order Completed"]\n', ""
)
WEAK = (
    trigger().replace('unless = ["Order Completed"]\n', "").replace('[exit]\non = ["Order Completed"]\n', "")
)
AT = "2025-03-03T12:30:00Z"


@pytest.fixture
def waiting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Anna's basket was left at ten; the reminder by mail gives way at eleven to the text message of four
    o'clock.
    """
    folder = workspace(tmp_path, [person("anna", phone="+41791234567")], {"weak": WEAK, "strong": STRONG})
    assert run("-w", folder, "apply", "--yes", "--at", "2025-03-03T09:00:00Z") == 0
    comes(folder, "Checkout Started", "2025-03-03T10:00:00Z")
    run("-w", folder, "tick", "--at", "2025-03-03T11:00:30Z")
    capsys.readouterr()
    return folder


def comes(folder: Path, name: str, at: str, **properties: Any) -> None:
    call = act("anna", name, at) | {"properties": properties}
    (folder / "new.ndjson").write_text(json.dumps(call) + "\n")
    assert run("-w", folder, "import", folder / "new.ndjson", "--at", at, "--json") == 0


def retires(folder: Path) -> None:
    (folder / "triggers" / "strong.toml").write_text(STRONG.replace('"active"', '"retired"'))
    assert run("-w", folder, "apply", "--yes", "--at", AT) == 0


def decided(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, str, str | None]]:
    capsys.readouterr()
    assert run("-w", folder, "decisions", "--json") == 0
    rows = sorted(
        map(json.loads, capsys.readouterr().out.splitlines()), key=lambda row: (row["at"], row["trigger"])
    )
    return [(row["at"], row["trigger"], row["outcome"], row["reason"]) for row in rows]


GAVE_WAY = ("2025-03-03T11:00:00Z", "weak", "defer", "LOWER_PRIORITY")


@pytest.mark.parametrize(
    "happens",
    [
        lambda folder: comes(folder, "Order Completed", AT, revenue=20),
        lambda folder: comes(folder, "Consent Withdrawn", AT, channel="sms", purpose="*"),
        lambda folder: run("-w", folder, "triggers", "pause", "strong", "--yes", "--at", AT),
        retires,
    ],
    ids=[
        "an event that no trigger names ends its audience",
        "its consent is withdrawn",
        "its trigger is paused",
        "its trigger is retired",
    ],
)
def test_it_goes_at_once_when_the_stronger_one_falls_away(
    waiting: Path, capsys: pytest.CaptureFixture[str], happens: Callable[[Path], object]
) -> None:
    happens(waiting)
    run("-w", waiting, "tick", "--at", "2025-03-03T12:30:20Z")
    assert decided(waiting, capsys)[:2] == [GAVE_WAY, (AT, "weak", "send", None)]


def test_what_takes_nothing_away_leaves_no_row(waiting: Path, capsys: pytest.CaptureFixture[str]) -> None:
    comes(waiting, "Product Viewed", AT)
    run("-w", waiting, "tick", "--at", "2025-03-03T12:30:20Z")
    assert decided(waiting, capsys) == [GAVE_WAY]
    run("-w", waiting, "tick", "--at", "2025-03-03T16:00:20Z")
    assert decided(waiting, capsys)[1:] == [
        ("2025-03-03T16:00:00Z", "strong", "send", None),
        ("2025-03-03T16:00:00Z", "weak", "defer", "PRESSURE"),
    ]
