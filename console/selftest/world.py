"""The workspace of the self-test, and the lives that a seed makes. Instants are ms UTC."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.instants import DAY, HOUR, MINUTE, Instant, format_instant, parse_instant

BEGIN: Final[Instant] = parse_instant("2025-03-03T06:00:00Z")
CHANNELS: Final = ("email", "sms")
"""The first takes no key twice for once, the second does."""
LIMIT: Final = (2, 7 * DAY)
"""The pressure rule of the workspace: at most so many marketing messages a customer in so many ms."""

OPEN: Final = (8, 21)
"""The hours of the workspace's day between which the second channel may send."""
ZONE: Final = ZoneInfo("Europe/Zurich")
_SETTINGS: Final = """
[workspace]
name = "selftest"
time_zone = "Europe/Zurich"
currency = "CHF"
[consent]
policy = "assumed"
[channels.email]
kind = "smtp"
host = "mail.example"
from = "Self-test <selftest@example.com>"
[channels.sms]
kind = "file"
medium = "sms"
send_window = ["Mon-Sun 08:00-21:00"]
[engine]
keep_free = "0MB"
"""
_PRESSURE: Final = """
[[rule]]
name = "two-a-week"
limit = 2
window = "7d"
purposes = ["marketing"]
"""
_BASKET: Final = """
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
channels = ["email", "sms"]
template = "note"
expires = "3d"
[[steps]]
after = "2d"
channels = ["email"]
template = "note"
expires = "3d"
"""
_THANKS: Final = """
title = "Thanks"
status = "active"
purpose = "service"
[when]
kind = "transactional"
event = "Order Completed"
[[steps]]
channels = ["sms"]
template = "note"
expires = "2d"
"""
_THIRD: Final = """
title = "Third order"
status = "active"
purpose = "marketing"
[when]
kind = "threshold"
metric = "orders"
reaches = 3
[[steps]]
channels = ["email", "sms"]
mode = "all"
template = "note"
expires = "5d"
"""
_SILENT: Final = """
title = "Long not seen"
status = "active"
purpose = "marketing"
[when]
kind = "threshold"
inactive_for = "20d"
[[steps]]
channels = ["email"]
template = "note"
expires = "5d"
"""
_FILES: Final = {
    "manometer.toml": _SETTINGS,
    "pressure.toml": _PRESSURE,
    "segments.toml": "",
    "triggers/basket.toml": _BASKET,
    "triggers/thanks.toml": _THANKS,
    "triggers/third.toml": _THIRD,
    "triggers/silent.toml": _SILENT,
    "templates/note/email.txt": "Hello {{ customer.first_name }}",
    "templates/note/sms.txt": "Hello",
}
_OFTEN: Final = {"Product Viewed": 8, "Checkout Started": 16, "Order Completed": 8, "Unsubscribed": 1}
_EVENTS: Final = tuple(name for name, times in _OFTEN.items() for _ in range(times))


def furnish(folder: Path) -> None:
    """Write the workspace's files."""
    for path, text in _FILES.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


class Lives:
    """The customers of a seed and what they do, batch by batch."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def one(self, name: str, words: str, now: Instant) -> list[str]:
        """The lines of one call: the customer and the event stand in the words."""
        user, _, event = words.partition(" ")
        return [json.dumps(call) for call in (_identify(name, user, now), _track(name, user, event, now))]

    def crowd(self, name: str, words: str, now: Instant) -> list[str]:
        """The same of so many customers, whose number stands in the words, and of whom each is one."""
        number, _, event = words.partition(" ")
        calls = (self.one(f"{name}-{each}", f"c{each} {event}", now) for each in range(int(number)))
        return [line for several in calls for line in several]

    def lines(self, name: str, now: Instant) -> list[str]:
        """The lines of a batch of calls that arrives now: some are told twice, some cannot be read. Its name
        is a number.
        """
        batch = int(name)
        dice = Random(f"{self._seed} batch {batch}")  # noqa: S311 - to be repeated
        lines: list[str] = []
        for number in range(dice.randint(3, 12)):
            user = f"c{dice.randrange(4 * batch + 3)}"
            lines += [json.dumps(call) for call in _calls(dice, f"{batch}-{number}", user, now)]
        if dice.random() < 0.5:
            lines.append(dice.choice(lines))
        if dice.random() < 0.3:
            lines.append('{"type": "track", "event": ')
        return lines


def _calls(dice: Random, name: str, user: str, now: Instant) -> list[dict[str, Any]]:
    at = now - dice.randrange(2 * HOUR)
    calls = [_identify(name, user, at)]
    for number in range(dice.randint(1, 3)):
        event, total = dice.choice(_EVENTS), dice.randrange(5, 90)
        calls.append(_track(f"{name}-{number}", user, event, at + number * MINUTE, total))
    return calls


def address_of(user: str, channel: str) -> str:
    """Where a channel finds a customer."""
    return f"{user}@example.ch" if channel == CHANNELS[0] else f"+4179{int(user[1:]) + 5_000_000:07d}"


def _identify(name: str, user: str, at: Instant) -> dict[str, Any]:
    who = {"email": address_of(user, "email"), "phone": address_of(user, "sms")}
    return {
        "type": "identify",
        "messageId": f"i-{name}",
        "userId": user,
        "timestamp": format_instant(at),
        "traits": {"firstName": user, **who},
    }


def _track(name: str, user: str, event: str, at: Instant, total: int = 50) -> dict[str, Any]:
    bought = {"order_id": f"o-{name}", "total": total, "currency": "CHF"}
    return {
        "type": "track",
        "messageId": f"t-{name}",
        "userId": user,
        "event": event,
        "timestamp": format_instant(at),
        "properties": bought if event == "Order Completed" else {},
    }
