"""The engine against a slow and obvious one: the same random lives, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.oracle.play import advanced, expected, replayed, shop_and_lives
from tests.oracle.spec import Life, Row, ShopSpec

LIVES = 25
"""Customers of each shop."""
PAUSED = 5_000
"""From which seed on shops are played with their pauses."""


def _told(rows: list[Row], shop: ShopSpec) -> list[str]:
    """Rows to compare. Over which of several channels a step that falls back comes too late is left open."""
    steps = {each.name: each.steps for each in shop.triggers}
    return [
        str(replace(row, channel="any", rules=()))
        if row.reason == "EXPIRED" and steps[row.trigger][row.step - 1].on_limit == "fallback"
        else str(row)
        for row in rows
    ]


def _agree(found: Mapping[str, list[Row]], shop: ShopSpec, lives: Sequence[Life], seed: int) -> None:
    for life in lives:
        said = _told(found.get(life.key, []), shop)
        assert said == _told(expected(shop, life), shop), (seed, life.key, shop.files(), shop.pauses, life)


@pytest.mark.slow
def test_a_replay_decides_what_the_oracle_decides(tmp_path: Path, oracle_seed: int) -> None:
    shop, lives = shop_and_lives(oracle_seed, LIVES)
    shop = replace(shop, pauses=())  # a replay plays no pauses of the past
    _agree(replayed(tmp_path, shop, lives), shop, lives, oracle_seed)


@pytest.mark.slow
def test_the_engine_decides_what_the_oracle_decides_under_pauses(oracle_seed: int) -> None:
    shop, lives = shop_and_lives(PAUSED + oracle_seed, LIVES)
    _agree({life.key: advanced(shop, life) for life in lives}, shop, lives, PAUSED + oracle_seed)
