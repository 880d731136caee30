"""A small workspace with people and what they did, for tests that play it: files as texts, calls in Segment's
form.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from console.main import main

SETTINGS = """
[workspace]
name = "lives"
time_zone = "UTC"
currency = "CHF"
[consent]
policy = "assumed"
[channels.email]
kind = "file"
[channels.sms]
kind = "file"
"""
PRESSURE = """
[[rule]]
name = "one-a-day"
limit = 1
window = "1d"
"""
BASKET = """
title = "Basket left behind"
status = "active"
purpose = "marketing"
[when]
kind = "transactional"
event = "Checkout Started"
after = "1h"
unless = ["Order Completed"]
[exit]
on = ["Order Completed"]
[[steps]]
channels = ["email"]
template = "note"
expires = "3d"
"""
BIRTHDAY = """
title = "Birthday"
status = "active"
purpose = "marketing"
[when]
kind = "recurring"
date = "birthday"
at = "09:00"
[[steps]]
channels = ["email"]
template = "note"
"""


def trigger(text: str = BASKET, **changed: str) -> str:
    """The basket trigger with other values for top-level keys, given as TOML."""
    head = [line for line in text.strip().splitlines() if line.split(" = ")[0] not in changed]
    return "\n".join([*(f"{key} = {value}" for key, value in changed.items()), *head]) + "\n"


def person(user: str, at: str = "2025-01-01T00:00:00Z", **traits: Any) -> dict[str, Any]:
    """An identify call of somebody with an e-mail address."""
    known = {"email": f"{user}@example.ch", "firstName": user.title(), **traits}
    return {
        "type": "identify",
        "messageId": f"i-{user}-{at}",
        "userId": user,
        "timestamp": at,
        "traits": known,
    }


def act(user: str, name: str, at: str, **properties: Any) -> dict[str, Any]:
    """A track call; `channel` goes to its context."""
    context = {"channel": properties.pop("channel")} if "channel" in properties else {}
    return {
        "type": "track",
        "messageId": f"{user}-{name}-{at}",
        "userId": user,
        "event": name,
        "timestamp": at,
        "properties": properties,
        "context": context,
    }


FILES = {
    "manometer.toml": SETTINGS,
    "pressure.toml": PRESSURE,
    "segments.toml": "",
    "templates/note/email.txt": "Hello",
    "templates/note/sms.txt": "Hello",
}


def workspace(
    folder: Path, calls: list[dict[str, Any]], triggers: dict[str, str] | None = None, **more: str
) -> Path:
    """A workspace at `folder` with the calls taken in as history; `more` are texts of templates for
    e-mail.
    """
    files = FILES | {f"templates/{name}/email.txt": text for name, text in more.items()}
    files |= {f"triggers/{name}.toml": text for name, text in (triggers or {"basket": BASKET}).items()}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "calls.ndjson").write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert main(["-w", str(folder), "import", str(folder / "calls.ndjson"), "--history", "--json"]) == 0
    return folder


def run(*words: str | Path) -> int:
    """One command line."""
    return main([str(word) for word in words])


def played(folder: Path, calls: list[dict[str, Any]], triggers: dict[str, str] | None = None) -> Path:
    """A workspace whose clock stands at half past ten on Monday 3 March 2025, and in which the calls of that
    day were played.
    """
    place = workspace(folder, calls, triggers)
    assert (
        run(
            "-w",
            place,
            "replay",
            "--from",
            "2025-03-03T00:00:00Z",
            "--to",
            "2025-03-03T10:30:00Z",
            "--into",
            place / "p",
        )
        == 0
    )
    return place / "p"


def going() -> bool:
    """Nobody has cancelled."""
    return False


def nobody(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""
