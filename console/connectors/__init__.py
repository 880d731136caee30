"""Connectors: one file a kind of source, found in this folder by its name. A new one is a file with a class
and a test.
"""

from __future__ import annotations

from functools import lru_cache

from core.discovery import class_of, kinds_in
from core.sources.connector import Connector


@lru_cache(maxsize=1)
def connector_kinds() -> tuple[str, ...]:
    """The kinds of source that are asked for events; looks at file names only and imports none of them."""
    return kinds_in(__path__)


@lru_cache(maxsize=32)
def connector_class(kind: str) -> type[Connector] | None:
    """The connector of that kind; None where there is none, and then nobody asks the source."""
    return class_of(__name__, kind) if kind in connector_kinds() else None
