"""Records of a JSON file: a line each, or the elements of one document.

A file whose first non-blank line is a whole JSON object is NDJSON. One that begins otherwise is read as a
document: an array, a body `{"batch": [...]}`, or objects written over several lines. It is read as a stream,
its elements count as lines, and each is bounded as a line is. A streaming parser of JSON would end at the
first broken element and bounds none, so the elements are parted here and parsed one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BufferedReader
from typing import Final

import orjson

from console.intake.physical_lines import BYTE_ORDER_MARK, LONGEST_LINE, PhysicalLine, lines_of

_CHUNK: Final = 1 << 15
_BLANK: Final = b" \t\r\n"
_IN_TEXT: Final = re.compile(rb'["\\]')
_OUTSIDE: Final = re.compile(rb'["{}\[\],]')
_NEAR: Final = 256
"""Bytes before a bracket among which its name stands."""
_BATCH: Final = re.compile(rb'[{,]\s*"batch"\s*:\s*$')


def json_records(content: BufferedReader) -> Iterator[PhysicalLine]:
    """Every record with the number of the line it begins on; of one that is too long only the beginning."""
    return lines_of(content) if _is_lines(content) else _Document().records(content)


def _is_lines(content: BufferedReader) -> bool:
    """Whether the file is NDJSON, judged by its first lines; the stream is at its beginning afterwards."""
    head = content.read(2 * LONGEST_LINE).removeprefix(BYTE_ORDER_MARK)
    content.seek(0)
    lines = [line.strip(_BLANK) for line in head.splitlines() if line.strip(_BLANK)][:2]
    if not lines or lines[0][:1] not in (b"{", b"["):
        return True  # no JSON at all: each line is refused by itself
    if _is_object(lines[0]):
        return True
    return lines[0][:1] == b"{" and _is_object(lines[-1])  # only its first line is broken


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


class _Document:
    """Parts the elements of one document; `level` is the depth at which they lie."""

    def __init__(self) -> None:
        self.depth = self.level = 0
        self.in_text = self.is_escaped = False
        self.in_tail = False  # behind the batch of a body: what else it says is no call
        self.record = bytearray()
        self.size = 0
        self.line = 1
        self.begins = 1

    def records(self, content: BufferedReader) -> Iterator[PhysicalLine]:
        """The elements in their order; what breaks off at the end of the file is one that cannot be read."""
        first = True
        while chunk := content.read(_CHUNK):
            yield from self._parted(chunk.removeprefix(BYTE_ORDER_MARK) if first else chunk)
            first = False
        yield from self._ended()

    def _parted(self, chunk: bytes) -> Iterator[PhysicalLine]:
        start = place = 0
        while (found := self._next_sign(chunk, place)) is not None:
            place = found + 1
            sign = chunk[found:place]
            if sign in b"{[":
                is_container = sign == b"[" and self._opens_elements(chunk, start, found)
                self.depth += 1
                if is_container:
                    self._drop(chunk[start:place])
                    self.level, start = self.depth, place
            elif sign in b"}]":
                self.depth -= 1
                if self.depth < self.level:
                    self._take(chunk[start:found])
                    yield from self._ended()
                    self._drop(chunk[found:place])
                    self.in_tail, self.level, start = self.depth > 0, 0, place
                elif self.depth == self.level == 0:
                    self._take(chunk[start:place])
                    yield from self._ended()
                    start = place
            elif self.depth == self.level:  # a comma between two elements
                self._take(chunk[start:found])
                yield from self._ended()
                start = place
        self._take(chunk[start:])

    def _next_sign(self, chunk: bytes, place: int) -> int | None:
        """Where the next bracket or comma outside of texts stands."""
        if self.is_escaped:
            self.is_escaped = False
            place += 1
        while place <= len(chunk):
            found = (_IN_TEXT if self.in_text else _OUTSIDE).search(chunk, place)
            if found is None:
                return None
            sign = found.group()
            if sign == b"\\":
                place = found.end() + 1
                self.is_escaped = place > len(chunk)
            elif sign == b'"':
                self.in_text, place = not self.in_text, found.end()
            else:
                return found.start()
        return None

    def _opens_elements(self, chunk: bytes, start: int, found: int) -> bool:
        """Whether an opening bracket begins the array, or the batch of a body."""
        if self.level or self.in_tail:
            return False
        if self.depth == 0:
            return True
        if self.depth > 1:
            return False
        before = chunk[max(start, found - _NEAR) : found]
        if len(before) < _NEAR:
            before = bytes(self.record[-_NEAR:]) + before
        return _BATCH.search(before) is not None

    def _take(self, piece: bytes) -> None:
        """Go on with the record at hand."""
        if self.size == 0:
            rest = piece.lstrip(_BLANK)
            self.line += piece.count(b"\n", 0, len(piece) - len(rest))
            piece, self.begins = rest, self.line
        self.size += len(piece)
        self.line += piece.count(b"\n")
        if len(self.record) <= LONGEST_LINE:
            self.record += piece[: LONGEST_LINE + 1]

    def _drop(self, piece: bytes) -> None:
        """Pass over what belongs to no record."""
        self.line += piece.count(b"\n")
        self.record.clear()
        self.size = 0

    def _ended(self) -> Iterator[PhysicalLine]:
        """The record at hand, if it says anything."""
        text = bytes(self.record).rstrip(_BLANK)
        if text and not self.in_tail:
            yield PhysicalLine(self.begins, text[:LONGEST_LINE], self.size <= LONGEST_LINE)
        if self.in_tail and self.depth == 0:
            self.in_tail = False
        self.record.clear()
        self.size = 0
