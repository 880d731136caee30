"""Keeping a look ahead under a name: which name, whether another may go for it, then the deed."""

from __future__ import annotations

from functools import partial
from zoneinfo import ZoneInfo

from core.explain.words import counted
from core.forecast.preview import fault_of_name
from core.instants import local
from screens.cells import forecast as forecast_rows
from screens.cells.deed import Deed, DialogAnswer, DialogField
from screens.frame import Frame
from screens.ports.pressure import Forecast
from screens.widgets.dialogs import confirm


def ask_to_keep(screen: Frame, forecast: Forecast) -> None:
    """Ask for a name and a note, and keep the forecast; where the name is taken, ask whether that may be
    replaced.
    """
    confirm(screen, keep_deed(forecast, screen.zone), partial(_named, screen, forecast))


def _named(screen: Frame, forecast: Forecast, given: DialogAnswer) -> None:
    name, note = given.values["name"], given.values["note"]

    def found(taken: str | None) -> None:
        if taken is None:
            _keep(screen, forecast, name, note, replace=False)
        else:
            confirm(
                screen, replace_deed(name, taken), lambda _: _keep(screen, forecast, name, note, replace=True)
            )

    screen.ask(lambda service, cancelled: service.pressure.taken(name, cancelled), found, group="taken")


def _keep(screen: Frame, forecast: Forecast, name: str, note: str, *, replace: bool) -> None:
    screen.take_away(
        lambda service, cancelled: service.pressure.keep(forecast, name, note or None, replace, cancelled),
        "decision",
        forecast.totals.decisions,
        said=f"Kept as {name}. `manometer previews` lists, shows and compares what is kept; `manometer "
        f"drift {name}` judges it.",
    )


def keep_deed(forecast: Forecast, zone: ZoneInfo) -> Deed:
    """What would be kept, with a name for it."""
    supposed = forecast.supposed
    sort = "what-if" if supposed.is_what_if else supposed.trigger or "preview"
    lines = [f"{forecast_rows.span_words(forecast, zone)}."]
    lines += [f"What if: {', '.join(supposed.words)}."] if supposed.words else []
    lines += [f"Only {supposed.trigger}."] if supposed.trigger is not None else []
    fields = (
        DialogField(
            "name",
            "Name",
            f"{sort}-{local(forecast.first, zone):%Y-%m-%d}"[:60],
            needed=True,
            check=fault_of_name,
        ),
        DialogField("note", "What it is kept for (may be empty)"),
    )
    return Deed(
        "Keep this look ahead", lines, f"Keep {counted(forecast.totals.decisions, 'decision')}", fields=fields
    )


def replace_deed(name: str, taken: str) -> Deed:
    """What would be gone."""
    return Deed(f"Replace {name}?", [taken, "It will be gone."], f"Replace {name}")
