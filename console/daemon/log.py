"""Log lines: one JSON object a line for machines, aligned words at a terminal. Ids and counts only, no
personal data.

Fields are made harmless to terminals here, whatever they hold; what other libraries log comes out in the same
form.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, TextIO

import orjson

from screens.cells.safe_text import safe_json, safe_text

NAME: Final = "manometer"
_LONGEST: Final = 500
_EVENT_WIDTH: Final = 12


class ServiceLog:
    """Says what happened: the name of an event and its fields."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, event: str, **fields: object) -> None:
        """For those who look for a fault."""
        self._say(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Something was done."""
        self._say(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something did not go as it should; it may pass by itself."""
        self._say(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        """A person has to look."""
        self._say(logging.ERROR, event, fields)

    def _say(self, level: int, event: str, fields: Mapping[str, object]) -> None:
        self._logger.log(level, "%s", event, extra={"fields": fields})


@contextmanager
def opened_log(
    form: str | None = None, level: str = "info", stream: TextIO | None = None
) -> Iterator[ServiceLog]:
    """The log of this process on standard error while it lasts; JSON unless that is a terminal or another
    form is asked for.
    """
    out = stream or sys.stderr
    handler = _Handler(out)
    handler.setFormatter(
        _JsonLine() if (form or ("text" if out.isatty() else "json")) == "json" else _TextLine()
    )
    handler.addFilter(_Once())
    root, logger = logging.getLogger(), logging.getLogger(NAME)
    root.addHandler(handler)
    logger.setLevel(level.upper())
    try:
        yield ServiceLog(logger)
    finally:
        root.removeHandler(handler)


class _Handler(logging.StreamHandler[TextIO]):
    """A line that cannot be written any more, to a terminal that has gone or a full disk, must not end the
    work.
    """

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """Let it go."""


class _Once(logging.Filter):
    """Lets a line that is to be told `once` through the first time: what every pass finds anew is no news."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if not getattr(record, "once", False):
            return True
        line, before = record.getMessage(), len(self._told)
        self._told.add(line)
        return len(self._told) > before


class _JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"ts": _instant(record), "level": record.levelname.lower(), "event": _event(record)}
        fields = {name: _plain(value) for name, value in _fields(record).items()}
        return safe_json(orjson.dumps(line | fields, default=str).decode())


class _TextLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        words = " ".join(
            f"{name}={_word(value)}" for name, value in _fields(record).items() if value is not None
        )
        head = f"{_instant(record)} {record.levelname.ljust(7)} {_event(record).ljust(_EVENT_WIDTH)}"
        return f"{head} {words}".rstrip()


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    """Those of our own lines; of another library's its name, and of an error its kind alone, for its text may
    quote anything.
    """
    fields = getattr(record, "fields", None)
    if isinstance(fields, Mapping):
        return fields
    error = record.exc_info[0] if record.exc_info else None
    return {"logger": record.name} if error is None else {"logger": record.name, "error": error.__name__}


def _event(record: logging.LogRecord) -> str:
    """The name of the event; what says none is told by its message."""
    return safe_text(getattr(record, "event", None) or record.getMessage(), _LONGEST, for_terminal=False)


def _instant(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _plain(value: object) -> object:
    return safe_text(value, _LONGEST, for_terminal=False) if isinstance(value, str) else value


def _word(value: object) -> str:
    text = safe_text(value, _LONGEST, for_terminal=False)
    return orjson.dumps(text).decode() if " " in text or '"' in text or not text else text
