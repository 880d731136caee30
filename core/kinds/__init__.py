"""The kinds of trigger, one file each: what makes a customer enter, and in which words.

A kind is a class of `When` in a file of this folder that names it `KIND`. The file holds everything that is
the kind's own: the keys of `[when]` and their reader, the events and instants that concern it, the history it
looks back at, and its words. Files that begin with an underscore hold what kinds share.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from core.kinds._kind import Kind


@cache
def kinds() -> Mapping[str, type[Kind]]:
    """All kinds by name, found in this folder, in the order in which people are told of them."""
    modules = [found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_")]
    found: list[type[Kind]] = [importlib.import_module(f"{__name__}.{name}").KIND for name in modules]
    return {kind.kind: kind for kind in sorted(found, key=lambda kind: (kind.place, kind.kind))}
