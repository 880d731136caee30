"""The engine against a slow and obvious one: the same random lives, row by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle.play import expected, replayed, shop_and_lives
from tests.oracle.spec import Row

LIVES = 40
"""Customers of each shop."""


def _told(rows: list[Row]) -> list[str]:
    return [str(row) for row in rows]


@pytest.mark.slow
def test_a_replay_decides_what_the_oracle_decides(tmp_path: Path, oracle_seed: int) -> None:
    shop, lives = shop_and_lives(oracle_seed, LIVES)
    found = replayed(tmp_path, shop, lives)
    for life in lives:
        rows = found.get(life.key, [])
        assert _told(rows) == _told(expected(shop, life)), (oracle_seed, life.key, shop.files(), life)
