"""What the command palette finds beside the screens: customers, triggers, templates, and every key that works
here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, cast

from textual.command import CommandInput, CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from core.errors import ManometerError
from screens.cells.safe_text import safe_text
from screens.frame import Frame
from screens.help import HelpEntry, entries
from screens.host import Host
from screens.message import ask_for_message
from screens.ports.messages import MessageAsked
from screens.ports.service import Service
from screens.widgets.modal import LeavesOnce

FOUND: Final = 8
"""So many customers are offered."""
LEAST: Final = 0.1
"""How well something fits of which only the key was written."""
SHORTEST: Final = 2
"""Letters from which on customers and triggers are looked for."""


class Palette(LeavesOnce, CommandPalette):
    """Textual's palette, deaf to the keys that move in its list while the list is not laid out yet: Textual
    ends with an error there.
    """

    DEFAULT_CSS = """
    Palette SearchIcon { display: none; }
    """

    def on_mount(self) -> None:
        """No cursor blinks, nothing is sent while nobody writes."""
        for line in self.query(CommandInput):
            line.cursor_blink = False

    def _action_command_list(self, action: str) -> None:
        if any(found.size.height for found in self.query(CommandList)):
            super()._action_command_list(action)


class Doings(Provider):
    """Everything that has a key on the screen in front."""

    async def discover(self) -> Hits:
        """All of it, as it stands."""
        for entry in self._entries():
            yield DiscoveryHit(_content(entry.words), self._doing(entry), text=entry.words, help=entry.keys)

    async def search(self, query: str) -> Hits:
        """What fits the words."""
        matcher = self.matcher(query)
        for entry in self._entries():
            if entry.matches(
                query
            ):  # letters strewn over a sentence are no hit: they would stand before the customer of that name
                score = max(LEAST, matcher.match(entry.words))
                yield Hit(score, _content(entry.words), self._doing(entry), text=entry.words, help=entry.keys)

    def _entries(self) -> Sequence[HelpEntry]:
        return [
            entry
            for entry in entries(self.screen)
            if entry.why_not is None and "command_palette" not in entry.action
        ]

    def _doing(self, entry: HelpEntry) -> Callable[[], Awaitable[bool]]:
        return partial(self.app.run_action, entry.action, default_namespace=entry.node)


class Places(Provider):
    """Triggers, templates and customers, by name or key; asked in a thread."""

    async def search(self, query: str) -> Hits:
        """Triggers and templates whose name fits, then the first customers that do."""
        opened = cast("Host", self.app).opened
        if len(query) < SHORTEST or not opened.done():
            return
        service, host = opened.result(), cast("Host", self.app)
        matcher = self.matcher(query)
        for name, title in await asyncio.to_thread(_triggers, service):
            score = max(matcher.match(name), matcher.match(title))
            if score > 0:
                words = safe_text(f"Trigger {name}: {title}")
                yield Hit(
                    score,
                    _content(words),
                    partial(host.open_trigger, name),
                    text=words,
                    help="opens the trigger",
                )
        for name in await asyncio.to_thread(_templates, service):
            score = matcher.match(name)
            if score > 0 and isinstance(self.screen, Frame):
                words = safe_text(f"Template {name}")
                yield Hit(
                    score,
                    _content(words),
                    partial(ask_for_message, self.screen, MessageAsked(template=name)),
                    text=words,
                    help="makes it for a customer, to look at",
                )
        for number, words in await asyncio.to_thread(_customers, service, query):
            yield Hit(
                0.5,
                _content(words),
                partial(host.open_customer, number),
                text=words,
                help="opens the customer",
            )


def _content(words: str) -> Any:
    """Letters, never markup."""
    return Content(safe_text(words))


def _triggers(service: Service) -> list[tuple[str, str]]:
    try:
        return [(line.name, line.title) for line in service.triggers.lines(lambda: False)]
    except ManometerError:  # the palette goes on with what it has
        return []


def _templates(service: Service) -> Sequence[str]:
    try:
        return service.messages.choices(lambda: False).templates
    except ManometerError:  # as above
        return ()


def _customers(service: Service, text: str) -> list[tuple[int, str]]:
    first: list[int] = []
    try:
        hits = service.customers.ids(
            text, "key", False, lambda: len(first) >= FOUND, lambda ids: first.extend(ids[:FOUND])
        )
        first = first or list(hits.ids[:FOUND])
    except Exception:  # the border of the palette: found enough, or nothing
        first = first[:FOUND]
    rows = service.customers.rows(first[:FOUND], lambda: False) if first else {}
    return [
        (number, safe_text(f"{row.name or row.key} ({row.key}) {row.city or ''}"))
        for number, row in rows.items()
    ]
