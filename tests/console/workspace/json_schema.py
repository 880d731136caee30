"""As much of JSON Schema (draft 7) as the schemas of a workspace's files use; another keyword is an error."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "integer": (int,),
    "number": (int, float, Decimal),
}  # fmt: skip
TOLD = {"$schema", "title", "description", "definitions", "then"}


def faults(schema: Mapping[str, Any], value: Any, root: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """What a schema objects to, with the path of the value."""
    for keyword, says in schema.items():
        if keyword not in TOLD:
            yield from (_CHECKS[keyword](schema, says, value, root, path))


def _fits(schema: Mapping[str, Any], value: Any, root: Mapping[str, Any]) -> bool:
    return next(faults(schema, value, root), None) is None


def _type(_: Any, says: str, value: Any, __: Any, path: str) -> Iterator[str]:
    if not isinstance(value, TYPES[says]) or (isinstance(value, bool) and says != "boolean"):
        yield f"{path}: no {says}"


def _properties(_: Any, says: Any, value: Any, root: Any, path: str) -> Iterator[str]:
    for key, inner in says.items():
        if isinstance(value, dict) and key in value:
            yield from faults(inner, value[key], root, f"{path}.{key}")


def _additional(schema: Any, says: Any, value: Any, root: Any, path: str) -> Iterator[str]:
    for key in value.keys() - schema.get("properties", {}).keys() if isinstance(value, dict) else ():
        if says is False:
            yield f"{path}.{key}: unknown"
        else:
            yield from faults(says, value[key], root, f"{path}.{key}")


def _required(_: Any, says: Any, value: Any, __: Any, path: str) -> Iterator[str]:
    yield from (f"{path}: {key} is missing" for key in says if isinstance(value, dict) and key not in value)


def _items(_: Any, says: Any, value: Any, root: Any, path: str) -> Iterator[str]:
    for number, each in enumerate(value if isinstance(value, list) else ()):
        yield from faults(says, each, root, f"{path}[{number}]")


def _names(_: Any, says: Any, value: Any, root: Any, path: str) -> Iterator[str]:
    for name in value if isinstance(value, dict) else ():
        yield from faults(says, name, root, f"{path}.{name}")


def _any(_: Any, says: Any, value: Any, root: Any, path: str) -> Iterator[str]:
    if not any(_fits(way, value, root) for way in says):
        yield f"{path}: none of its forms"


def _one(_: Any, says: Any, value: Any, root: Any, path: str) -> Iterator[str]:
    if sum(_fits(way, value, root) for way in says) != 1:
        yield f"{path}: not one of its forms"


def _all(_: Any, says: Any, value: Any, root: Any, path: str) -> Iterator[str]:
    for way in says:
        yield from faults(way, value, root, path)


def _if(schema: Any, says: Any, value: Any, root: Any, path: str) -> Iterator[str]:
    if _fits(says, value, root):
        yield from faults(schema["then"], value, root, path)


def _ref(_: Any, says: str, value: Any, root: Any, path: str) -> Iterator[str]:
    inner = root
    for part in says.removeprefix("#/").split("/"):
        inner = inner[part]
    yield from faults(inner, value, root, path)


def _when(holds: Any) -> Any:
    def check(_: Any, says: Any, value: Any, __: Any, path: str) -> Iterator[str]:
        if not holds(says, value):
            yield f"{path}: {value!r} against {says!r}"

    return check


_CHECKS: Mapping[str, Any] = {
    "type": _type, "properties": _properties, "additionalProperties": _additional, "required": _required,
    "items": _items, "propertyNames": _names, "anyOf": _any, "oneOf": _one, "allOf": _all, "if": _if,
    "$ref": _ref,
    "pattern": _when(lambda says, value: not isinstance(value, str) or re.search(says, value)),
    "enum": _when(lambda says, value: value in says),
    "const": _when(lambda says, value: value == says),
    "minimum": _when(lambda says, value: isinstance(value, bool | str) or value >= says),
    "maximum": _when(lambda says, value: isinstance(value, bool | str) or value <= says),
    "minItems": _when(lambda says, value: not isinstance(value, list) or len(value) >= says),
}  # fmt: skip
