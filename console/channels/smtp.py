"""The smtp channel: real mail through one mail server, over one connection a batch.

What is known of a message when the line breaks decides: until its last line is on the way nothing of it was
taken, and it may be tried again; after that, and before the answer, nobody can tell.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Literal, Self

from console.channels._mail import HTML, TEXT, Mailbox, compose, mailbox, wire_address
from console.channels._network import Deadline, LineCutter, is_host, trusted
from console.channels._smtp_line import SilentServerError, SmtpLine, own_name
from console.secrets import read_secret
from core.instants import parse_duration
from core.model.configurable import Setting, SettingFault
from core.model.delivery import (
    Accepted,
    ConfigError,
    Outbound,
    Permanent,
    Result,
    Retry,
    Uncertain,
)
from core.playbook.playbook import Channel

Stage = Literal["reset", "sender", "recipient", "text"]

PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
MOST_SILENT: Final = 3
"""So many mails in a row to which nothing was said in time, and it lies with the server."""
PARTING: Final = 2.0
"""Seconds to say goodbye in."""
_ENHANCED: Final = re.compile(r"[245]\.(\d{1,3})\.(\d{1,3})\b")
_WRONG_SIGN_IN: Final = frozenset({530, 534, 535, 538})
_LEADING_DOT: Final = re.compile(rb"^\.", re.MULTILINE)


class SmtpChannel:
    """Sends over a connection that is made with the first message and made anew once where the server has
    closed it.
    """

    kind: ClassVar[str] = "smtp"
    idempotent_by_key: ClassVar[bool] = False
    is_remote: ClassVar[bool] = True
    offers_unsubscribe: ClassVar[bool] = True
    known_settings: ClassVar[tuple[Setting, ...] | None] = (
        Setting("host", "text", "the name of the mail server", required=True),
        Setting("port", "number", "its port", range=(1, 65_535)),
        Setting("security", "choice", "how the line is encrypted", choices=tuple(PORTS)),
        Setting("allow_plaintext", "switch", "whether an unencrypted line may leave this machine"),
        Setting("ca_file", "text", "certificates of the authorities to trust instead of the system's"),
        Setting("username", "text", "who signs in"),
        Setting("password", "secret", "where the password is"),
        Setting("from", "text", 'the sender, such as "Muster Mode <hello@muster.example>"', required=True),
        Setting("reply_to", "text", "where answers go"),
        Setting("return_path", "text", "where bounces go; {token} stands for the message's key"),
        Setting("list_id", "text", 'the list, such as "News <news.muster.example>"'),
        Setting("helo", "text", "the name by which this machine greets the server"),
        Setting("timeout", "length", "the longest wait for an answer"),
        Setting("deadline", "length", "the longest a mail may take in all"),
    )

    @classmethod
    def setting_faults(cls, settings: Mapping[str, object]) -> Iterator[SettingFault]:
        """What does not go together, and names and addresses that are none."""
        host = str(settings.get("host", ""))
        if host and not is_host(host):
            yield SettingFault(
                "host",
                f"`host` cannot be looked up: {host!r}",
                'Write the name alone, such as "mail.example.ch".',
            )
        if (
            settings.get("security") == "none"
            and not settings.get("allow_plaintext")
            and not _is_loopback(host)
        ):
            remedy = (
                'Write security = "starttls" or "tls"; where the network is your own, allow_plaintext = true.'
            )
            yield SettingFault("security", "mail would leave this machine unencrypted", remedy)
        if ("username" in settings) != ("password" in settings):
            given = "username" if "username" in settings else "password"
            yield SettingFault(
                given, f"`{given}` stands alone", "Write both `username` and `password`, or neither."
            )
        for name in ("from", "reply_to", "return_path"):
            if name in settings and (
                fault := _address_fault(str(settings[name]).replace("{token}", "0" * 32))
            ):
                yield SettingFault(
                    name,
                    f"`{name}` cannot be used: {fault}",
                    'Write an address such as "Muster Mode <hello@muster.example>".',
                )

    def __init__(self, channel: Channel, folder: Path) -> None:
        settings: Mapping[str, Any] = channel.settings
        self.name = channel.name
        self.folder = folder
        self.settings = settings
        self.host = str(settings["host"])
        self.security = str(settings.get("security", "starttls"))
        self.port = int(settings.get("port", PORTS[self.security]))
        self.timeout = parse_duration(str(settings.get("timeout", "30s"))) / 1000
        self.longest = parse_duration(str(settings["deadline"])) / 1000 if "deadline" in settings else None
        self.sender: Mailbox = mailbox(str(settings["from"]))
        self.reply_to = mailbox(settings["reply_to"]).address if "reply_to" in settings else ""
        self.return_path = str(settings.get("return_path", self.sender.address))
        self.list_id = str(settings.get("list_id", ""))
        self.line: SmtpLine | None = None
        self.needs_reset = False
        self.silent = 0
        self.deadline = Deadline()
        self.cutter = LineCutter()

    def __enter__(self) -> Self:
        self.username = str(self.settings.get("username", ""))
        self.password = (
            read_secret(self.settings["password"], f"channels.{self.name}: password", self.folder)
            if self.username
            else ""
        )
        self.tls = (
            None if self.security == "none" else trusted(self.settings.get("ca_file"), self.name, self.folder)
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.line is not None and self.line.sock is not None and kind is None:
            self.deadline.begin(PARTING)
            with suppress(OSError, smtplib.SMTPException):
                self.line.quit()
        self._hang_up()

    def flush(self) -> None:
        """What was accepted is the mail server's."""

    def interrupt(self) -> None:
        """End what is under way, from any thread; the channel connects no more."""
        self.cutter.cut()

    def check(self) -> Result:
        """Connect, encrypt and sign in."""
        self.deadline.begin(2 * self.timeout if self.longest is None else self.longest)
        return self._plain(self._connect() or Accepted())

    # -- a message --

    def send(self, outbound: Outbound) -> Result:
        """Hand one mail over; a line the server has closed meanwhile is made anew once, since nothing of this
        mail was taken.
        """
        try:
            to = wire_address(outbound.address)
        except ValueError as error:
            reason = f"the address cannot be used: {error}"
            return Permanent(reason, suppress_address=True, before_asking=True)
        if TEXT not in outbound.parts and HTML not in outbound.parts:
            return Permanent("the message has neither a plain text nor HTML", before_asking=True)
        raw = compose(outbound, self.sender, to, self.reply_to, self.list_id)
        self.deadline.begin(2 * self.timeout if self.longest is None else self.longest)
        was_open = self.line is not None
        result = self._try(outbound, to, raw)
        if was_open and isinstance(result, _Closed):
            result = self._try(outbound, to, raw)
        return self._plain(result)

    def _plain(self, result: Result | _Closed) -> Result:
        """A line that was closed is one more attempt at this mail: perhaps only this one is answered so. It
        lies with the server where it is silent again and again, for each silence takes long.
        """
        is_silent = isinstance(result, _Closed) and result.is_silent
        self.silent = self.silent + 1 if is_silent else 0
        if not isinstance(result, _Closed):
            return result
        return Retry(result.reason, whole_channel=self.silent >= MOST_SILENT)

    def _try(self, outbound: Outbound, to: str, raw: bytes) -> Result | _Closed:
        if self.line is None and (failed := self._connect()) is not None:
            return failed
        assert self.line is not None
        try:
            refused = self._envelope(self.line, outbound, to)
        except (OSError, smtplib.SMTPException) as error:
            self._hang_up()
            is_silent = isinstance(error, SilentServerError)
            return _Closed(f"{self._where()}: {_in_words(error)}", is_silent=is_silent)
        if refused is not None:
            return refused
        return self._text(self.line, raw)

    def _envelope(self, line: SmtpLine, outbound: Outbound, to: str) -> Result | _Closed | None:
        """Say from whom, to whom, and that the text comes; what the server objected, None where it waits for
        the text.
        """
        back = self.return_path.replace("{token}", outbound.key)
        options = ""
        if not to.isascii() or not back.isascii():
            if not line.has_extn("smtputf8"):
                return Permanent(
                    "the address has letters beyond ASCII, and the mail server does not take such addresses "
                    "(SMTPUTF8)",
                    before_asking=True,
                )
            options = " SMTPUTF8 BODY=8BITMIME"
        commands: list[tuple[Stage, str]] = [
            ("sender", f"MAIL FROM:<{back}>{options}"), ("recipient", f"RCPT TO:<{to}>"), ("text", "DATA"),
        ]  # fmt: skip
        if self.needs_reset:
            commands.insert(0, ("reset", "RSET"))
            self.needs_reset = False
        return (
            self._together(line, commands) if line.has_extn("pipelining") else self._in_turn(line, commands)
        )

    def _in_turn(self, line: SmtpLine, commands: Sequence[tuple[Stage, str]]) -> Result | _Closed | None:
        for stage, command in commands:
            line.send(f"{command}\r\n".encode())
            code, text = line.getreply()
            if not _goes_on(stage, code):
                return self._refused(stage, code, text)
        return None

    def _together(self, line: SmtpLine, commands: Sequence[tuple[Stage, str]]) -> Result | _Closed | None:
        """All commands in one go, and then their replies (RFC 2920)."""
        line.send("".join(f"{command}\r\n" for _, command in commands).encode())
        objected: Result | _Closed | None = None
        for stage, _ in commands:
            code, text = line.getreply()
            if objected is None and not _goes_on(stage, code):
                objected = self._refused(stage, code, text)
                if self.line is None:
                    return objected
            elif objected is not None and code == 354:
                self._hang_up()  # it would take whatever comes now for the text of a mail
        return objected

    def _refused(self, stage: Stage, code: int, text: bytes) -> Result | _Closed:
        if code == 421 or not _is_no(code):
            self._hang_up()
            return _Closed(f"{self._where()}: {_reply(code, text)}")
        self.needs_reset = True
        return refusal(stage, code, _shown(text))

    def _text(self, line: SmtpLine, raw: bytes) -> Result:
        try:
            line.send((_LEADING_DOT.sub(b"..", raw) if b"\n." in raw else raw) + b".\r\n")
        except (
            OSError,
            smtplib.SMTPException,
        ) as error:  # the last line never left, so the server cannot have taken the mail
            self._hang_up()
            return Retry(f"{self._where()}: {_in_words(error)}")
        try:
            code, text = line.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._hang_up()
            return Uncertain(
                f"{self._where()} took the whole mail and did not say what became of it: {_in_words(error)}"
            )
        if code == 250:
            return Accepted(_shown(text)[:200] or None)
        if code == 421 or not _is_no(code):
            self._hang_up()
        if not _is_no(code):
            return Uncertain(f"{self._where()} took the whole mail, and {_reply(code, text)}")
        return refusal("text", code, _shown(text))

    # -- the line --

    def _connect(self) -> Result | None:
        """Open the line and sign in; what stood in the way, None where it stands."""
        try:
            self.line = self._open()
            self.needs_reset = False
            self._sign_in(self.line)
        except (
            OSError,
            smtplib.SMTPException,
            UnicodeError,
        ) as error:  # the last of a name or a password that cannot be said
            self._hang_up()
            return self._unreachable(error)
        return None

    def _open(self) -> SmtpLine:
        place, name = (self.host, self.port), str(self.settings.get("helo") or "") or own_name()
        at_once = self.tls if self.security == "tls" else None
        return SmtpLine(place, name, self.timeout, self.deadline, self.cutter, at_once)

    def _sign_in(self, line: SmtpLine) -> None:
        line.ehlo_or_helo_if_needed()
        if self.security == "starttls" and self.tls is not None:
            line.encrypt(self.tls)
            line.ehlo_or_helo_if_needed()
        if self.username:
            line.login(self.username, self.password)

    def _unreachable(self, error: Exception) -> Result:
        """What a failure before the first message means: of the settings, or of the moment."""
        reason = f"{self._where()}: {_in_words(error)}"
        match error:
            case UnicodeError() if is_host(self.host):
                return ConfigError(f"{self._where()}: `username` and `password` must be plain ASCII")
            case UnicodeError():
                return ConfigError(f"{self.host!r} cannot be the name of a mail server")
            case smtplib.SMTPResponseException() if not 500 <= error.smtp_code < 600:
                return Retry(reason, whole_channel=True)
            case smtplib.SMTPNotSupportedError() if self.security == "starttls" and "STARTTLS" in str(error):
                return ConfigError(
                    f'{self._where()} offers no encryption (STARTTLS). Is it security = "tls", on port 465?'
                )
            case smtplib.SMTPServerDisconnected():
                return Retry(reason, whole_channel=True)
            case ssl.SSLError() | smtplib.SMTPException():
                return ConfigError(reason)
            case socket.gaierror() if error.errno != socket.EAI_AGAIN:
                return ConfigError(f"there is no mail server of the name {self.host!r}: {_in_words(error)}")
        return Retry(reason, whole_channel=True)

    def _hang_up(self) -> None:
        line, self.line = self.line, None
        if line is not None:
            with suppress(OSError):
                line.close()

    def _where(self) -> str:
        return f"mail server {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Closed(Retry):
    """The line was closed before the text was sent: a new one may serve at once."""

    is_silent: bool = False


def _goes_on(stage: Stage, code: int) -> bool:
    return code == 354 if stage == "text" else code in (250, 251) or (stage == "reset" and _is_no(code))


def _is_no(code: int) -> bool:
    """Whether it is a refusal; what is neither that nor yes, such as the library's -1 for a line without a
    number, is no SMTP.
    """
    return 400 <= code < 600


def _reply(code: int, text: bytes) -> str:
    if _is_no(code):
        return f"{code} {_shown(text)}"
    said = f"{code if code >= 0 else ''} {_shown(text)}".strip()
    return f"its answer is not understood: {said[:60]!r}"


def refusal(stage: Stage, code: int, text: str) -> Result:
    """What a reply of the server other than yes means (RFC 5321, and RFC 3463 for the three numbers some put
    first). Only 5.1.x proves that there is no such address; any other no to a recipient is a soft bounce.
    """
    reason = f"{code} {text}"
    if 400 <= code < 500:
        return Retry(reason)
    found = _ENHANCED.match(text)
    subject, detail = (int(found[1]), int(found[2])) if found else (0, 0)
    if (
        code in _WRONG_SIGN_IN
        or (stage == "sender" and code != 552 and subject not in (3, 6))
        or subject == 7
        or (subject == 1 and detail in (7, 8))
        or (stage == "recipient" and "relay" in text.lower())
    ):
        return ConfigError(reason, of_message=True)
    is_unknown = stage == "recipient" and subject == 1
    is_soft = not is_unknown and (stage == "recipient" or code == 550)
    return Permanent(reason, suppress_address=is_unknown, is_soft_bounce=is_soft)


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "replace").replace("\n", " ")[:300]


def _in_words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return _reply(error.smtp_code, text) if isinstance(text, bytes) else f"{error.smtp_code} {text}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def _address_fault(text: str) -> str | None:
    try:
        mailbox(text)
    except ValueError as error:
        return str(error)
    return None
