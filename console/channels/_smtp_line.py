"""A line to a mail server: the standard library's, with an end to everything. A reply has so many lines and
bytes at most and comes within its time, however slowly it drips; the whole conversation ends with its
deadline; another thread may cut it.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from contextlib import suppress
from functools import lru_cache
from typing import Final

from console.channels._network import Deadline, LineCutter, bounded, connected

LONGEST_LINE: Final = 8_192
"""Bytes of one line of a reply; RFC 5321 allows 512."""
LONGEST_REPLY: Final = 65_536
"""Bytes of all lines of a reply."""
MOST_LINES: Final = 200
"""Lines of a reply; a greeting to EHLO has some thirty."""
CHUNK: Final = 65_536
"""Bytes that are written in one go, each with the time that is left."""
NAMING: Final = 2.0
"""Seconds to find out what this machine is called."""


class SilentServerError(smtplib.SMTPServerDisconnected):
    """The server said nothing in time."""


class SmtpLine(smtplib.SMTP):
    """Connected and greeted once it is made; encrypted from the first byte where `tls` is given.

    `name` is what this machine is called in the greeting; `timeout` is the seconds a reply may take, all of
    it. Whatever goes wrong with the line is an OSError or an SMTPServerDisconnected.
    """

    def __init__(
        self,
        place: tuple[str, int],
        name: str,
        timeout: float,
        deadline: Deadline,
        cutter: LineCutter,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._deadline = deadline
        self._cutter = cutter
        self._tls = tls
        self._unread = b""
        self._said = 0.0  # seconds that the line waits at most
        try:
            super().__init__(*place, local_hostname=name, timeout=timeout)
        except BaseException:
            cutter.release()
            raise

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line = connected(host, port, timeout, self._deadline, self._cutter)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line if self._tls is None else self._encrypted(line, self._tls, host)

    def _encrypted(self, line: socket.socket, tls: ssl.SSLContext, host: str) -> socket.socket:
        """The library bounds the handshake as a whole by the timeout of the socket."""
        self._said = self._deadline.within(self.timeout)
        line.settimeout(self._said)
        return tls.wrap_socket(line, server_hostname=host)

    def encrypt(self, tls: ssl.SSLContext) -> None:
        """STARTTLS. SMTPNotSupportedError where it is not offered, SMTPResponseException where it is
        refused.
        """
        self.ehlo_or_helo_if_needed()
        if not self.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError("STARTTLS extension not supported by server.")
        code, text = self.docmd("STARTTLS")
        if code != 220:
            raise smtplib.SMTPResponseException(code, text)
        if self._unread or self.sock is None:  # what came in plain text must not pass for encrypted
            raise self._closed("it went on talking before the line was encrypted")
        self.sock = self._encrypted(self.sock, tls, self._host)  # type: ignore[attr-defined]
        # what was known of the server was not said under encryption (RFC 3207)
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False

    def send(self, s: str | bytes) -> None:  # type: ignore[override]
        """Write all of it."""
        raw = s.encode(self.command_encoding) if isinstance(s, str) else s
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the line is closed")
        try:
            for first in range(0, len(raw), CHUNK):
                self._wait(self.sock, self._deadline.within(self.timeout))
                self.sock.sendall(raw[first : first + CHUNK])
        except OSError as error:
            raise self._broken(error) from None

    def getreply(self) -> tuple[int, bytes]:
        """The number of the next reply, -1 where it has none, and its text, lines parted by line ends."""
        until, lines, size = time.monotonic() + self.timeout, list[bytes](), 0
        while True:
            line = self._line(until)
            size += len(line)
            if size > LONGEST_REPLY or len(lines) == MOST_LINES:
                raise self._closed("its answer has no end")
            lines.append(line[4:].strip())
            if not line[:3].isdigit():
                return -1, b"\n".join(lines)
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(lines)

    def _line(self, until: float) -> bytes:
        unread = self._unread or self._chunk(until)
        while b"\n" not in unread and len(unread) <= LONGEST_LINE:
            unread += self._chunk(until)
        line, _, self._unread = unread.partition(b"\n")
        if len(line) > LONGEST_LINE:
            raise self._closed("its answer has no end")
        return line

    def _chunk(self, until: float) -> bytes:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the line is closed")
        try:
            found = self._received(self.sock, until)
        except OSError as error:
            raise self._broken(error) from None
        if not found:
            raise self._closed("it closed the line")
        return found

    def _received(self, line: socket.socket, until: float) -> bytes:
        while True:
            left = min(until, self._deadline.at) - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._wait(line, left)
            with suppress(TimeoutError):
                return line.recv(LONGEST_LINE)

    def _wait(self, line: socket.socket, left: float) -> None:
        """Have the line wait for most of the seconds that are left. Saying so is a call of the system, so
        what was said before will do where it still is most of them.
        """
        if not left / 2 <= self._said <= left:
            self._said = 0.9 * left if left > 1 else left
            line.settimeout(self._said)

    def _broken(self, error: OSError) -> smtplib.SMTPServerDisconnected:
        self.close()
        if isinstance(error, TimeoutError):
            return SilentServerError("no answer in time")
        return smtplib.SMTPServerDisconnected(error.strerror or str(error))

    def _closed(self, reason: str) -> smtplib.SMTPServerDisconnected:
        self.close()
        return smtplib.SMTPServerDisconnected(reason)

    def close(self) -> None:
        """Give the line back."""
        self._unread = b""
        self._cutter.release()
        super().close()


@lru_cache(maxsize=1)
def own_name() -> str:
    """What this machine calls itself to others: a full name where it is told one soon, else an address."""
    name = socket.gethostname()
    if "." not in name:
        try:
            name = bounded(socket.getfqdn, NAMING)
        except OSError:
            name = ""
    return name if "." in name else "[127.0.0.1]"
