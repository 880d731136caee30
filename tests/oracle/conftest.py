"""How many random shops are played: `--shops N`, from `--first-shop N` on."""

from __future__ import annotations

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each seed."""
    if "oracle_seed" in metafunc.fixturenames:
        first, number = (metafunc.config.getoption(name) for name in ("--first-shop", "--shops"))
        metafunc.parametrize("oracle_seed", range(first, first + number))
