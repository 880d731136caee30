"""Amounts in a currency for which the workspace has no rate, in words."""

from __future__ import annotations

from collections.abc import Mapping

from core.explain.words import counted


def words_of(unconverted: Mapping[str, int]) -> str:
    """What counts in no sum, by currency, and what to do."""
    named = ", ".join(
        f"{counted(number, 'amount')} in {currency}" for currency, number in sorted(unconverted.items())
    )
    return (
        f"{named} not converted and in no sum, since no rate fits. Add the rates to the file that `rates` in "
        "[workspace] names, and run `manometer apply`."
    )
