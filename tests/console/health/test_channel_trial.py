"""Trying a channel against real servers: what each answer means, and that nothing is sent by a look."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from console.health.channel_trial import UnreachableError, check_channel, send_test
from console.main import main
from core.errors import ManometerError
from core.limits.quiet_hours import parse_send_windows
from core.playbook.playbook import Channel
from storage import audit
from storage.store import Store
from tests.servers import MailServer


def channel(port: int, **settings: object) -> Channel:
    known = {
        "host": "127.0.0.1", "port": port, "security": "none", "from": "shop@example.ch", "timeout": "2s",
    }  # fmt: skip
    return Channel("news", "smtp", "email", parse_send_windows(()), settings={**known, **settings})


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def test_a_look_reaches_the_server_signs_in_and_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "right")
    secret = {"username": "ann", "password": {"env": "MAIL_PASSWORD"}}
    with MailServer(auth=("ann", "right")) as server:
        found = check_channel(channel(server.port, **secret), tmp_path)
        assert (found.verdict, server.received, server.connections) == ("ready", [], 1)
        monkeypatch.setenv("MAIL_PASSWORD", "wrong")
        assert check_channel(channel(server.port, **secret), tmp_path).verdict == "refused"
        monkeypatch.delenv("MAIL_PASSWORD")
        found = check_channel(channel(server.port, **secret), tmp_path)
    assert found.verdict == "refused"
    assert "the variable MAIL_PASSWORD is not set" in found.words


def test_a_server_that_is_not_there_is_a_matter_of_the_moment(tmp_path: Path) -> None:
    assert check_channel(channel(free_port()), tmp_path).verdict == "not now"


def test_a_kind_that_cannot_be_asked_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "whsec_" + "A" * 44)
    settings = {"url": "https://hooks.example.ch/x", "secret": {"env": "HOOK"}}
    hook = Channel("hook", "webhook", "webhook", parse_send_windows(()), settings=settings)
    assert check_channel(hook, tmp_path).verdict == "not asked"
    assert check_channel(replace(hook, settings={}), tmp_path).verdict == "refused"


def test_a_test_message_arrives_marked_and_what_is_not_taken_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    assert main(["init", str(folder)]) == 0
    with Store.open(folder / "manometer.db") as store:
        with MailServer(refuse={"dead@example.ch": "550 5.1.1 no such user"}) as server:
            given = store, channel(server.port), folder, "Muster <Mode>"
            send_test(*given, "me@example.ch", "ann", 1, "is it up?")
            (mail,) = server.received
            assert b"[TEST]" in mail.raw
            with pytest.raises(ManometerError, match="did not take the test message") as refused:
                send_test(*given, "dead@example.ch", "ann", 2)
            assert not refused.value.may_succeed_later
        with pytest.raises(UnreachableError) as later:
            send_test(store, channel(free_port()), folder, "Muster", "me@example.ch", "ann", 3)
        assert later.value.may_succeed_later
        with store.reading() as connection:
            acts = [(row["action"], row["subject"]) for row in audit.entries(connection)]
    assert acts == [
        ("test channel", "me@example.ch"), ("test channel", "dead@example.ch"),
        ("test not sent", "dead@example.ch"), ("test channel", "me@example.ch"),
        ("test not sent", "me@example.ch"),
    ]  # fmt: skip
