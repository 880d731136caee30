"""Real servers on 127.0.0.1 for the tests of channels: they take mail and calls, and refuse, delay or drop
the line when told to.

`with MailServer() as server:` and `with WebServer() as server:` run in threads of the test's process, `with
MailServerProcess() as server:` in a process of its own. What was accepted is in `received`; a client that is
killed in the middle disturbs nobody.
"""

from __future__ import annotations

import atexit
import base64
import json
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property, lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Any, BinaryIO, Final, Literal, Self

ACCEPT: Final = None
"""An answer: as a server does."""
DROP: Final = "DROP"
"""An answer: close the line without a word; after a message's text: without having taken it."""
DROP_ACCEPTED: Final = "DROP_ACCEPTED"
"""An answer to a message's text: take it, and close the line without saying so."""
HANG: Final = "HANG"
"""An answer: say nothing until the client goes; a message's text is not taken."""
HANG_ACCEPTED: Final = "HANG_ACCEPTED"
"""An answer to a message's text: take it, and say nothing until the client goes."""

Stage = Literal[
    "greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "text", "RSET", "NOOP", "QUIT"
]
Behaviour = Callable[[Stage, str], str | None]
"""Asked at each stage with the client's line: a reply such as `550 5.1.1 unknown`, one of the words above, or
None.
"""

LONGEST_HANG: Final = 30.0


# ---- servers that lie ----

Lie = Callable[[socket.socket, threading.Event], None]
"""What becomes of a connection; the event says that the server closes."""


def silent(line: socket.socket, closing: threading.Event) -> None:
    """Accepted, and then nothing, whatever the client says."""
    closing.wait(LONGEST_HANG)


def dripping(said: bytes, pause: float = 0.1) -> Lie:
    """Says it byte by byte."""

    def drip(line: socket.socket, closing: threading.Event) -> None:
        for byte in said:
            line.sendall(bytes([byte]))
            if closing.wait(pause):
                return
        closing.wait(LONGEST_HANG)

    return drip


def endless(part: bytes, first: bytes = b"") -> Lie:
    """Says the same again and again, as fast as the client takes it."""

    def flood(line: socket.socket, closing: threading.Event) -> None:
        line.sendall(first)
        while not closing.is_set():
            line.sendall(part * 100)

    return flood


def reading(lie: Lie) -> Lie:
    """Reads what the client says first."""

    def listen(line: socket.socket, closing: threading.Event) -> None:
        line.recv(65_536)
        lie(line, closing)

    return listen


class LyingServer:
    """Takes connections and does with each what the lie says; `connections` how many came."""

    def __init__(self, lie: Lie) -> None:
        self.lie = lie
        self.connections = 0
        self.closing = threading.Event()
        owner = self

        class Told(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                owner.connections += 1
                with suppress(OSError):
                    owner.lie(self.request, owner.closing)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            request_queue_size = 64

        self._server = Server(("127.0.0.1", 0), Told)
        self.host = "127.0.0.1"
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


# ---- certificates ----


@dataclass(frozen=True, slots=True)
class Authority:
    """A certification authority nobody knows: the file with its certificate, and what a server needs to show
    one of its own.
    """

    ca_file: Path
    server: ssl.SSLContext


@lru_cache(maxsize=1)
def _folder() -> Path:
    folder = mkdtemp(prefix="manometer-ca-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@lru_cache(maxsize=2)
def authority(name: str = "localhost") -> Authority:
    """An authority that vouches for `name` and 127.0.0.1; made once."""
    import trustme  # only tests with TLS need it

    ca = trustme.CA()
    ca_file = _folder() / f"{name}.pem"
    ca.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name, "127.0.0.1").configure_cert(context)
    return Authority(ca_file, context)


# ---- mail ----


@dataclass(frozen=True)
class Received:
    """One message a mail server has taken: the envelope and the text."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The parsed text."""
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def message_id(self) -> str:
        """The Message-ID with its brackets."""
        return str(self.message["Message-ID"] or "").strip()


class _Mail(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = True
    request_queue_size = 64

    def __init__(self, owner: MailServer) -> None:
        self.owner = owner
        self.lines: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Session)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event."""


class MailServer:
    """A mail server. `received` holds what it has taken, in order; `counts` how often each Message-ID;
    `connections` how many came.

    `refuse` maps an address to the reply to its RCPT, `per_connection` closes with 421 at the message after
    so many, `delay` seconds come before the answer to a text, `auth` is the user and password it wants,
    `behaviour` overrides any reply.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        security: Literal["none", "starttls", "tls"] = "none",
        auth: tuple[str, str] | None = None,
        refuse: Mapping[str, str] | None = None,
        per_connection: int | None = None,
        delay: float = 0.0,
        smtputf8: bool = True,
        pipelining: bool = False,
        certificate_for: str = "localhost",
    ) -> None:
        self.behaviour = behaviour
        self.security = security
        self.auth = auth
        self.refuse = dict(refuse or {})
        self.per_connection = per_connection
        self.delay = delay
        self.smtputf8 = smtputf8
        self.pipelining = pipelining
        self.authority = None if security == "none" else authority(certificate_for)
        self.received: list[Received] = []
        self.connections = 0
        self.commands: Counter[str] = Counter()
        self.closing = threading.Event()
        self._server = _Mail(self)
        self.host = "127.0.0.1"
        self.port = int(self._server.server_address[1])

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority behind its own."""
        assert self.authority is not None
        return self.authority.ca_file

    @property
    def counts(self) -> Counter[str]:
        """How often each Message-ID was taken."""
        return Counter(mail.message_id for mail in list(self.received))

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self.drop_all()
        self._server.server_close()

    def drop_all(self) -> None:
        """Close every line, as a server that is restarted does."""
        for line in list(self._server.lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


class _Gone(Exception):  # noqa: N818 - the way out of a session
    """The line is closed."""


class _Session(socketserver.BaseRequestHandler):
    """One connection of a client."""

    server: _Mail

    def handle(self) -> None:
        self.mail = self.server.owner
        self.mail.connections += 1
        self.line: socket.socket = self.request
        self.plain = self.line
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.lines.add(self.plain)
        self.is_tls = self.is_known = False
        self.taken = 0
        try:
            if self.mail.security == "tls":
                self.encrypt()
            self.file: BinaryIO = self.line.makefile("rb")
            self.converse()
        except (_Gone, OSError, ValueError):
            pass
        finally:
            self.server.lines.discard(self.plain)
            if hasattr(self, "file"):
                self.file.close()
            with suppress(OSError):
                self.line.close()

    def encrypt(self) -> None:
        assert self.mail.authority is not None
        self.line = self.mail.authority.server.wrap_socket(self.line, server_side=True)
        self.is_tls = True

    def say(self, reply: str) -> None:
        self.line.sendall(reply.encode() + b"\r\n")

    def read(self) -> str:
        line = self.file.readline(65_536)
        if not line.endswith(b"\n"):
            raise _Gone
        return line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")

    def converse(self) -> None:
        self.answer("greeting", "", "220 test ESMTP")
        self.begin()
        while True:
            line = self.read()
            word = line.partition(" ")[0].upper()
            self.mail.commands[word] += 1
            getattr(self, f"on_{word.lower()}", self.on_unknown)(line)

    def begin(self) -> None:
        self.sender: str | None = None
        self.recipients: list[str] = []

    def answer(self, stage: Stage, line: str, usual: str) -> bool:
        """Say what the behaviour wants, else the usual; whether it was the usual."""
        wanted = self.mail.behaviour(stage, line) if self.mail.behaviour is not None else None
        if wanted in (DROP, DROP_ACCEPTED):
            raise _Gone
        if wanted in (HANG, HANG_ACCEPTED):
            self.hang()
        self.say(wanted or usual)
        if (wanted or usual).startswith("421"):
            raise _Gone
        return wanted is None

    def hang(self) -> None:
        until = time.monotonic() + LONGEST_HANG
        self.line.settimeout(0.05)
        while time.monotonic() < until and not self.mail.closing.is_set():
            with suppress(TimeoutError):
                if not self.line.recv(1024):
                    break
        raise _Gone

    # -- commands --

    def on_unknown(self, line: str) -> None:
        self.say("502 5.5.1 not known here")

    def on_ehlo(self, line: str) -> None:
        features = ["SIZE 10000000", "8BITMIME", "ENHANCEDSTATUSCODES"]
        features += ["SMTPUTF8"] if self.mail.smtputf8 else []
        features += ["PIPELINING"] if self.mail.pipelining else []
        features += ["STARTTLS"] if self.mail.security == "starttls" and not self.is_tls else []
        features += ["AUTH PLAIN LOGIN"] if self.mail.auth is not None else []
        shown = ["test", *features]
        self.answer(
            "EHLO", line, "\r\n".join(f"250{' ' if part is shown[-1] else '-'}{part}" for part in shown)
        )

    on_helo = on_ehlo

    def on_starttls(self, line: str) -> None:
        if self.mail.security != "starttls":
            self.say("502 5.5.1 not offered")
        elif self.answer("STARTTLS", line, "220 go ahead"):
            self.file.close()
            self.encrypt()
            self.file = self.line.makefile("rb")

    def on_auth(self, line: str) -> None:
        _, mechanism, *rest = line.split(" ")
        if mechanism.upper() == "PLAIN":
            given = base64.b64decode(rest[0] if rest else self.ask("")).decode().split("\0")[1:]
        else:
            user = base64.b64decode(rest[0] if rest else self.ask("VXNlcm5hbWU6")).decode()
            given = [user, base64.b64decode(self.ask("UGFzc3dvcmQ6")).decode()]
        self.is_known = tuple(given) == self.mail.auth
        self.answer(
            "AUTH", line, "235 2.7.0 welcome" if self.is_known else "535 5.7.8 wrong user or password"
        )

    def ask(self, question: str) -> str:
        self.say(f"334 {question}")
        return self.read()

    def on_mail(self, line: str) -> None:
        if self.mail.per_connection is not None and self.taken >= self.mail.per_connection:
            self.say("421 4.7.0 too many messages on this connection")
            raise _Gone
        if self.mail.auth is not None and not self.is_known:
            self.say("530 5.7.0 who are you?")
        elif self.answer("MAIL", line, "250 2.1.0 ok"):
            self.sender = _address(line)

    def on_rcpt(self, line: str) -> None:
        address = _address(line)
        if address in self.mail.refuse:
            self.say(self.mail.refuse[address])
        elif self.answer("RCPT", line, "250 2.1.5 ok"):
            self.recipients.append(address)

    def on_data(self, line: str) -> None:
        if self.sender is None or not self.recipients:
            self.say("503 5.5.1 MAIL and RCPT first")
        elif self.answer("DATA", line, "354 go ahead"):
            self.take(self.read_text())

    def read_text(self) -> bytes:
        lines: list[bytes] = []
        while (line := self.file.readline()) != b".\r\n":
            if not line.endswith(b"\n"):
                raise _Gone
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def take(self, raw: bytes) -> None:
        if self.mail.delay:
            self.mail.closing.wait(self.mail.delay)
        wanted = self.mail.behaviour("text", "") if self.mail.behaviour is not None else None
        if wanted in (ACCEPT, DROP_ACCEPTED, HANG_ACCEPTED):
            self.mail.received.append(Received(self.sender or "", tuple(self.recipients), raw))
            self.taken += 1
        if wanted in (DROP, DROP_ACCEPTED):
            raise _Gone
        if wanted in (HANG, HANG_ACCEPTED):
            self.hang()
        self.say(wanted or f"250 2.0.0 queued as {len(self.mail.received)}")
        self.begin()
        if wanted is not None and wanted.startswith("421"):
            raise _Gone

    def on_rset(self, line: str) -> None:
        self.begin()
        self.answer("RSET", line, "250 2.0.0 ok")

    def on_noop(self, line: str) -> None:
        self.answer("NOOP", line, "250 2.0.0 ok")

    def on_quit(self, line: str) -> None:
        self.answer("QUIT", line, "221 2.0.0 bye")
        raise _Gone


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]


class MailServerProcess:
    """A mail server in a process of its own, so that it takes no time of the client's; `counts` once it is
    closed.

    `delay` seconds come before the answer to a text.
    """

    def __init__(self, delay: float = 0.0, *, pipelining: bool = False) -> None:
        self.delay = delay
        self.pipelining = pipelining

    def __enter__(self) -> Self:
        command = [
            sys.executable,
            "-m",
            "tests.servers",
            str(self.delay),
            *(["pipelining"] if self.pipelining else []),
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.host = "127.0.0.1"
        self.port = int(self._process.stdout.readline())
        self.counts: Counter[str] = Counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shown, _ = self._process.communicate(timeout=30)
        self.counts = Counter(json.loads(shown))


# ---- the web ----


@dataclass(frozen=True, slots=True)
class Request:
    """One call a web server has read; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer; `delay` seconds before the first byte, `drop` closes the line after reading instead."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False
    drip: float = 0.0  # seconds between the bytes of the body


class _Web(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True

    def __init__(self, owner: WebServer) -> None:
        self.owner = owner
        self.lines: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Call)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event."""


class WebServer:
    """A web server. `received` holds every call it has read, in order. `answer` is asked for each; a list of
    answers is used up in turn, the last one for good."""

    def __init__(
        self,
        answer: Callable[[Request], Answer] | Iterable[Answer] = (),
        *,
        tls: bool = False,
        certificate_for: str = "localhost",
    ) -> None:
        self._script = [] if callable(answer) else list(answer)
        self._answer = answer if callable(answer) else self._next
        self.received: list[Request] = []
        self.connections = 0
        self.closing = threading.Event()
        self.authority = authority(certificate_for) if tls else None
        self._server = _Web(self)
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}"

    def _next(self, _: Request) -> Answer:
        if not self._script:
            return Answer()
        return self._script.pop(0) if len(self._script) > 1 else self._script[0]

    def respond(self, request: Request) -> Answer:
        """Note a call and find its answer."""
        self.received.append(request)
        return self._answer(request)

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority behind its own."""
        assert self.authority is not None
        return self.authority.ca_file

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        for line in list(self._server.lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self._server.server_close()


class _Call(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Web

    def setup(self) -> None:
        self.plain: socket.socket = self.request
        self.server.lines.add(self.plain)
        self.server.owner.connections += 1
        if self.server.owner.authority is not None:
            self.request = self.server.owner.authority.server.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        self.server.lines.discard(self.plain)
        with suppress(OSError):
            super().finish()
        with suppress(OSError):
            self.request.close()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.owner.respond(Request(self.command, self.path, headers, body))
        self.server.owner.closing.wait(answer.delay)
        if answer.drop:
            self.close_connection = True
            return
        with suppress(OSError):
            self.reply(answer)

    do_GET = do_PUT = do_POST  # noqa: N815 - names the standard library calls

    def reply(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if not answer.drip:
            self.wfile.write(answer.body)
            return
        for byte in answer.body:
            self.wfile.write(bytes([byte]))
            self.server.owner.closing.wait(answer.drip)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Nothing on the terminal."""


if __name__ == "__main__":
    with MailServer(delay=float(sys.argv[1]), pipelining="pipelining" in sys.argv) as server:
        print(server.port, flush=True)
        sys.stdin.read()
    print(json.dumps(server.counts))
