"""Bytes of a file on their way in: whoever reads is asked between two pieces whether to go on, whatever the
bytes are, and a compressed file does not grow without measure.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Final, cast

from console.private_files import opened_safely

MAX_RATIO: Final = 200
"""How many times its own length a compressed file may have; usual ones have up to thirty."""
FREE: Final = 64 << 20
"""Bytes that any compressed file may have, whatever its ratio."""
_PIECE: Final = 1 << 15
"""Bytes between two questions: of the most laborious contents some tenth of a second of work."""


class ReadingStopped(Exception):  # noqa: N818 - an outcome of reading
    """Whoever reads was asked to stop."""


class ExpandsTooMuch(Exception):  # noqa: N818 - an outcome of reading
    """A compressed file comes to more than it may."""


def go_on() -> bool:
    """Nobody asks to stop."""
    return False


class _Watched(RawIOBase):
    """A stream of bytes with something to be done before and after each piece."""

    def __init__(self, inner: IO[bytes], before: Callable[[], None], after: Callable[[], None]) -> None:
        self._inner = inner
        self._before = before
        self._after = after

    def fileno(self) -> int:
        return self._inner.fileno()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._inner.seekable()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._before()
        piece = self._inner.read(min(len(buffer), _PIECE))
        buffer[: len(piece)] = piece
        self._after()
        return len(piece)

    def seek(self, place: int, whence: int = 0) -> int:
        return self._inner.seek(place, whence)

    def tell(self) -> int:
        return self._inner.tell()

    def close(self) -> None:
        self._inner.close()
        super().close()


def opened_file(path: Path, stopping: Callable[[], bool]) -> BufferedReader:
    """A plain file whose reading ends with ReadingStopped once `stopping` says so; UnfitFileError where it is
    none, OSError where it cannot be opened.
    """
    return _buffered(_Watched(opened_safely(path), _asking(stopping), lambda: None))


def decompressed(file: BufferedReader, stopping: Callable[[], bool], max_ratio: int) -> BufferedReader:
    """What a gzip file holds. Its reading ends with ExpandsTooMuch where that is more than `FREE` bytes and
    more than `max_ratio` times what was read of the file.
    """
    inner = gzip.GzipFile(fileobj=file)

    def measure() -> None:
        size = inner.tell()
        if size > FREE and size > max_ratio * file.tell():
            raise ExpandsTooMuch

    return _buffered(_Watched(cast(IO[bytes], inner), _asking(stopping), measure))


def _asking(stopping: Callable[[], bool]) -> Callable[[], None]:
    def ask() -> None:
        if stopping():
            raise ReadingStopped

    return ask


def _buffered(raw: _Watched) -> BufferedReader:
    return BufferedReader(raw, _PIECE)
