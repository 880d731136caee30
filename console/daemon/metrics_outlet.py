"""Where the scheduler leaves the numbers for Prometheus: a file, an endpoint, or both."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.health.observing import Observation
from console.workspace.watch import WatchSettings
from core.errors import ManometerError

if TYPE_CHECKING:
    from console.health.metrics import StatusCollector


class MetricsOutlet:
    """The file and the endpoint of one scheduler; the endpoint answers from the last observation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listening: tuple[str, int] | None = None
        self._stop: Callable[[], None] = lambda: None

    @cached_property
    def _collector(self) -> StatusCollector:
        from console.health.metrics import StatusCollector  # only where somebody asks for the numbers

        return StatusCollector()

    def give(self, seen: Observation, watch: WatchSettings) -> None:
        """Leave an observation where the settings say; ManometerError where that cannot be."""
        self._collector.see(seen)
        try:
            if watch.listen != self._listening:
                self._listen(watch.listen)
            if watch.file is not None:
                self._write(str(self._folder / Path(watch.file).expanduser()))
        except OSError as error:
            place = watch.file if self._listening == watch.listen else ":".join(map(str, watch.listen or ()))
            raise ManometerError(
                f"The numbers for Prometheus cannot be left at {place}: {error.strerror}. See [metrics]."
            ) from None

    def _write(self, path: str) -> None:
        from prometheus_client import write_to_textfile  # see above

        write_to_textfile(path, self._collector.registry)

    def _listen(self, place: tuple[str, int] | None) -> None:
        from prometheus_client import start_http_server  # see above

        self.close()
        if place is not None:
            server, _ = start_http_server(place[1], place[0], self._collector.registry)
            self._listening, self._stop = place, _closing(server)

    def close(self) -> None:
        """Answer no more."""
        self._stop()
        self._listening, self._stop = None, lambda: None


def _closing(server: Any) -> Callable[[], None]:
    def close() -> None:
        server.shutdown()
        server.server_close()

    return close
