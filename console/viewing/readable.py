"""The texts of a message as people read them in a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from console.viewing.html_text import text_of_html


class ReadablePart(NamedTuple):
    """One text of a message: the name of its file, what it is in words, and its lines."""

    name: str
    what: str
    text: str


def readable_parts(parts: Mapping[str, str]) -> list[ReadablePart]:
    """All texts, what most customers see first."""
    return [
        ReadablePart(name, f"{name}, as text" if name.endswith(".html") else name, readable_part(name, text))
        for name, text in parts.items()
    ]


def readable_part(name: str, text: str) -> str:
    """A text by the name of its file: HTML as text, JSON with a line for each value."""
    if name.endswith(".html"):
        return text_of_html(text)
    if name.endswith(".json"):
        try:
            return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
        except (ValueError, RecursionError):
            return text
    return text.strip("\n")
