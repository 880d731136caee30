"""By how much a comparison fails, and when it would hold if nothing came: what an operator asks next."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.instants import DAY, Instant, Millis, format_instant
from core.language.closures import getter_of
from core.language.facts import Facts
from core.language.fields import Type
from core.language.literals import MINOR_UNITS
from core.language.tree import Ago, Compare, DaysSince, Literal, Node, Operand, Operator, type_of


@dataclass(frozen=True, slots=True)
class ShortfallContext:
    """Of whom a condition is asked, and the currency in which amounts are said (empty: none is said)."""

    facts: Facts
    currency: str = ""


def worded(operand: Operand, value: Any, currency: str = "") -> str:
    """A found value as people read it; instants as `2025-10-20T05:00:00Z`."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'"
    kind = type_of(operand)
    if kind is Type.MONEY:
        return money(value, currency)
    return format_instant(value) if kind is Type.INSTANT else number(value)


def money(value: int, currency: str = "") -> str:
    """`CHF 1,087.60` of minor units."""
    return f"{currency} {Decimal(value) / MINOR_UNITS:,.2f}".lstrip()


def number(value: int | float) -> str:
    """A number as it is, with two decimals where it has one."""
    return f"{value:.2f}" if isinstance(value, float) and round(value, 2) == value else str(value)


def shortfall(node: Node, asked: ShortfallContext) -> str:
    """By how much a comparison that does not hold fails; empty where that is no question of more or less."""
    if not isinstance(node, Compare) or node.operator == "==":
        return ""
    left, right = (getter_of(side)(asked.facts) for side in (node.left, node.right))
    if not _is_number(left) or not _is_number(right):
        return ""
    if isinstance(node.left, DaysSince) and isinstance(right, int):
        at = getter_of(node.left.of)(asked.facts)
        return _in_time(node.operator, at, right * DAY, DAY)
    if isinstance(node.right, Ago):
        return _in_time(TURNED[node.operator], left, node.right.elapsed, 1)
    if isinstance(node.left, Ago):
        return _in_time(node.operator, right, node.left.elapsed, 1)
    return "" if type_of(node.left) is Type.INSTANT else _by_how_much(node, left, right, asked.currency)


TURNED: dict[Operator, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _in_time(operator: Operator, at: Instant, elapsed: Millis, unit: Millis) -> str:
    """When the time since an instant comes to the length asked for, or has come to more than it may."""
    passed = at + elapsed + (unit if operator in (">", "<=") else 0)
    if operator in (">", ">="):
        return f"holds from {format_instant(passed)} on if nothing comes"
    return f"no longer since {format_instant(passed)}"


def _by_how_much(node: Compare, left: int | float, right: int | float, currency: str) -> str:
    kind = (
        node.left if type_of(node.left) is not Type.DYNAMIC or isinstance(node.right, Literal) else node.right
    )
    gap = abs(_exact(left) - _exact(right))
    difference = float(gap) if isinstance(left, float) or isinstance(right, float) else int(gap)
    bound, missing = worded(kind, right, currency), worded(kind, difference, currency)
    if node.operator in (">", ">="):
        return f"{missing} short of {bound}" if gap else f"must be more than {bound}"
    return f"{missing} more than {bound}" if gap else f"must be less than {bound}"


def _exact(value: int | float) -> Decimal:
    return Decimal(repr(value))
