"""The columns of all lists: where one is shown, there is room for it."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest

import screens.cells
from screens.cells.column import Column


def lists() -> Iterator[tuple[str, tuple[Column, ...]]]:
    """Every list that is laid out in columns, by module and name."""
    for module in pkgutil.iter_modules(screens.cells.__path__):
        for name, value in vars(import_module(f"screens.cells.{module.name}")).items():
            if isinstance(value, tuple) and value and all(isinstance(each, Column) for each in value):
                yield f"{module.name}.{name}", value


@pytest.mark.parametrize(("name", "columns"), [*lists()], ids=[name for name, _ in lists()])
def test_whatever_is_shown_in_a_terminal_of_sixty_columns_or_more_has_its_width(
    name: str, columns: tuple[Column, ...]
) -> None:
    cut = [
        width
        for width in range(60, 200)
        if sum(each.width + 1 for each in columns if width >= each.least) + 1 > width
    ]
    assert cut == [], f"{name} is cut at the right end in these widths"
