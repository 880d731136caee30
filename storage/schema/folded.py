"""The columns in which a search looks: names and cities, folded; SQL functions of migrations as well."""

from __future__ import annotations

from core.text_folding import folded


def folded_name(last_name: str | None, first_name: str | None) -> str | None:
    """The column `folded_name`: all spellings, the last name first."""
    return folded_text(" ".join(part for part in (last_name, first_name) if part))


def folded_text(text: str | None) -> str | None:
    """All spellings of a text; None where there is none."""
    return folded(text) if text else None
