"""Keys that mean the same everywhere, as data: each has an id, by which a file of the operator can give it
another key.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Final

from textual.binding import Binding


def key(
    keys: str,
    action: str,
    description: str,
    id: str,
    tooltip: str = "",
    *,
    show: bool = False,
    priority: bool = False,
) -> Binding:
    """A binding; `tooltip` is the sentence that the help shows, the description the word in the footer."""
    return Binding(
        keys, action, description, show=show, id=id, tooltip=tooltip or description, priority=priority
    )


def moving(of: str) -> list[Binding]:
    """The keys that move in a list or a text; `of` begins their ids."""
    return [
        key("down,j", "line(1)", "Down", f"{of}.down", "one line down"),
        key("up,k", "line(-1)", "Up", f"{of}.up", "one line up"),
        key("pagedown,ctrl+d", "page(1)", "Page down", f"{of}.page_down", "one page down"),
        key("pageup,ctrl+u", "page(-1)", "Page up", f"{of}.page_up", "one page up"),
        key("home,g", "edge(False)", "First", f"{of}.first", "to the first line"),
        key("end,G", "edge(True)", "Last", f"{of}.last", "to the last line"),
    ]


SCREENS: Final = (
    ("1", "overview", "Overview"),
    ("2", "customers", "Customers"),
    ("3", "triggers", "Triggers"),
    ("4", "pressure", "Pressure"),
    ("5", "outbox", "Outbox"),
    ("6", "decisions", "Decisions"),
    ("7", "channels", "Channels"),
    ("8", "audit", "Audit"),
    ("9", "segments", "Segments"),
)
"""The top-level screens: key, mode, title."""

EVERYWHERE: Final = [
    *[
        key(number, f"go('{mode}')", title, f"screen.{mode}", f"to {title}")
        for number, mode, title in SCREENS
    ],
    key("minus", "last", "Last screen", "screen.last", "to the screen before this one"),
    key(
        "question_mark,f1",
        "help",
        "Help",
        "help",
        "the keys of this screen, searchable; Enter does it",
        show=True,
    ),
    key(
        "colon,ctrl+p",
        "command_palette",
        "Palette",
        "palette",
        "go to a screen, trigger or customer; every action; theme",
    ),
    key("at", "commands", "Commands", "commands", "what you did in this session, as commands to copy"),
    key("r", "reload", "Reload", "reload", "read everything anew"),
    key("f", "freeze", "Freeze", "freeze", "stop or resume following changes"),
    key("exclamation_mark", "stop", "Stop all", "stop", "emergency stop of all sending, or its end"),
    key("q,ctrl+q", "quit", "Quit", "quit", "leave the console"),
    key(
        "ctrl+c",
        "interrupt",
        "Quit",
        "interrupt",
        "leave the console, pressed twice; also from a dialog",
        priority=True,
    ),
    key("ctrl+z", "suspend_process", "Suspend", "suspend", "to the shell for a while; `fg` comes back"),
]


def known_ids() -> set[str]:
    """The ids of everything that has a key, on whatever screen; imports all screens."""
    import screens
    from screens import widgets

    modules = [
        import_module(f"{package.__name__}.{found.name}")
        for package in (screens, widgets)
        for found in pkgutil.iter_modules(package.__path__)
        if not found.ispkg
    ]
    classes = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    bound = [*EVERYWHERE, *(binding for each in classes for binding in vars(each).get("BINDINGS", ()))]
    return {binding.id for binding in bound if isinstance(binding, Binding) and binding.id}
