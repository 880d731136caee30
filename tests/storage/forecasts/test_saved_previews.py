"""Previews that are kept in a file: what is written comes back."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

from core.forecast.preview import Fullness, PressedCustomer, PreviewCell, Totals
from storage.forecasts.saved_previews import SavedPreview, Saving

CELL = PreviewCell("2025-03-10", "basket", "email", "send", None)
KEYS: dict[str, Any] = {"cells": CELL, "imagined": CELL, "already": CELL, "contacts": 2}


def test_every_sum_of_a_kept_preview_comes_back(tmp_path: Path) -> None:
    totals = Totals(3, 2, 5, pressed=[PressedCustomer(2, 1_000, "anna", 7, Fullness("one-a-day", 1, 1))])
    for number, each in enumerate(fields(Totals), 1):
        if isinstance(getattr(totals, each.name), Counter):
            getattr(totals, each.name)[KEYS.get(each.name, ("2025-03-10", "email"))] = number
    with Saving(tmp_path, "kept") as saving:
        saving.finish({}, totals)
    with SavedPreview(tmp_path, "kept") as saved:
        assert saved.totals == totals
