"""What channels recorded: files of keys, one a line, as file channels write them or as a provider's export
has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import orjson

from console.private_files import opened_safely
from core.errors import ManometerError
from core.model.delivery import PROOF_KEY

_MESSAGE_ID = re.compile(rb"<?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^>\s]+>?")


def recorded_in(path: Path) -> Iterator[str]:
    """The keys, and the numbers of mails, that a file names; ManometerError where it cannot be read.

    A line is a JSON object with a `key` (what a file channel writes, what a webhook was called with), holds
    the Message-ID of a mail somewhere (a line of a mail server's log), or is a
    key alone, without spaces.
    """
    try:
        with opened_safely(path.resolve(), has_one_name=False) as file:
            for line in file:
                found = _recorded(line.strip())
                if found:
                    yield found
    except OSError as error:
        raise ManometerError(f"{path}: cannot be read: {error.strerror}. Check the path.") from None


def _recorded(line: bytes) -> str:
    if line.startswith(b"{"):
        try:
            key = str(orjson.loads(line).get("key") or "")
            return "" if key.startswith(PROOF_KEY) else key
        except orjson.JSONDecodeError:  # the last line, cut off by a crash: it went out to nobody
            return ""
    found = _MESSAGE_ID.search(line)
    if found is None and len(line.split()) != 1:  # some other line of a log
        return ""
    return (line if found is None else found[1]).decode("utf-8", "replace")
