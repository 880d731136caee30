"""What channels over the network have in common: whom they trust, and which names of hosts can be looked up
at all.
"""

from __future__ import annotations

import re
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from core.errors import ManometerError

_LETTERS: Final = re.compile(r"[A-Za-z0-9._-]+")


def trusted(ca_file: object, channel: str, folder: Path) -> ssl.SSLContext:
    """Trust in the authorities of a file, by its path from `folder`; in the system's where it is None.
    ManometerError in words.
    """
    place = None if ca_file is None else folder / Path(str(ca_file)).expanduser()
    try:
        return ssl.create_default_context(cafile=place)
    except OSError as error:
        raise ManometerError(
            f"channels.{channel}: ca_file: {place} cannot be used: {error.strerror or error}."
        ) from None


def is_host(name: str) -> bool:
    """Whether it is an IP address or can be the name of a host; in its network form its parts have 1 to 63
    letters (RFC 1035).
    """
    try:
        ip_address(name)
    except ValueError:
        return _is_name(name)
    return True


def _is_name(name: str) -> bool:
    try:
        form = name.encode("idna").decode("ascii").lower()
        unreadable = any(
            not part[4:].encode().decode("punycode") for part in form.split(".") if part.startswith("xn--")
        )
    except UnicodeError:
        return False
    return len(form) <= 253 and _LETTERS.fullmatch(form) is not None and not unreadable
