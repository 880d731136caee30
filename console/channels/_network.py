"""What channels over the network have in common: whom they trust, which names of hosts can be looked up at
all, and that no conversation outlasts its deadline or a stop.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Final, TypeAlias, TypeVar

from core.errors import ManometerError

_LETTERS: Final = re.compile(r"[A-Za-z0-9._-]+")

Place: TypeAlias = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]
"""An address that can be connected to, with its family."""
Answer = TypeVar("Answer")


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


# ---- time that is bounded ----


class Deadline:
    """When the conversation at hand must be over, on the monotonic clock."""

    def __init__(self) -> None:
        self.at = 0.0

    def begin(self, seconds: float) -> None:
        """So many seconds from now."""
        self.at = time.monotonic() + seconds

    def within(self, timeout: float | None) -> float:
        """The timeout in seconds, or what is left if that is less; TimeoutError where nothing is."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left if timeout is None else min(timeout, left)


def bounded(function: Callable[[], Answer], seconds: float) -> Answer:
    """What the function gives or raises, where that takes no longer; else TimeoutError, and the thread that
    asked is left to itself: the resolver of the system cannot be interrupted.
    """
    ended: SimpleQueue[Answer | BaseException] = SimpleQueue()

    def ask() -> None:
        try:
            ended.put(function())
        except BaseException as error:  # raised where it was asked for
            ended.put(error)

    Thread(target=ask, name="manometer-resolver", daemon=True).start()
    try:
        answer = ended.get(timeout=seconds)
    except Empty:
        raise TimeoutError(errno.ETIMEDOUT, "the name was not looked up in time") from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


def addresses(host: str, port: int, seconds: float) -> list[Place]:
    """Where a host is, each place once; socket.gaierror where it is nowhere, TimeoutError where nobody says
    in time.
    """
    found = bounded(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), seconds)
    return list(dict.fromkeys((family, place) for family, _, _, _, place in found))  # type: ignore[misc]


# ---- lines that can be cut ----


class LineCutter:
    """Ends what waits on a line, from any thread and for good: nothing is connected afterwards."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._line: socket.socket | None = None  # a second handle: encryption takes the first one away
        self._is_cut = False

    def hold(self, line: socket.socket) -> None:
        """From now on this line is the one to cut; OSError where that was asked for already."""
        self.release()
        with self._lock:
            if self._is_cut:
                raise OSError(errno.ECANCELED, "the channel is being stopped")
            self._line = socket.socket(fileno=os.dup(line.fileno()))

    def release(self) -> None:
        """The line is closed."""
        with self._lock:
            line, self._line = self._line, None
        if line is not None:
            line.close()

    def cut(self) -> None:
        """End it now."""
        with self._lock:
            self._is_cut = True
            if self._line is not None:
                with suppress(OSError):
                    self._line.shutdown(socket.SHUT_RDWR)


def connected(host: str, port: int, timeout: float, deadline: Deadline, cutter: LineCutter) -> socket.socket:
    """A line to the host, held by the cutter; OSError where none of its addresses answers in time."""
    failed: OSError = OSError(errno.EHOSTUNREACH, f"{host} has no address")
    for family, place in addresses(host, port, deadline.within(timeout)):
        line = socket.socket(family, socket.SOCK_STREAM)
        try:
            line.settimeout(deadline.within(timeout))
            cutter.hold(line)
            line.connect(place)
        except OSError as error:
            cutter.release()
            line.close()
            failed = error
        else:
            return line
    raise failed
