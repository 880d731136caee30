"""The line below every screen: its keys."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from screens.cells.line import Cell, Cells
from screens.cells.safe_text import display_width
from screens.widgets.line_widget import Lines


class KeyLine(Lines):
    """The line below: the keys that do something here, those that cannot now in grey."""

    DEFAULT_CSS = "KeyLine { height: 1; dock: bottom; }"

    _drawn: Sequence[object] = ()

    def on_mount(self) -> None:
        """Follow what can be done."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._follow())

    def _follow(self) -> None:
        """Draw anew only where something else can be done than before: each move of a cursor asks."""
        shown = self._shown()
        if shown != self._drawn:
            self._drawn = shown
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The keys with their words, those of the focused part first; where there is no room for all, help
        stays.
        """
        width = self.size.width
        shown = self._shown()
        last = [part for part in shown if part[0] == "help"]
        room = width - 1 - sum(part[1] for part in last)
        line: list[Cells] = [" "]
        for name, size, parts in [*(part for part in shown if part[0] != "help"), *last]:
            room -= size if name != "help" else 0
            if room >= 0 or name == "help":
                line.extend(parts)
        return self.strip(line, width)

    def _shown(self) -> list[tuple[str | None, int, list[Cells]]]:
        """What has a place in the line: its id, its width, its parts."""
        shown: dict[str | None, tuple[str | None, int, list[Cells]]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.id not in shown:
                key, words = self.app.get_key_display(binding), f" {binding.description}  "
                parts: list[Cells] = [
                    Cell(key, "accent" if active.enabled else "dim"),
                    Cell(words, "" if active.enabled else "dim"),
                ]
                shown[binding.id] = (binding.id, display_width(key + words), parts)
        return list(shown.values())
