"""Reads TOML by asking for keys: every value is checked where it is asked for, and what nobody asked for is
reported with its line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

from console.workspace.faults import Fault, Faults, did_you_mean
from core.instants import Millis, parse_duration
from core.model.triggers import Approval
from core.suggestions import nearest

KeyPath: TypeAlias = tuple[str | int, ...]
T = TypeVar("T")

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS = ('"""', "'''", '"', "'")
_SAME_KEY = 0.85
_OPENING = re.compile(r"=\s*(?:\"{3}|'{3})\s*$")
"""A text of several lines that begins on the next one."""


class Document:
    """One TOML file: its values, and the line of each key when somebody asks."""

    def __init__(self, file: str, text: str, faults: Faults) -> None:
        self.file = file
        self.text = text
        self.faults = faults
        self.is_readable = True
        self._lines: dict[KeyPath, int] | None = None
        self.root = TomlTable(self, self._load(), ())

    def _load(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            message, line = self._in_words(error)
            self.faults.add(
                Fault(self.file, line, message, "Put the TOML right; texts stand in quotes, lists in [ ].")
            )
        except ValueError:  # Python reads no whole number of more than 4,300 digits
            self.faults.add(
                Fault(
                    self.file, None, "a number is too long to be read", "Write a number of reasonable length."
                )
            )
        except RecursionError:
            self.faults.add(
                Fault(
                    self.file, None, "lists or tables are nested too deeply to be read", "Make them flatter."
                )
            )
        self.is_readable = False
        return {}

    def _in_words(self, error: tomllib.TOMLDecodeError) -> tuple[str, int]:
        place = _PLACE.search(str(error))
        message = str(error)[: place.start()] if place else str(error)
        line = int(place[1]) if place and place[1] else max(1, len(self.text.splitlines()))
        return f"not valid TOML: {message[:1].lower()}{message[1:]}", line

    def line(self, path: KeyPath) -> int | None:
        """The line of the key, else of the innermost table or key around it that has one."""
        if self._lines is None:
            self._lines = lines_of_keys(self.text) if self.is_readable else {}
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return None

    def fault(self, path: KeyPath, message: str, remedy: str = "", excerpt: str = "") -> None:
        """Notes a fault at the key."""
        self.faults.add(Fault(self.file, self.line(path), message, remedy, excerpt))

    def fault_within(self, path: KeyPath, message: str, remedy: str, excerpt: str, below: int) -> None:
        """Notes a fault within the text at the key, so many lines `below` the first one of the text."""
        line = self.line(path)
        if line is not None:
            line += below + (_OPENING.search(self.text.split("\n")[line - 1]) is not None)
        self.faults.add(Fault(self.file, line, message, remedy, excerpt))

    def warn(self, path: KeyPath, message: str, remedy: str = "") -> None:
        """Notes a warning at the key."""
        self.faults.warn(Fault(self.file, self.line(path), message, remedy))


class TomlTable:
    """A table of a document; each reading method gives None (or its default) after noting a fault, and marks
    the key as known.
    """

    def __init__(
        self, document: Document, values: Mapping[str, Any], path: KeyPath, name: str | None = None
    ) -> None:
        self.document = document
        self.values = values
        self.path = path
        self.name = name if name is not None else _table_name(path)
        self.known: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def fault(self, key: str, message: str, remedy: str = "", excerpt: str = "") -> None:
        """Notes a fault at a key of this table."""
        self.document.fault((*self.path, key), message, remedy, excerpt)

    def fault_within(self, key: str, message: str, remedy: str, excerpt: str, below: int) -> None:
        """Notes a fault within the text at a key, so many lines `below` its first."""
        self.document.fault_within((*self.path, key), message, remedy, excerpt, below)

    def warn(self, key: str, message: str, remedy: str = "") -> None:
        """Notes a warning at a key of this table."""
        self.document.warn((*self.path, key), message, remedy)

    def quoted(self, key: str) -> str:
        """The key as messages name it."""
        return f"`{key}` in {self.name}" if self.name else f"`{key}`"

    def raw(self, key: str) -> Any:
        """The value as TOML has it, None where the key is missing."""
        self.known.add(key)
        return self.values.get(key)

    def wrong(self, key: str, wanted: str) -> None:
        """Notes that a value is of the wrong kind."""
        self.fault(key, f"{self.quoted(key)} must be {wanted}, not {shown(self.values[key])}")

    def missing(self, key: str, remedy: str) -> None:
        """Notes that a required key is not there; not where it is there with a slip of the pen, which `done`
        reports.
        """
        if nearest(key, self.values.keys() - self.known, _SAME_KEY) is not None:
            return
        where = f" in {self.name}" if self.name else ""
        self.document.fault(self.path, f"`{key}` is missing{where}", remedy)

    def text(self, key: str, default: str | None = None) -> str | None:
        """A text that is not empty."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.wrong(key, "a text in quotes")
        elif not value.strip():
            self.fault(key, f"{self.quoted(key)} is empty", "Write a text, or leave the key out.")
        else:
            return value
        return default

    def required(self, key: str, remedy: str) -> str | None:
        """A text that must be there."""
        if key not in self:
            self.known.add(key)
            self.missing(key, remedy)
        return self.text(key)

    def choice(self, key: str, choices: Collection[str], default: str) -> str:
        """One of a few words."""
        value = self.text(key, default)
        if value is None or value in choices:
            return value or default
        self.fault(
            key,
            f"{self.quoted(key)} cannot be {shown(value)}",
            did_you_mean(value, choices, f"Write one of: {', '.join(choices)}."),
        )
        return default

    def texts(self, key: str, *, or_one: bool = False) -> tuple[str, ...] | None:
        """A list of texts, none empty; with `or_one` a single text stands for a list of one. None where
        missing or wrong.
        """
        value = self.raw(key)
        if value is None:
            return None
        items = [value] if or_one and isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
            self.wrong(key, 'a list of texts, such as ["one", "two"]')
            return None
        return tuple(dict.fromkeys(items))

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        """A whole number within its range."""
        value = self.raw(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(key, f"a whole number from {least} to {most}")
        elif not least <= value <= most:
            self.fault(key, f"{self.quoted(key)} is {value}", f"Write a whole number from {least} to {most}.")
        else:
            return value
        return default

    def number(self, key: str) -> Decimal | None:
        """A finite number, exactly as written."""
        value = self.raw(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
            self.wrong(key, "a number")
            return None
        return Decimal(value)

    def thousandths(self, key: str) -> int | None:
        """A number of at most three decimals, not negative, in thousandths."""
        value = self.number(key)
        if value is None:
            return None
        if value < 0 or value > 1_000_000 or value * 1000 != int(value * 1000):
            self.fault(
                key,
                f"{self.quoted(key)} is {shown(value)}",
                "Write a number from 0 to 1000000 with at most three decimals.",
            )
            return None
        return int(value * 1000)

    def switch(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.raw(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.wrong(key, "true or false")
        return default

    def approval(self, key: str = "approval") -> Approval | None:
        """true, false, or the size above which a batch waits for approval; None where nothing does."""
        value = self.raw(key)
        if value is None or isinstance(value, bool):
            return Approval() if value else None
        if isinstance(value, int) and value >= 0:
            return Approval(value)
        self.wrong(key, "true, false, or a number (larger batches wait for approval)")
        return None

    def duration(self, key: str, *, signed: bool = False) -> Millis | None:
        """Elapsed time in milliseconds; None where missing or wrong."""
        return self.parsed(key, lambda text: parse_duration(text, signed=signed))

    def parsed(self, key: str, parse: Callable[[str], T]) -> T | None:
        """What `parse` makes of a text; its ValueError is the fault."""
        value = self.text(key)
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError as error:
            self.fault(key, f"{self.quoted(key)}: {error}")
            return None

    def table(self, key: str, name: str | None = None) -> TomlTable:
        """The table under a key, which messages call so; an empty one where it is missing or no table."""
        value = self.raw(key)
        if value is not None and not isinstance(value, dict):
            self.wrong(key, f"a table: [{_joined((*self.path, key))}]")
        return TomlTable(self.document, value if isinstance(value, dict) else {}, (*self.path, key), name)

    def with_value(self, key: str, value: Any) -> TomlTable:
        """The same place with a value that stands elsewhere."""
        return TomlTable(self.document, {**self.values, key: value}, self.path, self.name)

    def tables(self, key: str) -> Iterator[tuple[str, TomlTable]]:
        """The named tables under a key: [key.NAME]."""
        yield from self.table(key).inner()

    def inner(self, word: str = "") -> Iterator[tuple[str, TomlTable]]:
        """The named tables in this one; `word` and the name name each in messages, where it is given."""
        for name, value in self.values.items():
            if isinstance(value, dict):
                yield (
                    name,
                    TomlTable(self.document, value, (*self.path, name), f"{word} {name}" if word else None),
                )
            else:
                self.wrong(name, f"a table: [{_joined((*self.path, name))}]")

    def list_of_tables(self, key: str, word: str) -> list[TomlTable]:
        """The tables of [[key]]; `word` and the number name each in messages."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.wrong(key, f"tables, each under [[{key}]]")
            return []
        return [
            TomlTable(self.document, item, (*self.path, key, number), f"{word} {number + 1}")
            for number, item in enumerate(value)
        ]

    def done(self, elsewhere: Mapping[str, str] | None = None) -> None:
        """Reports every key that nobody asked for; `elsewhere` says of keys of other places what to do."""
        for key in self.values:
            if key not in self.known:
                self.fault(
                    key,
                    f"unknown key {self.quoted(key)}",
                    (elsewhere or {}).get(key) or did_you_mean(key, self.known),
                )

    def rest(self) -> dict[str, Any]:
        """The keys nobody asked for, with plain values."""
        return {key: plain(value) for key, value in self.values.items() if key not in self.known}

    def check_slips(self) -> None:
        """Reports keys that are nearly a known one, where others are free."""
        for key in self.rest():
            meant = nearest(key, self.known, _SAME_KEY)
            if meant is not None:
                self.fault(key, f"unknown key {self.quoted(key)}", f"Did you mean `{meant}`?")


def shown(value: object) -> str:
    """A value as the file has it, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 40 else f'"{value[:40]}..."'
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return str(value)[:40]


def plain(value: Any) -> Any:
    """A value without decimals, fit for JSON's types."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _table_name(path: KeyPath) -> str:
    return f"[{_joined(path)}]" if path else ""


def _joined(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)


# ---- lines ----


def lines_of_keys(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every table and key of valid TOML; tables of a [[list]] count from 0; keys within
    { } have none.
    """
    return _Scanner(text).scan()


class _Scanner:
    """Walks over valid TOML from statement to statement; it knows strings, brackets and comments, and no
    values.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.offset = 0
        self.line = 1
        self.lines: dict[KeyPath, int] = {}
        self.counts: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._to_statement():
            line = self.line
            if self.text[self.offset] == "[":
                table = self._header()
                self.lines.setdefault(table, line)
            else:
                key = self._key("=")
                for length in range(1, len(key) + 1):
                    self.lines.setdefault((*table, *key[:length]), line)
                self._skip_value()
        return self.lines

    def _to_statement(self) -> bool:
        while self.offset < len(self.text):
            letter = self.text[self.offset]
            if letter == "#":
                self._skip_comment()
            elif letter.isspace():
                self._step()
            else:
                return True
        return False

    def _step(self, letters: int = 1) -> None:
        self.line += self.text.count("\n", self.offset, self.offset + letters)
        self.offset += letters

    def _skip_comment(self) -> None:
        end = self.text.find("\n", self.offset)
        self.offset = len(self.text) if end < 0 else end

    def _header(self) -> KeyPath:
        is_list = self.text.startswith("[[", self.offset)
        self._step(2 if is_list else 1)
        written = self._key("]")
        self._step(1 if is_list else 0)
        *outer, last = written
        path: KeyPath = ()
        for part in outer:
            path = (*path, part)
            if path in self.counts:
                path = (*path, self.counts[path])
        path = (*path, last)
        if is_list:
            self.counts[path] = self.counts.get(path, -1) + 1
            self.lines.setdefault(path, self.line)
            path = (*path, self.counts[path])
        return path

    def _key(self, end: str) -> tuple[str, ...]:
        """The parts of a dotted key, up to and with `end`."""
        parts: list[str] = []
        while self.text[self.offset] != end:
            letter = self.text[self.offset]
            if letter in "\"'":
                start = self.offset
                self._skip_string()
                parts.append(_unquoted(self.text[start : self.offset]))
            elif bare := _BARE_KEY.match(self.text, self.offset):
                parts.append(bare.group())
                self.offset = bare.end()
            else:
                self._step()
        self._step()
        return tuple(parts)

    def _skip_string(self) -> None:
        quote = next(mark for mark in _STRINGS if self.text.startswith(mark, self.offset))
        self._step(len(quote))
        while not self.text.startswith(quote, self.offset):
            self._step(2 if quote[0] == '"' and self.text[self.offset] == "\\" else 1)
        self._step(len(quote))
        while len(quote) == 3 and self.text.startswith(
            quote[0], self.offset
        ):  # up to two quotes may end such a text
            self._step()

    def _skip_value(self) -> None:
        depth = 0
        while self.offset < len(self.text):
            letter = self.text[self.offset]
            if letter in "\"'":
                self._skip_string()
                continue
            if letter == "#":
                self._skip_comment()
                continue
            if letter == "\n" and depth == 0:
                return
            depth += (letter in "[{") - (letter in "]}")
            self._step()


def _unquoted(written: str) -> str:
    return str(next(iter(tomllib.loads(f"{written} = 0"))))
