"""A page as a file for a browser: pictures with their numbers below, no scripts, nothing from elsewhere.

All text that stands in it is data and is escaped as such.
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from console.reports.elements import CHARACTER, LABEL, LINE, WIDTH, ReportPage
from core.errors import ManometerError
from screens.cells.grid import DARK_SHADES, LIGHT_SHADES
from screens.cells.safe_text import safe_text
from storage.unfinished import unfinished_file


def rendered(page: ReportPage) -> str:
    """The page as text."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["plain"] = _plain
    environment.filters["short"] = _short
    template = environment.from_string(
        files("console.reports").joinpath("page.html").read_text(encoding="utf-8")
    )
    return template.render(
        page=page, dark=DARK_SHADES, light=LIGHT_SHADES, width=WIDTH, label=LABEL, line=LINE
    ).lstrip()


def _plain(value: Any) -> str:
    """A cell: numbers with their thousands parted, text without what cannot be seen."""
    return (
        f"{value:,}"
        if isinstance(value, int)
        else f"{value:,g}"
        if isinstance(value, float)
        else safe_text(value, 10_000, for_terminal=False)
    )


def _short(value: Any, room: float) -> str:
    text = safe_text(value, 10_000, for_terminal=False)
    most = max(1, int(room / CHARACTER))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def write_page(path: Path, page: ReportPage) -> None:
    """Write it to a new file, which is complete or not there; ManometerError where it exists already or
    cannot be written.
    """
    text = rendered(page)
    try:
        if os.path.lexists(path):
            raise ManometerError(f"{path} exists already. Name another file, or remove it.")
        with unfinished_file(path) as (temporary, new):
            with os.fdopen(new, "w", encoding="utf-8") as file:
                file.write(text)
            temporary.rename(path)
    except OSError as error:
        raise ManometerError(f"{path}: cannot be written: {error.strerror}.") from None
