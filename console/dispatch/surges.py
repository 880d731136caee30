"""The bounds of the blast-radius stop: numbers an hour from the workspace, forecasts from kept previews."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from core.errors import ManometerError
from core.instants import HOUR, Instant, day_start, local_date
from core.limits.surge import SurgeBound
from core.playbook.playbook import Playbook
from storage.forecasts.saved_previews import SavedPreview, names, path_of

FOLDER = "previews"


def surge_bounds(playbook: Playbook, folder: Path, at: Instant) -> Iterator[SurgeBound]:
    """How many messages each trigger may send as of the instant, for each reason there is to bound it."""
    limits = playbook.surge
    day = local_date(at, playbook.zone)
    begins = day_start(day, playbook.zone)
    ends = day_start(day.fromordinal(day.toordinal() + 1), playbook.zone)
    forecasts = list(_forecasts(folder / FOLDER, playbook.version, begins, ends))
    for trigger in playbook.triggers:
        of_hour = limits.of_hour(trigger.name)
        if of_hour is not None:
            yield SurgeBound(trigger.name, of_hour, at - HOUR, f"more than {of_hour:,} within an hour")
        fitting = (each for each in forecasts if each.trigger in (None, trigger.name))
        newest = max(fitting, key=lambda each: each.now, default=None)
        if newest is not None:
            foreseen = newest.sends[trigger.name, day.isoformat()]
            most = limits.of_day(foreseen)
            reason = f"more than {most:,} on a day for which the preview {newest.name} foresaw {foreseen:,}"
            yield SurgeBound(trigger.name, most, begins, reason)


class _Forecast:
    """What a kept preview foresees."""

    def __init__(self, saved: SavedPreview) -> None:
        said = saved.about
        self.name = saved.name
        self.now: Instant = said["now"]
        self.first: Instant = said["first"]
        self.last: Instant = said["last"]
        self.trigger: str | None = said["trigger"]
        self.version: int = said["version"]
        self.is_changed = bool(said["changes"])
        self.sends: Counter[tuple[str, str]] = Counter()
        for cell, number in saved.totals.anew.items():
            if cell.outcome in ("send", "hold"):
                self.sends[cell.trigger, cell.day] += number


def _forecasts(folder: Path, version: int, begins: Instant, ends: Instant) -> Iterator[_Forecast]:
    """Those of the playbook in force that were made before the day and look at all of it."""
    for name in names(folder):
        forecast = _read(folder, name, path_of(folder, name).stat().st_mtime_ns)
        if (
            forecast is not None
            and forecast.version == version
            and not forecast.is_changed
            and forecast.first <= begins
            and ends <= forecast.last + 1
        ):
            yield forecast


@lru_cache(maxsize=32)
def _read(folder: Path, name: str, _changed_at: int) -> _Forecast | None:
    """None where the file is damaged, or of another release."""
    try:
        with SavedPreview(folder, name) as saved:
            return _Forecast(saved)
    except (ManometerError, KeyError, TypeError):
        return None
