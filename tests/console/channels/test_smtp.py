"""The smtp channel against real mail servers: what arrives, and what every answer, silence and broken line
comes to.
"""

from __future__ import annotations

import socket
import socketserver
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path
from random import Random
from threading import Event, Thread, Timer
from time import monotonic
from typing import Any, ClassVar

import pytest

from console.channels import adapter_class, open_adapter
from console.channels._mail import compose, feedback_id, mailbox, message_id, wire_address
from console.channels.smtp import SmtpChannel, Stage, refusal
from core.errors import ManometerError
from core.limits.quiet_hours import parse_send_windows
from core.model.delivery import Accepted, ConfigError, Outbound, Permanent, Result, Retry, Uncertain
from core.playbook.playbook import Channel
from tests.servers import (
    DROP,
    DROP_ACCEPTED,
    HANG,
    HANG_ACCEPTED,
    Lie,
    LyingServer,
    MailServer,
    dripping,
    endless,
    reading,
    silent,
)

OPEN = parse_send_windows([])
SENDER = "Müller & Söhne <hallo@muster.example>"
LINK, WAY = "https://shop.example/u/abc", "unsubscribe+abc@shop.example"
MAIL = Outbound(
    "k1", 7, "c-1", "email", "email", "lisa@example.org", "basket", 1, "marketing", "Für Sie",
    {"email.txt": "Grüezi\n.\nEnde"}, 999,
    61_000, workspace="Muster Mode",
)  # fmt: skip


def channel(server: MailServer | None = None, **settings: Any) -> Channel:
    usual: dict[str, Any] = {"host": "localhost", "security": "none", "from": SENDER, "timeout": "2s"}
    if server is not None:
        usual |= {"port": server.port}
    return Channel("email", "smtp", "email", OPEN, settings=usual | settings)


@contextmanager
def sending(folder: Path, server: MailServer, **settings: Any) -> Iterator[SmtpChannel]:
    with open_adapter(channel(server, **settings), folder) as adapter:
        assert isinstance(adapter, SmtpChannel)
        yield adapter


def mail(number: int = 1, **values: Any) -> Outbound:
    changed: dict[str, Any] = {"key": f"k{number}", "message_id": number} | values
    return replace(MAIL, **changed)


def composed(outbound: Outbound = MAIL, sender: str = SENDER, **more: str) -> Any:
    return message_from_bytes(
        compose(outbound, mailbox(sender), outbound.address, **more), policy=policy.default
    )


# ---- what arrives ----


def test_a_mail_arrives_with_its_texts_headers_and_envelope(tmp_path: Path) -> None:
    parts = {
        "email.html": "<p>Grüezi &amp; willkommen</p>",
        "email.txt": "Grüezi\r\n.\r\n.. Ende  \n" + "ä" * 2_000,
    }
    with (
        MailServer() as server,
        sending(tmp_path, server, return_path="bounce+{token}@muster.example", reply_to="a@b.ch") as adapter,
    ):
        assert isinstance(adapter.send(mail(parts=parts, subject="Grüsse, €5 für Sie 🎁 " * 8)), Accepted)
    (got,) = server.received
    assert (got.sender, got.recipients) == ("bounce+k1@muster.example", ("lisa@example.org",))
    message = got.message
    assert message["Subject"] == ("Grüsse, €5 für Sie 🎁 " * 8).strip()
    assert (message["From"].addresses[0].display_name, message["To"], message["Reply-To"]) == (
        "Müller & Söhne",
        "lisa@example.org",
        "a@b.ch",
    )
    assert message["Date"].datetime.isoformat() == "1970-01-01T00:01:01+00:00"
    assert message["Auto-Submitted"] == "auto-generated"
    plain, html = message.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content().splitlines() == ["Grüezi", ".", ".. Ende  ", "ä" * 2_000]
    assert html.get_content().strip() == parts["email.html"]
    assert max(map(len, got.raw.split(b"\r\n"))) <= 78
    assert got.raw.count(b"\n") == got.raw.count(b"\r\n")


@pytest.mark.parametrize(("file", "kind"), [("email.txt", "text/plain"), ("email.html", "text/html")])
def test_either_text_may_be_alone(file: str, kind: str) -> None:
    message = composed(mail(parts={file: "Hallo"}))
    assert (message.get_content_type(), message.get_content().strip(), message.defects) == (kind, "Hallo", [])


def test_a_mail_says_how_to_unsubscribe_where_its_purpose_needs_a_consent() -> None:
    offered = composed(mail(unsubscribe_url=LINK, unsubscribe_mail=WAY), list_id="News <news.muster.example>")
    assert offered["List-Unsubscribe"] == f"<{LINK}>, <mailto:{WAY}>"
    assert offered["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert offered["List-Id"] == "News <news.muster.example>"
    assert composed(mail(unsubscribe_url="http://x.example/u/1"))["List-Unsubscribe-Post"] is None
    service = composed(mail(purpose="transactional"), list_id="News <news.muster.example>")
    assert [service[name] for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id")] == [None] * 3


def test_a_very_long_link_is_neither_broken_nor_encoded() -> None:
    link = "https://shop.example/u/" + "a" * 400
    raw = compose(mail(unsubscribe_url=link, unsubscribe_mail=WAY), mailbox(SENDER), "a@b.ch")
    assert f"List-Unsubscribe: <{link}>,\r\n <mailto:{WAY}>\r\n".encode() in raw


def test_the_message_id_is_the_same_on_each_attempt_and_another_for_another_message() -> None:
    first, again, other = composed(mail(1)), composed(mail(1, attempt=2, sent_at=99_000)), composed(mail(2))
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert first["Message-ID"] == message_id("k1", "muster.example")


def test_complaints_are_grouped_by_four_plain_parts() -> None:
    assert (
        feedback_id(mail(trigger="basket: \r\nx"), "muster.example")
        == "basket-x-1:marketing:email:muster.example"
    )


@pytest.mark.parametrize(
    "hostile",
    [
        "Hi\r\nBcc: all@example.org",
        "Hi\nBcc: x@y.z",
        "Hi\u2028Bcc: x",
        "Hi\x85Bcc: x",
        "Hi\r\n\r\nbody",
        "\ud800Hi",
    ],
)
def test_nothing_in_a_subject_or_a_name_becomes_a_header_or_a_body(hostile: str) -> None:
    message = composed(mail(subject=hostile), sender="Shop <shop@muster.example>")
    assert "Bcc" not in message
    assert message.get_content().startswith("Grüezi")
    assert len(message.get_all("Subject")) == 1


@pytest.mark.parametrize(
    "words", ["=?utf-8?q?x?=", "a" * 300, "wort " * 60, "", " ", "a, b; c:", "日本語" * 40]
)
def test_every_subject_arrives_as_it_was(words: str) -> None:
    assert composed(mail(subject=words))["Subject"] == words.strip()


@pytest.mark.parametrize(
    "name", ["Muster, Mode", 'The "Shop"', "Shop (CH)", "Müller", "a@b", "x" * 40, "Shop\\"]
)
def test_every_name_of_a_sender_arrives_as_it_was(name: str) -> None:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    (address,) = composed(sender=f'"{escaped}" <a@muster.example>')["From"].addresses
    assert (address.display_name, address.addr_spec) == (name, "a@muster.example")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "lisa",
        "@x.ch",
        "lisa@",
        "a b@x.ch",
        "a@x.ch>\r\nRCPT TO:<b@x.ch",
        "a@x.ch\r\nDATA",
        "<a@x.ch>",
        "a,b@x.ch",
        "a\ud800@x.ch",
        "=?utf-8?q?lisa=40other.example=3e?=@x.ch",
        "lisa=?UTF-8?B?YQ==?=@x.ch",
    ],
)
def test_an_address_that_is_none_is_refused_for_good_before_anything_is_said(
    tmp_path: Path, address: str
) -> None:
    with MailServer() as server, sending(tmp_path, server) as adapter:
        assert isinstance(adapter.send(mail(address=address)), Permanent)
    assert not server.connections


def test_the_machine_greets_by_the_name_it_is_given(tmp_path: Path) -> None:
    greetings = list[str]()

    def heard(stage: str, line: str) -> None:
        if stage == "EHLO":
            greetings.append(line)

    with MailServer(heard) as server, sending(tmp_path, server, helo="mail.muster.example") as adapter:
        adapter.send(mail())
    assert greetings == ["ehlo mail.muster.example"]


def test_hosts_beyond_ascii_go_out_in_their_network_form(tmp_path: Path) -> None:
    with MailServer() as server, sending(tmp_path, server) as adapter:
        adapter.send(mail(address="lisa@müller.example"))
    assert server.received[0].recipients == ("lisa@xn--mller-kva.example",)
    assert wire_address("x@muster.example") == "x@muster.example"


def test_addresses_beyond_ascii_need_a_server_that_takes_them(tmp_path: Path) -> None:
    with MailServer() as server, sending(tmp_path, server) as adapter:
        assert isinstance(adapter.send(mail(address="jörg@example.org")), Accepted)
        assert isinstance(adapter.send(mail(2)), Accepted)
    assert server.received[0].recipients == ("jörg@example.org",)
    assert server.received[0].message["To"] == "jörg@example.org"
    with MailServer(smtputf8=False) as server, sending(tmp_path, server) as adapter:
        result = adapter.send(mail(address="jörg@example.org"))
        assert isinstance(result, Permanent)
        assert "SMTPUTF8" in result.reason
        assert isinstance(adapter.send(mail(2)), Accepted)


# ---- the line ----


def test_one_connection_carries_a_batch(tmp_path: Path) -> None:
    with MailServer() as server, sending(tmp_path, server) as adapter:
        assert all(isinstance(adapter.send(mail(number)), Accepted) for number in range(20))
    assert (len(server.received), server.connections, server.commands["QUIT"]) == (20, 1, 1)


def test_a_line_that_was_closed_in_between_is_made_anew(tmp_path: Path) -> None:
    with MailServer() as server, sending(tmp_path, server) as adapter:
        adapter.send(mail(1))
        server.drop_all()
        assert isinstance(adapter.send(mail(2)), Accepted)
    assert server.connections == 2


@pytest.mark.parametrize("pipelining", [False, True])
def test_a_limit_of_messages_for_a_connection_is_no_failure(tmp_path: Path, pipelining: bool) -> None:
    with MailServer(per_connection=3, pipelining=pipelining) as server, sending(tmp_path, server) as adapter:
        assert all(isinstance(adapter.send(mail(number)), Accepted) for number in range(10))
    assert (len(server.received), server.connections, max(server.counts.values())) == (10, 4, 1)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_encrypted_and_signed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: Any
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "geheim")
    signed = {"security": security, "username": "shop", "password": {"env": "SMTP_PASSWORD"}}
    with MailServer(security=security, auth=("shop", "geheim")) as server:
        with sending(tmp_path, server, ca_file=str(server.ca_file), **signed) as adapter:
            assert isinstance(adapter.send(mail()), Accepted)
        with sending(tmp_path, server, **signed) as adapter:
            result = adapter.send(mail())
            assert isinstance(result, ConfigError)
            assert "certificate is not trusted" in result.reason
        monkeypatch.setenv("SMTP_PASSWORD", "falsch")
        with sending(tmp_path, server, ca_file=str(server.ca_file), **signed) as adapter:
            assert isinstance(adapter.send(mail()), ConfigError)
    assert len(server.received) == 1


def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    with MailServer(security="starttls", certificate_for="other.example") as server:
        with sending(tmp_path, server, security="starttls", ca_file=str(server.ca_file)) as adapter:
            assert isinstance(adapter.send(mail()), ConfigError)
        assert not server.commands["MAIL"]


def test_a_server_without_encryption_is_refused_where_it_was_asked_for(tmp_path: Path) -> None:
    with MailServer() as server:
        for security in ("starttls", "tls"):
            with sending(tmp_path, server, security=security) as adapter:
                assert isinstance(adapter.send(mail()), ConfigError if security == "starttls" else Result)
    assert not server.received


def test_who_must_sign_in_and_does_not_is_set_up_wrongly(tmp_path: Path) -> None:
    with MailServer(auth=("a", "b")) as server, sending(tmp_path, server) as adapter:
        assert isinstance(adapter.send(mail()), ConfigError)


def test_a_host_that_does_not_exist_is_a_fault_and_one_that_is_down_a_rest(tmp_path: Path) -> None:
    with open_adapter(channel(host="no-such-host.invalid", security="starttls"), tmp_path) as adapter:
        assert isinstance(adapter.send(mail()), ConfigError | Retry)  # a resolver that is away cannot tell
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with open_adapter(channel(port=port), tmp_path) as adapter:
        result = adapter.send(mail())
        assert isinstance(result, Retry)
        assert result.whole_channel


def test_what_cannot_be_said_to_a_server_is_a_fault_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "pässword")
    nowhere = SmtpChannel(channel(host="mail..example.ch", security="starttls"), tmp_path)
    with nowhere as adapter:
        assert adapter.send(mail()) == ConfigError("'mail..example.ch' cannot be the name of a mail server")
    with (
        MailServer(auth=("shop", "x")) as server,
        sending(tmp_path, server, username="shop", password={"env": "SMTP_PASSWORD"}) as adapter,
    ):
        result = adapter.send(mail())
    assert isinstance(result, ConfigError)
    assert "must be plain ASCII" in result.reason


def test_an_answer_that_is_none_is_shown_and_the_next_mail_goes_over_a_new_line(tmp_path: Path) -> None:
    replies = iter(["\x15\x03 \x1b[31m"])
    with (
        MailServer(lambda at, _: next(replies, None) if at == "text" else None) as server,
        sending(tmp_path, server) as adapter,
    ):
        first, second = adapter.send(mail(1)), adapter.send(mail(2))
    assert isinstance(first, Uncertain)
    assert "its answer is not understood" in first.reason
    assert "\x1b" not in first.reason
    assert isinstance(second, Accepted)
    assert server.connections == 2


# ---- servers that lie ----

GREETING = b"220 test ESMTP\r\n"
FEATURES = b"250-test\r\n250 STARTTLS\r\n"


def talking(*replies: bytes, then: Lie = silent) -> Lie:
    """Answers the first lines of the client properly, and then lies."""

    def talk(line: socket.socket, closing: Event) -> None:
        line.sendall(GREETING)
        for reply in replies:
            line.recv(65_536)
            line.sendall(reply)
        then(line, closing)

    return talk


def just_in_time(line: socket.socket, closing: Event) -> None:
    """Each reply alone is quick enough."""
    for reply in (GREETING, *[b"250 slow\r\n"] * 50):
        closing.wait(0.35)
        line.sendall(reply)


LIES: dict[str, tuple[Lie, dict[str, Any]]] = {
    "a greeting that drips": (dripping(b"220 " + b"x" * 500 + b"\r\n"), {}),
    "a greeting without end": (endless(b"220-again and again\r\n"), {}),
    "a line without end": (endless(b"x" * 80, b"220 "), {}),
    "no greeting": (silent, {}),
    "features without end": (talking(then=reading(endless(b"250-X\r\n"))), {}),
    "features that drip": (talking(then=reading(dripping(b"250 " + b"x" * 500 + b"\r\n"))), {}),
    "no encryption after all": (talking(FEATURES, b"220 go\r\n"), {"security": "starttls"}),
    "encryption that drips": (
        talking(FEATURES, b"220 go\r\n", then=dripping(b"\x16\x03\x03\x20\x00" + b"\x02" * 500)),
        {"security": "starttls"},
    ),
    "plain text smuggled before encryption": (
        talking(FEATURES, b"220 go\r\n250 hello\r\n"),
        {"security": "starttls"},
    ),
    "no encryption from the first byte": (silent, {"security": "tls"}),
    "each reply just in time": (just_in_time, {}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_mail_ends_within_its_deadline_whatever_the_server_does(tmp_path: Path, lie: str) -> None:
    told, settings = LIES[lie]
    with (
        LyingServer(told) as server,
        open_adapter(channel(host="127.0.0.1", port=server.port, **settings), tmp_path) as adapter,
    ):
        assert isinstance(adapter, SmtpChannel)
        adapter.timeout, adapter.longest = 0.5, 1.0
        began = monotonic()
        result = adapter.send(mail())
        assert monotonic() - began < 14
    assert isinstance(result, Retry)
    assert server.connections >= 1


def test_a_stop_cuts_the_line_from_another_thread_and_none_is_made_after_it(tmp_path: Path) -> None:
    with (
        LyingServer(silent) as server,
        open_adapter(channel(host="127.0.0.1", port=server.port, timeout="60s"), tmp_path) as adapter,
    ):
        assert isinstance(adapter, SmtpChannel)
        Timer(0.3, adapter.interrupt).start()
        began = monotonic()
        assert isinstance(adapter.send(mail()), Retry)
        assert isinstance(adapter.send(mail()), Retry)
        assert monotonic() - began < 25
        assert server.connections == 1


def test_a_name_that_nobody_looks_up_takes_no_longer_than_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(30))
    with open_adapter(channel(host="mail.invalid", security="starttls", timeout="1s"), tmp_path) as adapter:
        began = monotonic()
        result = adapter.send(mail())
        assert monotonic() - began < 25
    released.set()
    assert isinstance(result, Retry)
    assert result.whole_channel


# ---- answers ----

either_way = pytest.mark.parametrize("pipelining", [False, True], ids=["in turn", "together"])


@either_way
@pytest.mark.parametrize(
    ("stage", "reply", "result"),
    [
        ("greeting", "421 4.3.2 closing", Retry("", whole_channel=True)),
        ("greeting", "554 5.7.1 you are blocked", ConfigError("")),
        ("greeting", DROP, Retry("", whole_channel=True)),
        ("greeting", HANG, Retry("", whole_channel=True)),
        ("greeting", "HTTP/1.1 400 Bad Request", Retry("", whole_channel=True)),
        ("greeting", "220" + "x" * 9000, Retry("", whole_channel=True)),
        ("EHLO", DROP, Retry("", whole_channel=True)),
        ("EHLO", "\x15\x03", Retry("", whole_channel=True)),
        ("MAIL", "451 4.3.0 later", Retry("")),
        ("MAIL", "421 4.3.0 closing", Retry("")),
        ("MAIL", "550 5.7.1 not you", ConfigError("", of_message=True)),
        ("MAIL", "553 5.1.8 no such sender", ConfigError("", of_message=True)),
        ("MAIL", "552 5.3.4 too big", Permanent("")),
        ("MAIL", DROP, Retry("")),
        ("MAIL", HANG, Retry("")),
        ("MAIL", "\r\n", Retry("")),
        ("MAIL", "what?", Retry("")),
        ("RCPT", "\x15\x03 garbage", Retry("")),
        ("RCPT", "999 nine", Retry("")),
        ("RCPT", "450 4.2.0 greylisted", Retry("")),
        ("RCPT", "550 5.1.1 unknown", Permanent("", suppress_address=True)),
        ("RCPT", "550 no such user", Permanent("", is_soft_bounce=True)),
        ("RCPT", "552 5.2.2 mailbox full", Permanent("", is_soft_bounce=True)),
        ("RCPT", "550 5.7.1 relaying denied", ConfigError("", of_message=True)),
        ("RCPT", "554 relay access denied", ConfigError("", of_message=True)),
        ("RCPT", "530 5.7.0 sign in first", ConfigError("", of_message=True)),
        ("RCPT", DROP, Retry("")),
        ("DATA", "451 later", Retry("")),
        ("DATA", "554 no", Permanent("")),
        ("DATA", DROP, Retry("")),
        ("DATA", "250 well", Retry("")),
        ("DATA", "??", Retry("")),
        ("text", "\r\n", Uncertain("")),
        ("text", "\x1b]0;x\x07 garbage", Uncertain("")),
        ("text", "354 go on", Uncertain("")),
        ("text", "451 4.3.0 later", Retry("")),
        ("text", "421 4.3.0 closing", Retry("")),
        ("text", "552 5.3.4 too big", Permanent("")),
        ("text", "554 5.6.0 spam", Permanent("")),
        ("text", "550 5.7.1 policy", ConfigError("", of_message=True)),
        ("text", DROP, Uncertain("")),
        ("text", DROP_ACCEPTED, Uncertain("")),
        ("text", HANG, Uncertain("")),
        ("text", HANG_ACCEPTED, Uncertain("")),
    ],
)
def test_each_answer_has_its_result(
    tmp_path: Path, stage: Stage, reply: str, result: Result, pipelining: bool
) -> None:
    with (
        MailServer(lambda at, line: reply if at == stage else None, pipelining=pipelining) as server,
        sending(tmp_path, server) as adapter,
    ):
        adapter.timeout = 0.3
        got = adapter.send(mail())
    assert not isinstance(got, Accepted)
    assert got.reason
    assert replace(got, reason="") == result


def test_a_server_that_falls_silent_is_left_alone_after_a_few_mails(tmp_path: Path) -> None:
    with (
        MailServer(lambda stage, line: HANG if stage == "RCPT" else None) as server,
        sending(tmp_path, server) as adapter,
    ):
        adapter.timeout = 0.2
        results = [adapter.send(mail(number)) for number in range(3)]
    assert [isinstance(result, Retry) and result.whole_channel for result in results] == [False, False, True]


@either_way
def test_a_refused_recipient_does_not_disturb_the_next(tmp_path: Path, pipelining: bool) -> None:
    refuse = {"gone@example.org": "550 5.1.1 unknown", "late@example.org": "451 4.7.1 greylisted"}
    with MailServer(refuse=refuse, pipelining=pipelining) as server, sending(tmp_path, server) as adapter:
        results = [
            adapter.send(mail(n, address=a))
            for n, a in enumerate(["gone@example.org", "a@b.ch", "late@example.org", "b@b.ch"])
        ]
    assert [type(result) for result in results] == [Permanent, Accepted, Retry, Accepted]
    assert server.connections == 1


def test_replies_without_the_three_numbers_are_understood() -> None:
    assert refusal("recipient", 550, "User unknown") == Permanent("550 User unknown", is_soft_bounce=True)
    assert refusal("recipient", 552, "full") == Permanent("552 full", is_soft_bounce=True)
    assert refusal("text", 550, "spam") == Permanent("550 spam", is_soft_bounce=True)
    assert refusal("text", 554, "spam") == Permanent("554 spam")


class _Careless(socketserver.StreamRequestHandler):
    """A server that asks for the text though it has refused everybody it could be for."""

    texts: ClassVar[list[bytes]] = []

    def handle(self) -> None:
        replies = {
            b"EHLO": b"250-test\r\n250 PIPELINING",
            b"MAIL": b"250 ok",
            b"RCPT": b"550 5.1.1 unknown",
            b"DATA": b"354 go ahead",
        }
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline():
            self.wfile.write(replies[line[:4].upper()] + b"\r\n")
            if line.startswith(b"DATA"):
                self.texts.append(self.rfile.read())


def test_a_server_that_asks_for_the_text_of_a_mail_it_refused_gets_none(tmp_path: Path) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Careless) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        with open_adapter(channel(host="127.0.0.1", port=server.server_address[1]), tmp_path) as adapter:
            results = [adapter.send(mail(number)) for number in (1, 2)]
        server.shutdown()
        thread.join()
    assert results == [Permanent("550 5.1.1 unknown", suppress_address=True)] * 2
    assert _Careless.texts == [b"", b""]


def test_commands_go_together_where_the_server_takes_them_so(tmp_path: Path) -> None:
    with MailServer(pipelining=True) as server, sending(tmp_path, server) as adapter:
        assert all(
            isinstance(adapter.send(mail(number, address="jörg@b.ch" if number % 2 else "a@b.ch")), Accepted)
            for number in range(9)
        )
    assert ([server.commands[word] for word in ("MAIL", "RCPT", "DATA", "RSET")], server.connections) == (
        [9, 9, 9, 0],
        1,
    )


@either_way
@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_server_does_it_takes_no_mail_twice_unless_we_were_uncertain(
    tmp_path: Path, seed: int, pipelining: bool
) -> None:
    random = Random(seed)
    replies = [
        DROP,
        "421 4.3.0 closing",
        "garbage",
        "\r\n",
        "451 4.3.0 later",
        "550 5.1.1 no",
        "554 5.6.0 no",
        "535 5.7.8 no",
    ]

    def behave(stage: str, line: str) -> str | None:
        if random.random() > 0.12:
            return None
        return random.choice([*replies, DROP_ACCEPTED] if stage == "text" else replies)

    ended: dict[int, Result] = {}
    uncertain: Counter[str] = Counter()
    with MailServer(behave, per_connection=4, pipelining=pipelining) as server:
        for _ in range(12):
            with sending(tmp_path, server) as adapter:
                for number in range(15):
                    if not isinstance(ended.get(number), Accepted | Permanent):
                        ended[number] = adapter.send(mail(number))
                        uncertain[message_id(f"k{number}", "muster.example")] += isinstance(
                            ended[number], Uncertain
                        )
    accepted = {
        message_id(f"k{number}", "muster.example")
        for number, result in ended.items()
        if isinstance(result, Accepted)
    }
    assert accepted <= set(server.counts)
    assert all(taken <= (name in accepted) + uncertain[name] for name, taken in server.counts.items())
    assert accepted


# ---- settings ----


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"host": "mail.example.ch"}, "leave this machine unencrypted"),
        (
            {"host": "mail..example.ch"},
            "`host` cannot be looked up: 'mail..example.ch'. Write the name alone",
        ),
        ({"host": "smtp://mail.example.ch"}, "`host` cannot be looked up"),
        ({"username": "shop"}, "`username` stands alone"),
        ({"from": "Muster"}, "`from` cannot be used"),
        ({"from": "a@b.ch\r\nBcc: x@y.ch"}, "`from` cannot be used"),
        ({"return_path": "bounce"}, "`return_path` cannot be used"),
    ],
)
def test_settings_that_cannot_work_open_no_channel(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ManometerError, match=said):
        open_adapter(channel(**settings), tmp_path)


def test_plain_lines_are_allowed_where_that_is_said() -> None:
    assert not list(
        SmtpChannel.setting_faults({**channel().settings, "host": "relay.internal", "allow_plaintext": True})
    )
    assert adapter_class("smtp") is SmtpChannel


def test_a_password_that_is_not_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    signed = channel(username="shop", password={"env": "NO_SUCH_VARIABLE"})
    with (
        pytest.raises(
            ManometerError,
            match=r"channels.email: password: the variable NO_SUCH_VARIABLE is not set. Set it",
        ),
        open_adapter(signed, tmp_path),
    ):
        pass
