"""Classes found by folder: one file a kind, each with one class whose `kind` is the name of the file."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from importlib import import_module
from typing import Any


def kinds_in(folders: Iterable[str]) -> tuple[str, ...]:
    """The kinds in the folders of a package, by name; looks at file names only and imports none of them.

    A file whose name begins with `_` is no kind, but something that several share.
    """
    return tuple(
        sorted(module.name for module in pkgutil.iter_modules(folders) if not module.name.startswith("_"))
    )


def class_of(package: str, kind: str) -> type[Any]:
    """The class of a kind that is in the package; StopIteration where its file holds none."""
    module = import_module(f"{package}.{kind}")
    return next(
        value
        for value in vars(module).values()
        if isinstance(value, type) and vars(value).get("kind") == kind
    )
