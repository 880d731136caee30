"""The webhook channel against real web servers: what is called, how it is signed, where it never goes, and
what every answer comes to.
"""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate
from io import StringIO
from pathlib import Path
from threading import Event, Timer
from time import monotonic
from typing import Any

import pytest

from console.channels import open_adapter
from console.channels._http import CallError, HttpxPort, is_public
from console.channels._network import trusted
from console.channels.webhook import WebhookChannel, signatures
from console.daemon.log import opened_log
from core.errors import ManometerError
from core.instants import DAY, HOUR, SECOND
from core.limits.quiet_hours import parse_send_windows
from core.model.delivery import Accepted, ConfigError, Outbound, Permanent, Result, Retry
from core.playbook.playbook import Channel
from tests.servers import (
    Answer,
    Lie,
    LyingServer,
    Request,
    WebServer,
    dripping,
    endless,
    reading,
    silent,
)

SECRETS = [b"first secret of 24 bytes", b"another secret, as long as"]
CALL = Outbound(
    "k1",
    7,
    "c-1",
    "crm",
    "webhook",
    "webhook:",
    "basket",
    1,
    "marketing",
    "Hi",
    {"webhook.json": '{"a": "ä"}'},
    999,
    1_700_000_000_500,
)
KEYS = ["whsec_" + base64.b64encode(secret).decode() for secret in SECRETS]


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, key in enumerate(KEYS):
        monkeypatch.setenv(f"HOOK_SECRET_{number}", key)


@contextmanager
def calling(folder: Path, url: str, **settings: Any) -> Iterator[WebhookChannel]:
    usual = {"url": url, "secret": {"env": "HOOK_SECRET_0"}, "timeout": "5s", "allow_hosts": ["localhost"]}
    channel = Channel("crm", "webhook", "webhook", parse_send_windows([]), settings=usual | settings)
    with open_adapter(channel, folder) as adapter:
        assert isinstance(adapter, WebhookChannel)
        yield adapter


def answered(
    folder: Path, *answers: Answer, message: Outbound = CALL, timeout: float = 5.0
) -> tuple[Result, list[Request]]:
    with WebServer(answers) as server, calling(folder, server.url) as adapter:
        adapter.port = HttpxPort(timeout, ["localhost"], trusted(None, "hook", folder))
        return adapter.send(message), server.received


# ---- what is called ----


def test_signatures_are_those_of_the_standard() -> None:
    """The example that its libraries share."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signatures([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_call_carries_the_template_and_its_signature(tmp_path: Path) -> None:
    result, (request,) = answered(tmp_path, Answer(202, b'{"id": "evt_1"}'))
    assert result == Accepted("evt_1")
    assert json.loads(request.body) == {"a": "ä"}
    assert request.headers["webhook-id"] == "k1"
    assert request.headers["webhook-timestamp"] == "1700000000"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-signature"] == signatures(SECRETS[:1], "k1", "1700000000", request.body)


def test_every_secret_signs_while_one_takes_over_from_the_other(tmp_path: Path) -> None:
    with (
        WebServer() as server,
        calling(tmp_path, server.url, secret=[{"env": "HOOK_SECRET_0"}, {"env": "HOOK_SECRET_1"}]) as adapter,
    ):
        adapter.send(CALL)
    first, second = server.received[0].headers["webhook-signature"].split(" ")
    assert first != second
    assert first.startswith("v1,")


def test_a_message_of_another_medium_goes_in_the_usual_envelope(tmp_path: Path) -> None:
    _, (request,) = answered(
        tmp_path, Answer(), message=replace(CALL, medium="sms", parts={"sms.txt": "Hallo"})
    )
    body = json.loads(request.body)
    assert (body["type"], body["timestamp"]) == ("message.due", body["data"]["sent_at"])
    assert (body["data"]["key"], body["data"]["parts"]) == ("k1", {"sms.txt": "Hallo"})


def test_one_connection_carries_a_batch(tmp_path: Path) -> None:
    with WebServer() as server, calling(tmp_path, server.url) as adapter:
        assert all(isinstance(adapter.send(CALL), Accepted) for _ in range(5))
        assert server.connections == 1


def test_the_environment_names_no_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert isinstance(answered(tmp_path, Answer())[0], Accepted)


# ---- answers ----


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Answer(204, b""), Accepted()),
        (Answer(200, b"[1]"), Accepted()),
        (Answer(200, b'{"id": 7}'), Accepted("7")),
        (Answer(429, headers={"Retry-After": "120"}), Retry("", 120 * SECOND, whole_channel=True)),
        (Answer(429), Retry("", None, whole_channel=True)),
        (Answer(429, headers={"Retry-After": "soon"}), Retry("", None, whole_channel=True)),
        (Answer(429, headers={"Retry-After": "99999999999"}), Retry("", DAY, whole_channel=True)),
        (Answer(503, headers={"Retry-After": "60"}), Retry("", 60 * SECOND)),
        (Answer(500), Retry("")),
        (Answer(599), Retry("")),
        (Answer(408), Retry("")),
        (Answer(410), ConfigError("", of_message=True)),
        (
            Answer(301, headers={"Location": "https://elsewhere.example/"}),
            ConfigError("", of_message=True),
        ),
        (Answer(400), Permanent("")),
        (Answer(404), Permanent("")),
        (Answer(drop=True), Retry("")),
    ],
)
def test_each_answer_has_its_result(tmp_path: Path, answer: Answer, result: Result) -> None:
    got, received = answered(tmp_path, answer)
    assert (got if isinstance(got, Accepted) else replace(got, reason="")) == result
    assert len(received) == 1


def test_the_wait_may_be_a_date(tmp_path: Path) -> None:
    until = formatdate((CALL.sent_at + HOUR) / 1000, usegmt=True)
    result, _ = answered(tmp_path, Answer(429, headers={"Retry-After": until}))
    assert isinstance(result, Retry)
    assert HOUR - SECOND <= (result.after or 0) <= HOUR


@pytest.mark.parametrize("answer", [Answer(delay=20.0), Answer(body=b"x" * 100, drip=0.1)])
def test_a_slow_answer_ends_with_the_time_of_the_call(tmp_path: Path, answer: Answer) -> None:
    began = monotonic()
    result, _ = answered(tmp_path, answer, timeout=0.4)
    assert isinstance(result, Retry)
    assert monotonic() - began < 8


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "lie",
    [
        silent,
        reading(silent),
        reading(dripping(OK)),
        reading(endless(b"x" * 80)),
        reading(endless(b"X-Header: and another\r\n", OK)),
        reading(endless(b"HTTP/1.1 100 Continue\r\n\r\n")),
        reading(dripping(b"a" * 300, 0.05)),
    ],
    ids=["silent", "heard", "dripping", "a line", "headers", "interim answers", "no HTTP"],
)
def test_a_call_ends_whatever_the_endpoint_does(tmp_path: Path, lie: Lie) -> None:
    with (
        LyingServer(lie) as server,
        calling(tmp_path, f"http://localhost:{server.port}/", timeout="1s") as adapter,
    ):
        began = monotonic()
        result = adapter.send(CALL)
        assert monotonic() - began < 14
    assert isinstance(result, Retry)


def test_encryption_that_never_comes_ends_with_the_time_of_the_call(tmp_path: Path) -> None:
    with (
        LyingServer(silent) as server,
        calling(tmp_path, f"https://localhost:{server.port}/", timeout="1s") as adapter,
    ):
        began = monotonic()
        assert isinstance(adapter.send(CALL), Retry)
        assert monotonic() - began < 14


def test_a_stop_ends_the_call_from_another_thread_and_none_is_made_after_it(tmp_path: Path) -> None:
    with (
        LyingServer(reading(silent)) as server,
        calling(tmp_path, f"http://localhost:{server.port}/", timeout="60s") as adapter,
    ):
        Timer(0.3, adapter.interrupt).start()
        began = monotonic()
        assert all(isinstance(adapter.send(CALL), Retry) for _ in range(2))
        assert monotonic() - began < 25


def test_a_name_that_nobody_looks_up_takes_no_longer_than_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(30))
    with calling(tmp_path, "http://localhost:1/", timeout="1s") as adapter:
        began = monotonic()
        result = adapter.send(CALL)
        assert monotonic() - began < 25
    released.set()
    assert isinstance(result, Retry)
    assert result.whole_channel


def test_an_endpoint_that_keeps_silent_is_left_alone_after_a_few_calls(tmp_path: Path) -> None:
    with WebServer([Answer(drop=True)]) as server, calling(tmp_path, server.url) as adapter:
        results = [adapter.send(CALL) for _ in range(3)]
    assert [isinstance(result, Retry) and result.whole_channel for result in results] == [False, False, True]


def test_an_answer_without_end_is_read_in_part(tmp_path: Path) -> None:
    result, _ = answered(tmp_path, Answer(200, b'"' + b"x" * 3_000_000 + b'"'))
    assert result == Accepted()


def test_an_endpoint_that_is_down_makes_the_channel_rest(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with calling(tmp_path, f"http://localhost:{port}/") as adapter:
        result = adapter.send(CALL)
    assert isinstance(result, Retry)
    assert result.whole_channel


# ---- where it never goes ----


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "255.255.255.255", "224.0.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "::127.0.0.1", "2001:db8::1", "240.0.0.1",
    ],
)  # fmt: skip
def test_addresses_that_are_none_of_the_internet_are_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_known(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]", "0.0.0.0", "127.1", "2130706433", "[::ffff:127.0.0.1]"]
)
def test_no_call_leaves_for_a_private_address_unless_its_host_is_allowed(tmp_path: Path, host: str) -> None:
    with WebServer(tls=True) as server:
        with calling(
            tmp_path, f"https://{host}:{server._server.server_address[1]}/", allow_hosts=["other"]
        ) as adapter:
            result = adapter.send(CALL)
        assert isinstance(result, ConfigError)
        assert not server.connections


def test_the_address_that_was_judged_is_the_one_that_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve, answers = socket.getaddrinfo, iter(["8.8.8.8", "127.0.0.1"])

    def rebinding(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if host == "hooks.example.com":
            return resolve(next(answers), port, *args, **more)
        return resolve(host, port, *args, **more)

    asked: list[str] = []

    def connect(address: tuple[str, int], *args: Any, **more: Any) -> Any:
        asked.append(address[0])
        raise TimeoutError

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(socket, "create_connection", connect)
    with calling(tmp_path, "https://hooks.example.com/", allow_hosts=[]) as adapter:
        adapter.send(CALL)
    assert asked == ["8.8.8.8"]


def test_calls_go_encrypted_under_the_name_of_the_host(tmp_path: Path) -> None:
    with WebServer(tls=True) as server:
        with calling(tmp_path, server.url, ca_file=str(server.ca_file)) as adapter:
            assert isinstance(adapter.send(CALL), Accepted)
        with calling(tmp_path, server.url) as adapter:
            result = adapter.send(CALL)
            assert isinstance(result, ConfigError)
            assert "certificate is not trusted" in result.reason
        assert server.received[0].headers["host"].startswith("localhost:")
    with (
        WebServer(tls=True, certificate_for="other.example") as server,
        calling(tmp_path, server.url, ca_file=str(server.ca_file)) as adapter,
    ):
        assert isinstance(adapter.send(CALL), ConfigError)


def test_a_port_says_why_there_is_no_answer(tmp_path: Path) -> None:
    with (
        calling(tmp_path, "https://no-such-host.invalid/") as adapter,
        pytest.raises(CallError, match="there is no host of the name"),
    ):
        adapter.port.post("https://no-such-host.invalid/", {}, b"")


@pytest.mark.parametrize("host", ["hooks..example.com", "xn--.example", "x" * 64 + ".example"])
def test_a_port_takes_a_name_that_no_resolver_can_be_asked_for_as_a_fault_of_the_settings(
    tmp_path: Path, host: str
) -> None:
    with calling(tmp_path, "https://hooks.example.com/") as adapter:
        with pytest.raises(CallError, match="cannot be the name of a host") as caught:
            adapter.port.post(f"https://{host}/", {}, b"")
        assert caught.value.cause == "settings"


# ---- settings ----


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://hooks.example.com/", "it is not encrypted"),
        ("ftp://hooks.example.com/", "no address of the web"),
        ("hooks.example.com", "no address of the web"),
        ("https://user:pw@hooks.example.com/", "holds a user name"),
        ("https://hooks.example.com:99999/", "it is no address"),
        ("https://hooks..example.com/", "'hooks..example.com' cannot be the name of a host"),
        ("https://xn--.example/", "'xn--.example' cannot be the name of a host"),
        ("https://hooks.example.com/\r\nx: y", "no address of the web"),
    ],
)
def test_addresses_that_cannot_be_called_open_no_channel(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(ManometerError, match=said), calling(tmp_path, url):
        pass


@pytest.mark.parametrize(
    ("secret", "said"),
    [("abc", "does not begin with whsec_"), ("whsec_*", "not base64"), ("whsec_YWJj", "3 bytes")],
)
def test_secrets_that_cannot_sign_are_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str, said: str
) -> None:
    monkeypatch.setenv("HOOK_SECRET_0", secret)
    with pytest.raises(ManometerError, match=said), calling(tmp_path, "https://hooks.example.com/"):
        pass


def test_a_secret_may_lie_in_a_file_or_among_the_credentials_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "credentials"
    given.mkdir()
    (given / "hook").write_text(KEYS[1] + "\n")
    (tmp_path / "hook").write_text(KEYS[0] + "\n")
    (tmp_path / "hook").chmod(0o600)
    with calling(tmp_path, "https://hooks.example.com/", secret={"file": "hook"}) as adapter:
        assert adapter.keys == (SECRETS[0],)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    with calling(tmp_path, "https://hooks.example.com/", secret={"file": "hook"}) as adapter:
        assert adapter.keys == (SECRETS[1],)


def test_a_secret_file_that_others_can_read_is_warned_of_once_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text(KEYS[0])
    (tmp_path / "hook").chmod(0o644)
    out = StringIO()
    with opened_log("json", stream=out):
        for _ in range(2):
            with calling(tmp_path, "https://hooks.example.com/", secret={"file": "hook"}):
                pass
    (line,) = map(json.loads, out.getvalue().splitlines())
    assert (line["level"], line["event"], line["what"]) == (
        "warning",
        "readable_secret",
        "channels.crm: secret",
    )
    assert "chmod 600" in line["reason"]
