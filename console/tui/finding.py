"""Finding what can be done: the help of the screen in front, and the command palette."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import App

from screens.help import Help, HelpEntry

if TYPE_CHECKING:
    from textual.command import Provider


PALETTE_HINT: Final = "a screen, an action, a name; or: pause basket, why nina birthday"
"""What can be written into the palette."""


class FindingApp(App[None]):
    """An app with a help of keys and a palette; the palette is imported when it is first wanted."""

    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    COMMANDS: ClassVar = {
        lambda: _provider("Doings"), lambda: _provider("Places"), lambda: _provider("Verbs")
    }  # fmt: skip

    def action_help(self) -> None:
        """What can be done here; what is chosen there is done."""
        if not isinstance(self.screen, Help):
            self.push_screen(Help(self.screen), self._do)

    async def _do(self, entry: HelpEntry | None) -> None:
        if entry is None:
            return
        if entry.why_not is not None:
            self.notify(entry.why_not, markup=False, severity="warning")
            return
        await self.run_action(entry.action, default_namespace=entry.node)

    def action_command_palette(self) -> None:
        """Open the palette."""
        from screens.palette import Palette

        if not isinstance(self.screen, Palette):
            # without an id: one that has not quite gone would be in its way
            self.push_screen(Palette(placeholder=PALETTE_HINT))

    def search_themes(self) -> None:
        """Open the palette on the themes alone."""
        from textual.theme import ThemeProvider

        from screens.palette import Palette

        self.push_screen(Palette(providers=[ThemeProvider], placeholder="Search for themes…"))


def _provider(name: str) -> type[Provider]:
    """A part of the palette, imported when it is first opened."""
    from screens import palette

    found: type[Provider] = getattr(palette, name)
    return found
