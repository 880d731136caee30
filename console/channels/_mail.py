"""One mail as bytes: the headers and texts of an outbound message, the same on every attempt.

Written line by line, because `email.message.EmailMessage` takes three milliseconds for what a mail server
takes in a third of one; that the standard library reads the same out of it is what the tests hold on to.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import Header
from email.utils import formatdate, parseaddr
from typing import Final

from core.model.delivery import Outbound, mail_number

TEXT: Final = "email.txt"
HTML: Final = "email.html"
LONGEST_LINE: Final = 76
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ADDRESS: Final = re.compile(r"[^\s<>()\[\],;:\\\"@]{1,64}@[^\s<>()\[\],;:\\\"@]{1,255}")
_ENCODED_WORD: Final = re.compile(r"=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=")
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_LINE_END: Final = re.compile(r"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name before it; the host is as DNS has it."""

    name: str
    address: str
    host: str


def mailbox(text: str) -> Mailbox:
    """`Name <local@host>` or `local@host`; ValueError where it is neither."""
    name, address = parseaddr(text)
    wired = wire_address(address)
    if _UNSAFE.search(text):
        raise ValueError("it holds a control character")
    return Mailbox(name, wired, wired.rpartition("@")[2])


def wire_address(address: str) -> str:
    """The address with its host in ASCII; ValueError where it is none."""
    if not _ADDRESS.fullmatch(address) or ".." in address or not _is_encodable(address):
        raise ValueError("it is no mail address")
    if _ENCODED_WORD.search(address):  # some servers read it as the text that it encodes, brackets and all
        raise ValueError("it is no mail address: an encoded word stands in it")
    local, _, host = address.rpartition("@")
    try:
        return f"{local}@{host.encode('idna').decode() if not host.isascii() else host}"
    except UnicodeError:
        raise ValueError("its host is no name of the network") from None


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can carry in
        return False
    return True


def message_id(key: str, host: str) -> str:
    """The Message-ID of a message, with its brackets: the same for the same key."""
    return f"<{mail_number(key)}@{host}>"


def compose(outbound: Outbound, sender: Mailbox, to: str, reply_to: str = "", list_id: str = "") -> bytes:
    """The mail with CRLF line ends and dots not yet doubled; `to` as `wire_address` gives it."""
    headers = [f"{name}: {value}" for name, value in _headers(outbound, sender, to, reply_to, list_id)]
    return "\r\n".join(headers).encode() + b"\r\n" + _body(outbound)


def _headers(
    outbound: Outbound, sender: Mailbox, to: str, reply_to: str, list_id: str
) -> Iterator[tuple[str, str]]:
    yield "From", f"{_words('From', sender.name)} <{sender.address}>" if sender.name else sender.address
    yield "To", to
    if reply_to:
        yield "Reply-To", reply_to
    yield "Subject", _words("Subject", outbound.subject)
    yield "Date", formatdate(outbound.sent_at / 1000, usegmt=True).replace("GMT", "+0000")
    yield "Message-ID", message_id(outbound.key, sender.host)
    yield "MIME-Version", "1.0"
    yield "Auto-Submitted", "auto-generated"
    yield "Feedback-ID", feedback_id(outbound, sender.host)
    yield from _unsubscribing(outbound, list_id)


def _unsubscribing(outbound: Outbound, list_id: str) -> Iterator[tuple[str, str]]:
    ways = [
        outbound.unsubscribe_url,
        f"mailto:{outbound.unsubscribe_mail}" if outbound.unsubscribe_mail else "",
    ]
    offered = [f"<{_UNSAFE.sub('', way)}>" for way in ways if way]
    if not offered:
        return
    if list_id:
        yield "List-Id", list_id
    yield "List-Unsubscribe", ",\r\n ".join(offered)
    if outbound.unsubscribe_url.startswith("https://"):
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"


def feedback_id(outbound: Outbound, host: str) -> str:
    """Four parts by which mail providers group complaints: trigger and step, purpose, channel, sender."""
    parts = (f"{outbound.trigger}-{outbound.step}", outbound.purpose, outbound.channel, host)
    return ":".join(_NOT_PLAIN.sub("-", part)[:64] for part in parts)


def _words(name: str, text: str) -> str:
    """A text as a header can carry it: on lines of its own where it is long, encoded where it is not plain
    ASCII.
    """
    text = _UNSAFE.sub(" ", text).strip()
    special = name == "From" and not re.fullmatch(r"[\w !#$%&'*+/=?^`{|}~-]*", text)
    if text.isascii() and not special and "=?" not in text and len(name) + 2 + len(text) <= LONGEST_LINE:
        return text
    safe = text.encode("utf-8", "replace").decode()
    return Header(safe, "utf-8", LONGEST_LINE, header_name=name).encode(linesep="\r\n")


# ---- texts ----


def _body(outbound: Outbound) -> bytes:
    """The plain text first, as the lesser of the two; either may be alone."""
    parts = [
        _part(kind, outbound.parts[file])
        for file, kind in ((TEXT, b"plain"), (HTML, b"html"))
        if file in outbound.parts
    ]
    if len(parts) == 1:
        return parts[0]
    boundary = (
        b"=_" + outbound.key.encode("ascii", "replace").hex().encode()[:60]
    )  # quoted-printable text never holds `=_`
    head = b'Content-Type: multipart/alternative;\r\n boundary="' + boundary + b'"\r\n\r\n'
    return (
        head
        + b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
        + b"--"
        + boundary
        + b"--\r\n"
    )


def _part(kind: bytes, text: str) -> bytes:
    lines = _LINE_END.sub("\n", text).encode("utf-8", "replace")
    if not lines.endswith(b"\n"):
        lines += b"\n"
    quoted = b2a_qp(lines, istext=True).replace(b"\n", b"\r\n")
    return (
        b"Content-Type: text/"
        + kind
        + b'; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
        + quoted
    )
