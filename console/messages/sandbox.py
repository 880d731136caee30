"""The template language: Jinja2 cut down to what a message needs, so that no template and no customer's name
can do harm.

Templates see plain values only. There are no calls (but `range`), no nested loops, no way to a Python
attribute, and every text that is made on the way is bounded. What a customer lacks is empty; what nobody has
is a fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache, wraps
from math import isfinite
from types import CodeType
from typing import Any, Final, Literal

from jinja2 import (
    ChainableUndefined,
    StrictUndefined,
    Template,
    TemplateError,
    Undefined,
    nodes,
    pass_context,
    pass_eval_context,
)
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from core.suggestions import near

Mode = Literal["text", "html", "json"]

LONGEST_TEXT: Final = 262_144
"""Characters of a template, and of any one text made while it is rendered."""
LONGEST_RESULT: Final = 1_048_576
"""Characters of one rendered file."""
MOST_ITEMS: Final = 1_000
"""Rounds of a loop."""
WIDEST_NUMBER: Final = 256
"""Bits of a whole number."""


FaultSort = Literal["value", "template", "time"]


class TemplateFault(Exception):  # noqa: N818 - a fault of a file or a value, told to people under that name
    """A message that cannot be made: the reason in words, and the line (from 1) where it is known.

    `sort`: `value`, something of this message does not fit; `template`, no message can be made of it; `time`,
    making it takes too long or needs too much memory.
    """

    def __init__(self, reason: str, line: int | None = None, sort: FaultSort = "value") -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.sort: FaultSort = sort


class Record(dict[str, Any]):
    """A mapping with a fixed set of names: asking for any other is a fault, while any name of a plain mapping
    may be missing.
    """

    def __init__(self, what: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.what = what

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, dict(self))


# ---- what may stand in a template ----

_ALLOWED: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem,
    nodes.Slice, nodes.Filter,
    nodes.Test, nodes.If, nodes.For, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or,
    nodes.Not, nodes.Add, nodes.Sub,
    nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos, nodes.Concat, nodes.Assign,
    nodes.With, nodes.List,
    nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Call,
)  # fmt: skip
_LOOP_NAMES: Final = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length"})


def faults_of(tree: nodes.Template) -> Iterable[TemplateFault]:
    """Each construct that no template may hold."""
    for node, loops in _walk(tree, 0):
        if not isinstance(node, _ALLOWED):
            yield TemplateFault(
                f"{_construct(node)} cannot be used in a template; keep to if, for, set, with and filters",
                node.lineno,
            )
        elif isinstance(node, nodes.Call) and not (
            isinstance(node.node, nodes.Name) and node.node.name == "range"
        ):
            yield TemplateFault(
                "calls cannot be used in a template; write a filter, such as {{ name|upper }}", node.lineno
            )
        elif isinstance(node, nodes.For) and (loops > 1 or node.recursive):
            yield TemplateFault("a loop cannot stand in another loop", node.lineno)
        elif isinstance(node, nodes.Const) and isinstance(node.value, float) and not isfinite(node.value):
            yield TemplateFault("a number is too large", node.lineno)


def _walk(node: nodes.Node, loops: int) -> Iterable[tuple[nodes.Node, int]]:
    loops += isinstance(node, nodes.For)
    yield node, loops
    for child in node.iter_child_nodes():
        yield from _walk(child, loops)


def _construct(node: nodes.Node) -> str:
    words = {
        "CallBlock": "call",
        "FromImport": "from",
        "FilterBlock": "filter blocks",
        "AssignBlock": "set blocks",
        "Pow": "**",
    }
    name = type(node).__name__
    return words.get(name, name.lower())


def _bound(tree: nodes.Template) -> nodes.Template:
    """The same template with joined texts and loops going through bounded filters."""
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "_rounds", [], [], None, None, lineno=loop.lineno)
    _join_bounded(tree)
    return tree


def _join_bounded(node: nodes.Node) -> nodes.Node:
    """Turn `a ~ b` into a filter, for Jinja's own joining cannot be bounded."""
    for name, value in node.iter_fields():
        if isinstance(value, nodes.Node):
            setattr(node, name, _join_bounded(value))
        elif isinstance(value, list):
            value[:] = [_join_bounded(item) if isinstance(item, nodes.Node) else item for item in value]
    if isinstance(node, nodes.Concat):
        return nodes.Filter(
            nodes.List(node.nodes, lineno=node.lineno), "_joined", [], [], None, None, lineno=node.lineno
        )
    return node


# ---- bounded values ----


def _bounded(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise SecurityError(f"a text grows beyond {LONGEST_TEXT:,} characters")
    if isinstance(value, int) and value.bit_length() > WIDEST_NUMBER:
        raise SecurityError("a number grows too large")
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() > WIDEST_NUMBER:
        raise SecurityError("a number grows too large")
    return value


def _guarded(original: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose result is bounded; each step can only multiply by a small factor, so it is enough to
    look at the result.
    """

    @wraps(original)  # also copies the mark by which Jinja passes context or environment
    def bounded(*args: Any, **kwargs: Any) -> Any:
        return _bounded(original(*args, **kwargs))

    return bounded


def _text_length(value: object) -> int:
    return len(value) if isinstance(value, str) else 32


@pass_eval_context
def _join(eval_context: EvalContext, value: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
    items = list(value)
    if attribute is not None:
        items = [eval_context.environment.getitem(item, attribute) for item in items]
    if sum(map(_text_length, items)) + len(items) * len(d) > LONGEST_TEXT:
        raise SecurityError(f"a text grows beyond {LONGEST_TEXT:,} characters")
    shown = [_plain(item) for item in items]
    return escape(d).join(map(escape, shown)) if eval_context.autoescape else str(d).join(map(str, shown))


def _replace(value: Any, old: str, new: str) -> str:
    text, old, new = str(value), str(old), str(new)
    if not old:
        raise SecurityError("replace needs a text to look for")
    if len(text) + text.count(old) * len(new) > LONGEST_TEXT:
        raise SecurityError(f"a text grows beyond {LONGEST_TEXT:,} characters")
    return text.replace(old, new)


def _round(value: Any, precision: int = 0) -> Any:
    places = max(0, min(int(precision), 10))
    return round(Decimal(str(value)), places) if places else round(Decimal(str(value)))


def _first_items(value: Iterable[Any]) -> Iterable[Any]:
    for number, item in enumerate(value):
        if number == MOST_ITEMS:
            raise SecurityError(f"a loop runs more than {MOST_ITEMS:,} times")
        yield item


def _rounds(value: Any) -> Any:
    """What a loop runs over: lists of unlimited length come from customers' events."""
    if isinstance(value, Undefined) and not isinstance(value, StrictUndefined):
        return []
    if isinstance(value, (list, tuple, dict, range, str)) and len(value) <= MOST_ITEMS:
        return value
    return list(_first_items(value))


def _range(*bounds: int) -> range:
    found = range(*(int(bound) for bound in bounds[:3]))
    if len(found) > MOST_ITEMS:
        raise SecurityError(f"a range has more than {MOST_ITEMS:,} numbers")
    return found


def _items(value: Any) -> Any:
    return list(value.items()) if isinstance(value, Mapping) else []


def _tojson(value: Any) -> Markup:
    text = json.dumps(_serialisable(value), ensure_ascii=False)
    for letter, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("'", "\\u0027")):
        text = text.replace(letter, code)
    return Markup(text)  # noqa: S704 - escaped just above, for the inside of a script


def _serialisable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _serialisable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_serialisable(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Undefined):
        str(value)  # raises for a name that nobody has
        return ""
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


# ---- filters for people ----


def _locale(context: Context) -> tuple[str, str]:
    """Language and region of the customer, in lower and upper case."""
    customer = context.parent.get("customer")
    language, _, region = str((customer or {}).get("locale") or "").replace("_", "-").partition("-")
    return language.lower(), region.upper()


@pass_context
def money(context: Context, value: Any, currency: str | None = None) -> str:
    """An amount in major units with its currency, written as the customer's locale does: `CHF 1'234.50`,
    `1.234,50 EUR`.
    """
    if value is None or value == "" or isinstance(value, Undefined):
        return str(value or "")
    try:
        amount = Decimal(str(value))
        whole, _, part = (
            f"{abs(amount):,.2f}".partition(".")
            if amount.is_finite() and abs(amount) < 10**15
            else ("", "", "")
        )
    except InvalidOperation:
        whole = part = ""
    if not whole:
        raise SecurityError(f"{str(value)[:40]!r} is not an amount of money")
    workspace = context.parent.get("workspace") or {}
    return _written(
        whole,
        part,
        "-" if amount < 0 else "",
        str(currency or workspace.get("currency") or ""),
        *_locale(context),
    )


def _written(whole: str, part: str, sign: str, currency: str, language: str, region: str) -> str:
    if region in ("CH", "LI"):
        return f"{currency} {sign}{whole.replace(',', chr(39))}.{part}".strip()
    if language == "fr":
        return f"{sign}{whole.replace(',', chr(160))},{part} {currency}".strip()
    if language in ("de", "it", "es", "nl", "pt", "da"):
        return f"{sign}{whole.replace(',', '.')},{part} {currency}".strip()
    return f"{currency} {sign}{whole}.{part}".strip()


_DAY: Final = re.compile(r"(\d{4}|-)-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d))?")
_PATTERNS: Final[Mapping[str, str]] = {
    "de": "%d.%m.%Y", "fr": "%d/%m/%Y", "it": "%d/%m/%Y", "es": "%d/%m/%Y", "nl": "%d-%m-%Y",
    "en": "%e %b %Y",
}  # fmt: skip
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@pass_context
def date(context: Context, value: Any, pattern: str | None = None) -> str:
    """A date as the customer's locale writes it, or by a pattern of %d %e %m %b %Y %y %H %M; a birthday may
    lack its year.
    """
    if value is None or value == "" or isinstance(value, Undefined):
        return str(value or "")
    found = _DAY.match(str(value))
    if found is None or not _is_day(found):
        raise SecurityError(f"{str(value)[:40]!r} is not a date")
    year, month, day, hour, minute = found.groups()
    language, region = _locale(context)
    written = pattern or ("%d.%m.%Y" if region in ("CH", "LI") else _PATTERNS.get(language, "%Y-%m-%d"))
    if year == "-":
        year = ""
        written = written.replace(" %Y", "").replace("%Y-", "").replace("/%Y", "").replace("-%Y", "")
    parts = {"d": day, "e": str(int(day)), "m": month, "b": _MONTHS[int(month) - 1], "Y": year, "y": year[2:]}
    parts |= {"H": hour or "00", "M": minute or "00"}
    return re.sub(r"%([debmYyHM%])", lambda code: parts.get(code[1], "%"), written)


def _is_day(found: re.Match[str]) -> bool:
    try:
        datetime.strptime(f"{2000 if found[1] == '-' else found[1]}-{found[2]}-{found[3]}", "%Y-%m-%d")  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return False
    return True


_WOMAN: Final = frozenset({"f", "female", "w", "weiblich", "frau", "femme", "femmina", "donna", "mrs", "ms"})
_MAN: Final = frozenset({"m", "male", "männlich", "mann", "herr", "homme", "maschio", "uomo", "mr"})
_GREETINGS: Final[Mapping[str, tuple[str, str, str]]] = {
    "de": ("Guten Tag", "Guten Tag Frau", "Guten Tag Herr"),
    "fr": ("Bonjour", "Bonjour Madame", "Bonjour Monsieur"),
    "it": ("Buongiorno", "Gentile signora", "Gentile signor"),
    "en": ("Hello", "Dear Ms", "Dear Mr"),
}  # fmt: skip


@pass_context
def salutation(context: Context, value: Any, language: str | None = None) -> str:
    """How a letter to the customer begins, by language, gender and name: `Guten Tag Frau Keller`, `Bonjour
    Nina Favre`, `Hello`.
    """
    known = value if isinstance(value, Mapping) else {}
    neutral, to_her, to_him = _GREETINGS.get(str(language or _locale(context)[0]), _GREETINGS["en"])
    first, last, gender = (
        str(known.get(name) or "").strip() for name in ("first_name", "last_name", "gender")
    )
    if last and gender.lower() in _WOMAN | _MAN:
        return f"{to_her if gender.lower() in _WOMAN else to_him} {last}"
    return " ".join(part for part in (neutral, first, last) if part)


_FROM_JINJA: Final = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "int", "last",
    "length", "list", "lower",
    "map", "max", "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "string",
    "striptags", "sum", "title", "trim",
    "truncate", "unique", "upper", "urlencode", "wordcount",
)  # fmt: skip
_OWN: Final[Mapping[str, Callable[..., Any]]] = {
    "date": date, "items": _items, "join": _join, "_joined": _join, "money": money, "replace": _replace,
    "round": _round,
    "_rounds": _rounds, "salutation": salutation, "tojson": _tojson,
}  # fmt: skip
FILTER_NAMES: Final = tuple(sorted({*_FROM_JINJA, *(name for name in _OWN if not name.startswith("_"))}))


# ---- the environments ----


class _Missing(ChainableUndefined):
    """What a customer or an event lacks: empty, and so is everything in it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _missing, (self._undefined_name,)


def _missing(name: str | None) -> _Missing:
    return _Missing(name=name)


MISSING: Final = _Missing()
"""The value of a field that a customer lacks: empty, and replaced by the filter `default`."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Reads names of mappings and nothing else; arithmetic cannot grow without end."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext):
            return (
                getattr(obj, attribute)
                if attribute in _LOOP_NAMES
                else self._unknown(f"'loop' has no '{attribute}'")
            )
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            return obj if isinstance(obj, _Missing) else self._unknown(str(obj._undefined_message))
        if isinstance(argument, str) and argument.startswith("__"):
            return self._unknown(f"'{argument[:60]}' cannot be read in a template")
        try:
            if isinstance(obj, Record):
                return obj[argument] if argument in obj else self._unknown_field(obj, argument)
            if isinstance(obj, Mapping):
                return obj[argument] if argument in obj else _Missing(name=str(argument)[:60])
            if isinstance(obj, (list, tuple, str)) and isinstance(argument, (int, slice)):
                return obj[argument]
        except (TypeError, IndexError, ValueError):
            pass
        return _Missing(name=str(argument)[:60])

    def _unknown_field(self, record: Record, name: object) -> StrictUndefined:
        shown = str(name)[:60]
        hint = near(shown, record)
        return self._unknown(f"'{record.what}' has no '{shown}'. {hint or ''}".strip())

    def _unknown(self, message: str) -> StrictUndefined:
        return StrictUndefined(message, exc=SecurityError)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if (
            operator == "+"
            and isinstance(left, str)
            and isinstance(right, str)
            and len(left) + len(right) > LONGEST_TEXT
        ):
            raise SecurityError(f"a text grows beyond {LONGEST_TEXT:,} characters")
        if operator != "+" and not (_is_number(left) and _is_number(right)):
            raise SecurityError(
                f"'{operator}' works on numbers; a text is on its {'right' if _is_number(left) else 'left'}"
            )
        if operator == "+" and isinstance(left, (list, tuple, Mapping)):
            raise SecurityError("'+' works on numbers and texts")
        left, right = (Decimal(str(side)) if isinstance(side, float) else side for side in (left, right))
        return _bounded(super().call_binop(context, operator, left, right))

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - Jinja calls it by these names
        if obj is not _range:
            raise SecurityError("calls cannot be used in a template")
        return _range(*args)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Decimal))


def _plain(value: Any) -> Any:
    return "" if value is None else value


OPEN, CLOSE = "\ue000", "\ue001"
"""Private letters that part values from the template's own text until a JSON template is put together."""


def _enclosed(value: Any) -> Any:
    if isinstance(value, Undefined):
        value = str(value)
    return (
        OPEN
        + json.dumps(_serialisable(value), ensure_ascii=False).replace(OPEN, "").replace(CLOSE, "")
        + CLOSE
    )


@lru_cache(maxsize=3)
def environment(mode: Mode) -> _Sandbox:
    """The one environment for texts, HTML, or JSON files that are no JSON until they are rendered."""
    made = _Sandbox(
        autoescape=mode == "html",
        undefined=StrictUndefined,
        finalize=_enclosed if mode == "json" else _plain,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=mode != "text",
        cache_size=0,
    )
    made.filters = {name: _guarded(FILTERS[name]) for name in _FROM_JINJA} | {
        name: _guarded(own) for name, own in _OWN.items()
    }
    if mode == "json":
        made.filters["tojson"] = lambda value: value  # every value is written as JSON there
    made.globals = {"range": _range}
    return made


def parse(text: str, mode: Mode) -> nodes.Template:
    """The tree of a template; TemplateFault with its line where it is not one."""
    if len(text) > LONGEST_TEXT:
        raise TemplateFault(f"the template has more than {LONGEST_TEXT:,} characters")
    try:
        return environment(mode).parse(text)
    except TemplateError as error:
        raise TemplateFault(str(error.message), getattr(error, "lineno", None)) from None
    except RecursionError:
        raise TemplateFault("the template nests too deeply") from None


@lru_cache(maxsize=1_024)
def compiled(text: str, mode: Mode) -> Template:
    """A template ready to be rendered; TemplateFault where it cannot be used."""
    try:
        tree = parse(text, mode)
        fault = next(iter(faults_of(tree)), None)
        if fault is not None:
            raise fault
        made = environment(mode)
        code = made.compile(_bound(tree))
        if not _NO_NUMBERS.isdisjoint(_global_names(code)):
            raise TemplateFault("a number is too large")
        return Template.from_code(made, code, made.make_globals(None))
    except TemplateFault as fault:
        raise TemplateFault(fault.reason, fault.line, "template") from None
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise TemplateFault(_with_suggestion(str(error.message)), line, "template") from None
    except (RecursionError, MemoryError, SyntaxError):
        raise TemplateFault("the template nests too deeply", sort="template") from None


_NO_NUMBERS: Final = frozenset({"inf", "nan"})
"""What Jinja writes into a template's code for a number beyond all bounds, where Python has no such name."""


def _global_names(code: CodeType) -> Iterable[str]:
    """The names that a template's code takes from its surroundings; its own begin with `l_`."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _global_names(inner)


@lru_cache(maxsize=1_024)
def words(text: str) -> frozenset[str]:
    """The names and quoted texts in a template's code, not in what it says; every word of one that cannot be
    read.
    """
    try:
        return frozenset(
            value.strip("'\"")
            for _, kind, value in environment("text").lex(text)
            if kind in ("name", "string")
        )
    except TemplateError:
        return frozenset(re.findall(r"\w+", text))


def _with_suggestion(message: str) -> str:
    unknown = re.search(r"No filter named '(\w+)'", message)
    if unknown is None:
        return message
    hint = near(unknown[1], FILTER_NAMES) or f"There are: {', '.join(FILTER_NAMES)}."
    return f"there is no filter '{unknown[1]}'. {hint}"


def render(text: str, mode: Mode, variables: Mapping[str, Any]) -> str:
    """The text a template gives; TemplateFault where it gives none."""
    try:
        parts: list[str] = []
        size = 0
        for part in compiled(text, mode).generate(variables):
            size += len(part)
            if size > LONGEST_RESULT:
                raise TemplateFault(f"the result has more than {LONGEST_RESULT:,} characters")
            parts.append(part)
    except TemplateFault:
        raise
    except TemplateError as error:
        raise TemplateFault(str(error.message)) from None
    except MemoryError:
        raise TemplateFault("making it needs too much memory", sort="time") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise TemplateFault(f"a value does not fit: {error}"[:200]) from None
    return "".join(parts)
