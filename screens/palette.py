"""What the command palette finds beside the screens: customers, triggers, templates, and every key that works
here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from textual.command import CommandInput, CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from core.engine.pauses import pause_label
from core.errors import ManometerError
from core.model.pauses import EVERYTHING, parse_target
from screens.cells.safe_text import safe_text
from screens.frame import Frame
from screens.help import MOVES, HelpEntry, entries
from screens.host import Host
from screens.message import ask_for_message
from screens.ports.messages import MessageAsked
from screens.ports.service import Service
from screens.widgets.keys import SCREENS
from screens.widgets.modal import LeavesOnce

if TYPE_CHECKING:
    from textual.screen import Screen

FOUND: Final = 8
"""So many customers are offered."""
LEAST: Final = 0.1
"""How well something fits of which only the key was written."""
SCREEN_FIRST: Final = 3.0
VERB_FIRST: Final = 2.0
"""How well screens and verbs fit: before everything that only resembles what was written."""
THEME: Final = "Change colours: another theme"
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
    """The screens, everything that has a key on the screen in front, and the theme."""

    async def discover(self) -> Hits:
        """All of it, the screens first."""
        for number, mode, title in SCREENS:
            yield DiscoveryHit(_content(title), self._going(mode), text=title, help=number)
        for entry in self._entries():
            yield DiscoveryHit(_content(entry.words), self._doing(entry), text=entry.words, help=entry.keys)
        yield DiscoveryHit(_content(THEME), self.app.action_change_theme, text=THEME)

    async def search(self, query: str) -> Hits:
        """What fits the words, the screens first."""
        matcher = self.matcher(query)
        for number, mode, title in SCREENS:
            if title.lower().startswith(query.lower()):
                yield Hit(SCREEN_FIRST, _content(title), self._going(mode), text=title, help=number)
        for entry in self._entries():
            # letters strewn over a sentence are no hit: they would stand before the customer of that name
            if entry.matches(query):
                score = max(LEAST, matcher.match(entry.words))
                yield Hit(score, _content(entry.words), self._doing(entry), text=entry.words, help=entry.keys)
        if query.lower() in THEME.lower():
            yield Hit(LEAST, _content(THEME), self.app.action_change_theme, text=THEME)

    def _entries(self) -> Sequence[HelpEntry]:
        """What can be done here and is not said already by a screen's name; moving about is for keys."""
        return [
            entry
            for entry in entries(self.screen)
            if entry.why_not is None and _name(entry) not in (*MOVES, "go", "command_palette")
        ]

    def _doing(self, entry: HelpEntry) -> Callable[[], Awaitable[bool]]:
        return partial(self.app.run_action, entry.action, default_namespace=entry.node)

    def _going(self, mode: str) -> Callable[[], Awaitable[bool]]:
        return partial(self.app.run_action, f"go('{mode}')")


def _name(entry: HelpEntry) -> str:
    return entry.action.partition("(")[0]


class Verbs(Provider):
    """A verb and what it is about, in a word or two each: `pause basket`, `why nina birthday`."""

    async def search(self, query: str) -> Hits:
        """What the words can mean."""
        verb, _, rest = query.strip().partition(" ")
        opened = cast("Host", self.app).opened
        if not rest.strip() or not opened.done() or not isinstance(self.screen, Frame):
            return
        names = [each for each in VERBS if each.startswith(verb.lower())]
        for meant in names if len(verb) >= SHORTEST else []:
            for words, helps, do in await asyncio.to_thread(self._meant, meant, rest.split()):
                text = safe_text(words)
                yield Hit(VERB_FIRST, _content(text), do, text=text, help=safe_text(helps))

    def _meant(self, verb: str, words: Sequence[str]) -> list[_Act]:
        """What a verb and its words come to; asked in a thread."""
        service = cast("Host", self.app).opened.result()
        try:
            if verb == "why":
                return self._why(service, words)
            if verb in ("pause", "resume"):
                return self._turn(service, verb, words)
            return self._of_trigger(service, verb, words)
        except ManometerError:  # the palette goes on with what it has
            return []

    def _why(self, service: Service, words: Sequence[str]) -> list[_Act]:
        host = cast("Host", self.app)
        triggers = _named([name for name, _ in _triggers(service)], words[-1:]) if len(words) > 1 else []
        acts: list[_Act] = []
        for trigger in triggers:
            for key, told in _people(service, " ".join(words[:-1])):
                opens = partial(host.open_why, key, trigger)
                acts.append((f"Why {told}: {trigger}", "every check between the two", opens))
        acts += [
            (f"Why {told}", "every trigger's verdict", partial(host.open_why, key))
            for key, told in _people(service, " ".join(words))
        ]
        return acts[:FOUND]

    def _turn(self, service: Service, verb: str, words: Sequence[str]) -> list[_Act]:
        """Whatever can be paused, or is."""
        from screens.pausing import by_words  # when first wanted

        frame = cast("Frame", self.screen)
        paused = {line.target: line.pause for line in service.triggers.pauses(lambda: False)}
        lines = service.triggers.lines(lambda: False)
        paused |= {line.name: line.pause for line in lines if line.state in ("active", "paused")}
        acts: list[_Act] = []
        for target in _named([each for each in paused if each != EVERYTHING], words):
            pause, label = paused[target], pause_label(parse_target(target))
            if (pause is None) == (verb == "pause"):
                asks = partial(self._ask, frame, target)
                acts.append((f"{verb.title()} {label}", "asks first, in numbers", asks))
            elif verb == "pause" and pause is not None:
                asks = partial(self._ask, frame, target)
                acts.append((f"{label} is paused already{by_words(pause)}", "asks to end the pause", asks))
        return acts[:FOUND]

    def _ask(self, frame: Frame, target: str) -> None:
        from screens.pausing import ask_to_pause_or_resume  # when first wanted

        ask_to_pause_or_resume(frame, target)

    def _of_trigger(self, service: Service, verb: str, words: Sequence[str]) -> list[_Act]:
        helps, make = OF_TRIGGER[verb]
        named = _named([name for name, _ in _triggers(service)], words)
        return [(f"{verb.title()} {name}", helps, partial(self._show, make, name)) for name in named[:FOUND]]

    def _show(self, make: Callable[[str], Screen[None]], name: str) -> None:
        self.app.push_screen(make(name))


_Act: TypeAlias = tuple[str, str, Callable[[], None]]
"""What an entry of the palette says, what it explains beside, and what it does."""


def _backtest(name: str) -> Screen[None]:
    from screens.backtest import BacktestScreen  # when first wanted, as below

    return BacktestScreen(name)


def _preview(name: str) -> Screen[None]:
    from screens.pressure import PressureScreen

    return PressureScreen(name)


def _decisions(name: str) -> Screen[None]:
    from screens.decisions import DecisionsOf

    return DecisionsOf(name)


OF_TRIGGER: Final[Mapping[str, tuple[str, Callable[[str], Screen[None]]]]] = {
    "backtest": ("tries it on the past", _backtest),
    "preview": ("looks ahead at it alone", _preview),
    "decisions": ("what it has decided", _decisions),
}
VERBS: Final = ("pause", "resume", "why", *OF_TRIGGER)


def _named(names: Sequence[str], words: Sequence[str]) -> list[str]:
    """The names that hold every word, whole ones first."""
    wanted = [word.lower() for word in words]
    found = [name for name in names if all(word in name.lower() for word in wanted)]
    return sorted(found, key=lambda name: (name.lower() not in wanted, name))


def _people(service: Service, text: str) -> list[tuple[str, str]]:
    """Keys and words of the first customers that a text finds."""
    ids = [number for number, _ in _customers(service, text)]
    rows = service.customers.rows(ids, lambda: False) if ids else {}
    return [(row.key, f"{row.name or row.key} ({row.key})") for row in rows.values()]


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
