"""Property tests: no deadlines, for machines are shared; the same examples each time where a change is
judged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import economy

settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("judge", parent=settings.get_profile("search"), derandomize=True, print_blob=True)
settings.load_profile("judge" if os.environ.get("CI") else "search")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many random shops the engine is set against the oracle in, and from which seed on."""
    parser.addoption("--shops", type=int, default=15, help="random shops of tests/oracle")
    parser.addoption("--first-shop", type=int, default=0, help="the seed of the first of them")


def pytest_configure() -> None:
    """Before the first folder is made."""
    economy.folders_in_memory()


@pytest.fixture(scope="session", autouse=True)
def _economy() -> Iterator[None]:
    """Schemas are laid and statements compiled once a process."""
    with economy.at_work():
        yield
