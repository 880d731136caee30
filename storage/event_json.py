"""What the columns of an event say as JSON, and what is known where one of them cannot be read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from core.errors import ManometerError


class UnreadableEventError(ManometerError):
    """The row of an event cannot be read; `event` is its number."""

    def __init__(self, event: int) -> None:
        super().__init__(f"Event {event} cannot be read: what its row says of it is no JSON.")
        self.event = event


def read_json(event: int, text: str) -> Any:
    """What a column of an event says; UnreadableEventError where that is no JSON."""
    try:
        return orjson.loads(text)
    except ValueError:
        raise UnreadableEventError(event) from None


class UnreadableProperties(Mapping[str, Any]):
    """Properties of an event whose row cannot be read: whoever asks for one gets an UnreadableEventError, so
    that messages that need none still go.
    """

    def __init__(self, event: int) -> None:
        self._event = event

    def __getitem__(self, name: str) -> Any:
        raise UnreadableEventError(self._event)

    def __iter__(self) -> Iterator[str]:
        raise UnreadableEventError(self._event)

    def __len__(self) -> int:
        raise UnreadableEventError(self._event)


def properties_of(event: int | None, text: str | None) -> Mapping[str, Any]:
    """The properties of a message's cause, from the column; a broken one keeps no other message from being
    claimed.
    """
    try:
        return {} if text is None else json.loads(text)  # which reads half a surrogate pair, too
    except (ValueError, RecursionError):
        return UnreadableProperties(event or 0)
