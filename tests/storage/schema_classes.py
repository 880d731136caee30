"""Every class of the schema, whatever file it stands in."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from storage import schema
from storage.schema.row import SchemaRow


def all_classes() -> list[type[SchemaRow]]:
    """The classes of all areas, which are imported for it, in the order of their names."""
    for module in iter_modules(schema.__path__):
        import_module(f"{schema.__name__}.{module.name}")
    return sorted(SchemaRow.__subclasses__(), key=lambda each: each.__name__)
