"""The help: every key that works here, those of this screen first, searchable; Enter does what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.actions import parse
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.widgets import Input

from screens.cells.line import Cell, Line, fit
from screens.cells.safe_text import display_width
from screens.cells.wrapping import wrapped
from screens.frame import Frame
from screens.widgets.input import StillInput
from screens.widgets.keys import key
from screens.widgets.line_widget import Lines
from screens.widgets.modal import LeavesOnce
from screens.widgets.table import VirtualTable

if TYPE_CHECKING:
    from textual.dom import DOMNode


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """One thing that can be done: its keys, what it is, where it is bound, and why it cannot be done now."""

    keys: str
    words: str
    action: str
    node: DOMNode
    why_not: str | None
    rank: int = 0
    """What belongs to the screen itself comes first."""

    def matches(self, text: str) -> bool:
        """Whether every word of the text occurs in its key or its words."""
        return all(word in f"{self.keys} {self.words}".lower() for word in text.lower().split())


def entries(screen: Screen[object]) -> list[HelpEntry]:
    """Everything that can be done on a screen, each once: its own deeds, those of its focused part, what each
    list or screen can, moving about, and what works everywhere.
    """
    keys: dict[tuple[str, str], list[str]] = {}
    found: dict[tuple[str, str], HelpEntry] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.system or not binding.description or not binding.id:
            continue
        name = (binding.id, binding.action)
        keys.setdefault(name, []).append(screen.app.get_key_display(binding))
        why_not = None if active.enabled else _reason(screen, binding.action)
        found[name] = HelpEntry(
            "",
            binding.tooltip or binding.description,
            binding.action,
            active.node,
            why_not,
            _rank(active.node, binding, screen),
        )
    listed = [replace(each, keys="  ".join(keys[name])) for name, each in found.items()]
    return sorted(listed, key=lambda entry: entry.rank)


OF_EVERY_SCREEN: Final = frozenset(binding.id for binding in Frame.BINDINGS if isinstance(binding, Binding))
OF_EVERY_LIST: Final = frozenset(
    binding.id for binding in VirtualTable.BINDINGS if isinstance(binding, Binding)
)
MOVES: Final = frozenset({"line", "page", "edge", "column", "figure", "app.focus_next", "app.focus_previous"})
"""The actions that only move about."""


def _rank(node: DOMNode, binding: Binding, screen: Screen[object]) -> int:
    """Where an entry stands in the help."""
    own = vars(type(screen)).get("BINDINGS", ())
    if binding.action.partition("(")[0] in MOVES:
        return 5
    if node is screen.app:
        return 6
    if node is screen and any(isinstance(each, Binding) and each.id == binding.id for each in own):
        return 0
    if binding.id in OF_EVERY_SCREEN:
        return 4
    if binding.id in OF_EVERY_LIST:
        return 1 if binding.action == "open" else 3
    return 1 if node is screen else 2


def _reason(screen: Screen[object], action: str) -> str:
    name, parameters = parse(action)[1:]
    reason = screen.reason_of(name, parameters) if isinstance(screen, Frame) else None
    return reason or "not possible here"


class EntryList(Lines):
    """The entries with the chosen one marked."""

    DEFAULT_CSS = "EntryList { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.entries: Sequence[HelpEntry] = ()
        self.chosen = 0
        self._lines: Sequence[tuple[int, Line]] = ()
        self._top = 0

    def show(self, entries: Sequence[HelpEntry]) -> None:
        """List these, the first chosen."""
        self.entries, self.chosen, self._top = entries, 0, 0
        self._break()

    def on_resize(self, _: Resize) -> None:
        """Another width breaks the words elsewhere."""
        self._break()

    def _break(self) -> None:
        """The lines with the places of their entries; an entry too long for one line goes on below its
        words.
        """
        keys = max((display_width(entry.keys) for entry in self.entries), default=0)
        self._lines = [
            (place, line)
            for place, entry in enumerate(self.entries)
            for line in wrapped(_told(entry, keys), max(1, self.size.width - 2))
        ]
        self.move(0)

    def move(self, step: int) -> None:
        """Choose another."""
        self.chosen = min(max(0, self.chosen + step), max(0, len(self.entries) - 1))
        own = [number for number, (place, _) in enumerate(self._lines) if place == self.chosen]
        if own:
            self._top = min(max(self._top, own[-1] - self.size.height + 1), own[0])
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of an entry."""
        number, width = self._top + y, self.size.width
        if not self.entries and y == 0:
            return self.strip(
                [Cell("  No key of this screen fits. The other screens have keys of their own.", "dim")],
                width,
            )
        if number >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        place, line = self._lines[number]
        here, is_first = place == self.chosen, number == 0 or self._lines[number - 1][0] != place
        return self.strip(["> " if here and is_first else "  ", *line], width, reverse=here)


def _told(entry: HelpEntry, keys: int) -> Line:
    """Keys, words, and why not where it cannot be done."""
    can = entry.why_not is None
    return [
        Cell(fit(entry.keys, keys) + "  ", "accent"),
        Cell(entry.words if can else f"{entry.words}  ({entry.why_not})", "" if can else "dim"),
    ]


class Help(LeavesOnce, ModalScreen["HelpEntry | None"]):
    """Gives the entry that was chosen, or None."""

    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > #box {
        width: 78; max-width: 98%; height: 90%; background: $surface; border: round $primary; padding: 0 1;
    }
    Help Input, Help Input:focus {
        border: none; height: 1; padding: 0; background: $boost; margin-bottom: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "close", "Close", "help.close"),
        key("down", "move(1)", "Down", "help.down"),
        key("up", "move(-1)", "Up", "help.up"),
        key("pagedown", "move(10)", "Page down", "help.page_down"),
        key("pageup", "move(-10)", "Page up", "help.page_up"),
    ]

    def __init__(self, of: Screen[object]) -> None:
        super().__init__()
        self._all = entries(of)

    def compose(self) -> ComposeResult:
        """A line to search, and the entries."""
        with Vertical(id="box") as box:
            box.border_title = "Help"
            box.border_subtitle = "type to search, Enter does it, Esc closes"
            yield StillInput(placeholder="search keys and words")
            yield EntryList()

    def on_mount(self) -> None:
        """All of them at first."""
        self.query_one(EntryList).show(self._all)

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self.query_one(EntryList).show([entry for entry in self._all if entry.matches(event.value)])

    @on(Input.Submitted)
    def _choose(self) -> None:
        listed = self.query_one(EntryList)
        self.dismiss(listed.entries[listed.chosen] if listed.entries else None)

    def action_move(self, step: int) -> None:
        """Choose another entry."""
        self.query_one(EntryList).move(step)

    def action_close(self) -> None:
        """Nothing chosen."""
        self.dismiss(None)
