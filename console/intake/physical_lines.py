"""Physical lines of a file that may be compressed, without ever holding more than one of them."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Final, NamedTuple

from console.intake.watched_bytes import (
    FREE,
    MAX_RATIO,
    ExpandsTooMuch,
    decompressed,
    go_on,
    opened_file,
)
from core.errors import ManometerError

LONGEST_LINE: Final = 1 << 20
"""Bytes; a longer line is not taken."""
_GZIP: Final = b"\x1f\x8b"
_WORKBOOKS: Final = frozenset({b"PK\x03\x04", b"\xd0\xcf\x11\xe0"})
"""How the files of today's spreadsheets (and archives) begin, and those of before."""
_HEAD: Final = 1 << 16
_CONTROLS: Final = bytes({*range(32), 127} - set(b"\t\n\v\f\r\x1a\x1b"))
_FEW_STRANGE: Final = 8
_CHUNK: Final = 1 << 15
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class PhysicalLine(NamedTuple):
    """One physical line, counted from 1, without its end; of one that is too long only the beginning."""

    number: int
    content: bytes
    is_whole: bool = True


class OpenSource(NamedTuple):
    """An open file: its bytes after decompression, and the file itself, whose position tells the progress."""

    content: BufferedReader
    file: IO[bytes]
    size: int


@contextmanager
def open_source(
    path: Path, stopping: Callable[[], bool] = go_on, max_ratio: int = MAX_RATIO
) -> Iterator[OpenSource]:
    """The file opened for reading, compressed or not; ManometerError where it cannot be read to its end, or
    comes to more than `max_ratio` times its length. ReadingStopped once `stopping` says so, also later.
    """
    try:
        with opened_file(path, stopping) as file:
            content = file
            if file.peek(2)[:2] == _GZIP:
                _verify(path, file, stopping, max_ratio)
                content = decompressed(file, stopping, max_ratio)
            if content.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise ManometerError(
                    f"{path_text(path)}: the text is UTF-16. Save it as UTF-8 and import it again."
                )
            if content.peek(4)[:4] in _WORKBOOKS:
                raise ManometerError(
                    f"{path_text(path)}: this is a workbook of a spreadsheet, or an archive. Save the "
                    "sheet as CSV (UTF-8), or unpack it, and import that."
                )
            if _is_no_text(content.peek(_HEAD)):
                raise ManometerError(
                    f"{path_text(path)}: this is not text: nearly all programs, pictures, archives and "
                    "databases begin so. Name a file of lines, as JSON or CSV."
                )
            yield OpenSource(content, file, os.fstat(file.fileno()).st_size)
    except ExpandsTooMuch:
        raise ManometerError(
            f"{path_text(path)}: after {FREE >> 20} MiB the compressed file still comes to more than "
            f"{max_ratio:,} times its length, as files do that are made to fill a memory or a disk. If you "
            "know where it comes from, take it with a higher --max-ratio, or unpack it."
        ) from None
    except OSError as error:
        raise ManometerError(
            f"{path_text(path)}: cannot be read: {error.strerror or error}. "
            "Check the path and the rights of the file."
        ) from error


def _is_no_text(head: bytes) -> bool:
    """Whether more than one byte in fifty is a control character that no text holds; a few may be damage,
    which is a matter of their lines.
    """
    strange = len(head) - len(head.translate(None, _CONTROLS))
    return strange > _FEW_STRANGE and strange * 50 > len(head)


def _verify(path: Path, file: BufferedReader, stopping: Callable[[], bool], max_ratio: int) -> None:
    """Read a compressed file once to its end, so that one that is damaged, or a bomb, changes nothing."""
    content = decompressed(file, stopping, max_ratio)
    try:
        while content.read(1 << 17):
            pass
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ManometerError(
            f"{path_text(path)}: the compressed file is damaged ({error}). Fetch it again."
        ) from None
    file.seek(0)


def path_text(path: Path) -> str:
    """A path that any text can hold: bytes of its name that are no UTF-8 are written as `\\xfc`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def lines_of(content: BufferedReader) -> Iterator[PhysicalLine]:
    """Every line that is not blank, with the number it has in the file; lines end with a line feed."""
    number = 0
    while line := content.readline(LONGEST_LINE + 2):
        number += 1
        if number == 1 and line.startswith(BYTE_ORDER_MARK):
            line = line[3:]
        if len(line) > LONGEST_LINE and len(line.rstrip(b"\r\n")) > LONGEST_LINE:
            _skip_rest(content, line)
            yield PhysicalLine(number, line, False)
        elif not line.isspace() and line:
            yield PhysicalLine(number, line)


def text_lines_of(content: BufferedReader) -> Iterator[PhysicalLine]:
    """The same for a table, whose lines may also end with carriage returns alone, as those of old Macs do."""
    head = content.peek(_HEAD).rstrip(b"\r")
    if b"\r" in head and b"\n" not in head:
        return _lines_by_carriage_return(content)
    return lines_of(content)


def _lines_by_carriage_return(content: BufferedReader) -> Iterator[PhysicalLine]:
    number, line, size = 0, bytearray(), 0
    while chunk := content.read(_CHUNK):
        *ended, rest = chunk.split(b"\r")
        for piece in ended:
            number += 1
            line += piece[: LONGEST_LINE + 1]
            size += len(piece)
            if size and not line.isspace():
                whole = size <= LONGEST_LINE
                yield PhysicalLine(number, _without_mark(bytes(line), number) + b"\r" * whole, whole)
            line.clear()
            size = 0
        size += len(rest)
        if len(line) <= LONGEST_LINE:
            line += rest[: LONGEST_LINE + 1]
    if size and not line.isspace():
        yield PhysicalLine(number + 1, _without_mark(bytes(line), number + 1), size <= LONGEST_LINE)


def _without_mark(line: bytes, number: int) -> bytes:
    return line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line


def _skip_rest(content: BufferedReader, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = content.readline(LONGEST_LINE)
