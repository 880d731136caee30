"""The engine against a slow and obvious one: the same random lives, row by row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.oracle.play import expected, replayed, shop_and_lives
from tests.oracle.spec import Row, ShopSpec

LIVES = 25
"""Customers of each shop."""


def _told(rows: list[Row], shop: ShopSpec) -> list[str]:
    """Rows to compare. Over which of several channels a step that falls back comes too late is left open."""
    steps = {each.name: each.steps for each in shop.triggers}
    return [
        str(replace(row, channel="any", rules=()))
        if row.reason == "EXPIRED" and steps[row.trigger][row.step - 1].on_limit == "fallback"
        else str(row)
        for row in rows
    ]


@pytest.mark.slow
def test_a_replay_decides_what_the_oracle_decides(tmp_path: Path, oracle_seed: int) -> None:
    shop, lives = shop_and_lives(oracle_seed, LIVES)
    found = replayed(tmp_path, shop, lives)
    for life in lives:
        said = _told(found.get(life.key, []), shop)
        assert said == _told(expected(shop, life), shop), (oracle_seed, life.key, shop.files(), life)
