"""The numbers of `status` in the form of Prometheus, for a file or an endpoint; there is nothing personal in
them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from threading import Lock
from typing import Final, get_args

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from console.health.observing import Observation
from core.health import Sort, State
from core.instants import SECOND

STATES: Final[tuple[State, ...]] = get_args(State)
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)


class StatusCollector(Collector):
    """Gives the numbers of the last observation; asking for them reads no database."""

    def __init__(self) -> None:
        self._seen: Observation | None = None
        self._lock = Lock()
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def see(self, seen: Observation) -> None:
        """A new observation."""
        with self._lock:
            self._seen = seen

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All numbers; none before the first observation."""
        with self._lock:
            seen = self._seen
        if seen is not None:
            yield from _families(seen)


def _families(seen: Observation) -> Iterator[GaugeMetricFamily]:
    figures, health = seen.figures, seen.health
    yield _labelled("state", "The state, 1 for the one that holds.", "state",
        {state: float(state == health.state) for state in STATES})  # fmt: skip
    wrong = Counter(each.sort for each in health.findings)
    yield _labelled("findings", "What is wrong, by sort.", "sort", {sort: wrong[sort] for sort in SORTS})
    yield _labelled("messages", "Messages that need somebody.", "state",
        {"held": figures.held, "failed": figures.failed, "uncertain": figures.uncertain})  # fmt: skip
    yield _plain("customers_due", "Customers whose instant has come.", figures.due)
    yield _plain("customers_overdue", "Of those, the ones beyond the grace.", figures.overdue)
    yield _plain("channels_halted", "Channels that hand nothing over.", len(figures.halted))
    yield _plain("sending_stopped", "1 while all sending is stopped.", figures.stopped)
    yield _plain(
        "scheduler_leads", "1 while a scheduler renews its lease.", figures.leader(seen.at) is not None
    )
    yield _plain("observed_timestamp_seconds", "When these numbers were read.", seen.at / SECOND)
    for name, instant in (("tick", figures.last_tick), ("dispatch", figures.last_dispatch)):
        if instant is not None:
            yield _plain(f"last_{name}_timestamp_seconds", f"When the last {name} was.", instant / SECOND)
    if figures.conservation is not None:
        yield _plain("books_balance", "1 where the books balance.", figures.conservation["holds"])
    if seen.disk is not None:
        yield _plain("disk_free_bytes", "Room on the disk of the database.", seen.disk.free)


def _plain(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"manometer_{name}", words, value=float(value))


def _labelled(name: str, words: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"manometer_{name}", words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(value))
    return family
