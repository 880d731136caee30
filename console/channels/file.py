"""The file channel: one JSON line per message, appended to `outbox/CHANNEL.ndjson` in the workspace."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, Self

from console.channels._record import record
from console.private_files import made_folder, opened_or_made
from core.errors import ManometerError
from core.model.configurable import Setting, SettingFault
from core.model.delivery import Accepted, Outbound, Result, Retry
from core.playbook.playbook import Channel

BLOCK: Final = 1 << 16
_LINE_ENDS: Final = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}
"""Letters that some readers take for the end of a line, or terminals for a command, as JSON escapes."""


class FileChannel:
    """Appends to one file. Several processes may do so at once; a key is never written twice."""

    kind: ClassVar[str] = "file"
    idempotent_by_key: ClassVar[bool] = True
    is_remote: ClassVar[bool] = False
    offers_unsubscribe: ClassVar[bool] = False
    known_settings: ClassVar[tuple[Setting, ...] | None] = (
        None  # a channel that is tried out as a file keeps the settings of its kind
    )

    @classmethod
    def setting_faults(cls, settings: Mapping[str, object]) -> Iterator[SettingFault]:  # noqa: ARG003 - the form of the protocol
        """Any settings will do."""
        return iter(())

    def __init__(self, channel: Channel, folder: Path) -> None:
        if Path(channel.name).name != channel.name or channel.name.startswith("."):
            raise ManometerError(
                f"manometer.toml: channel '{channel.name}' cannot be the name of a file. Use letters and "
                "digits."
            )
        self.path = folder / "outbox" / f"{channel.name}.ndjson"
        self._file = -1
        self._written: set[str] = set()
        self._read_to = 0

    def __enter__(self) -> Self:
        try:
            made_folder(self.path.parent)
            self._file = opened_or_made(self.path, os.O_RDWR | os.O_APPEND)
        except OSError as error:
            raise ManometerError(
                f"{self.path}: cannot be written: {error.strerror}. Check the rights of the folder."
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        file, self._file = self._file, -1
        try:
            os.fsync(file)
        finally:
            os.close(file)

    def send(self, outbound: Outbound) -> Result:
        """Append one line, whole or not at all; a key that an earlier attempt has written is accepted as it
        stands.
        """
        line = _line(outbound)
        with self._locked():
            try:
                end = self._mend()
                if outbound.attempt > 1 and self._has(outbound.key, end):
                    return Accepted()
                return self._append(line, end)
            except OSError as error:
                return Retry(f"{self.path.name}: {error.strerror}")

    def flush(self) -> None:
        """Force the lines to the disk."""
        os.fsync(self._file)

    def _append(self, line: bytes, end: int) -> Result:
        try:
            complete = os.write(self._file, line) == len(line)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, end)
            raise
        if complete:
            return Accepted()
        os.ftruncate(self._file, end)
        return Retry(f"{self.path.name}: the disk is full")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from appending in between."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _mend(self) -> int:
        """The length of the file, after a last line that a crash has torn was ended where it is whole, else
        cut off.
        """
        end = os.fstat(self._file).st_size
        if end == 0 or os.pread(self._file, 1, end - 1) == b"\n":
            return end
        start = self._last_line_start(end)
        if _is_message(os.pread(self._file, end - start, start)):
            os.write(self._file, b"\n")
            return end + 1
        os.ftruncate(self._file, start)
        return start

    def _last_line_start(self, end: int) -> int:
        start = end
        while start > 0:
            block_start = max(0, start - BLOCK)
            newline = os.pread(self._file, start - block_start, block_start).rfind(b"\n")
            if newline >= 0:
                return block_start + newline + 1
            start = block_start
        return 0

    def _has(self, key: str, end: int) -> bool:
        """Whether a line with that key stands in the file; only repeated attempts ask, and each part of the
        file is read once.
        """
        if self._read_to > end:  # somebody has emptied the file
            self._written.clear()
            self._read_to = 0
        with open(self._file, "rb", closefd=False) as lines:
            lines.seek(self._read_to)
            self._written.update(_key(line) for line in lines)
        self._read_to = end
        return key in self._written


def _line(outbound: Outbound) -> bytes:
    text = json.dumps(record(outbound), ensure_ascii=False, separators=(",", ":")).translate(_LINE_ENDS)
    # a lone surrogate, which JSON can carry in, has no UTF-8
    return text.encode(errors="backslashreplace") + b"\n"


def _key(line: bytes) -> str:
    try:
        return str(json.loads(line)["key"])
    except (ValueError, KeyError, TypeError):
        return ""


def _is_message(line: bytes) -> bool:
    return _key(line) != ""
