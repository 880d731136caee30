"""Property tests: no deadlines, for machines are shared; the same examples each time where a change is
judged.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("judge", parent=settings.get_profile("search"), derandomize=True, print_blob=True)
settings.load_profile("judge" if os.environ.get("CI") else "search")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many random shops the engine is set against the oracle in, and from which seed on."""
    parser.addoption("--shops", type=int, default=15, help="random shops of tests/oracle")
    parser.addoption("--first-shop", type=int, default=0, help="the seed of the first of them")
