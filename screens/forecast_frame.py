"""What screens on one forecast have in common."""

from __future__ import annotations

from screens.frame import Frame
from screens.ports.pressure import Forecast


class ForecastFrame(Frame):
    """A screen on one forecast, which stays what it was whatever is written meanwhile."""

    mode = "pressure"

    def __init__(self, forecast: Forecast) -> None:
        super().__init__()
        self.forecast = forecast

    def data_changed(self) -> None:
        """A forecast stays what it was."""
