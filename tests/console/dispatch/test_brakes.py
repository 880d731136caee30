"""What refuses is left alone before it ruins a queue; what is refused holds up nobody else; and no channel
waits for another, whatever its server does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import func, select

from console.dispatch import Dispatched, dispatch
from core.instants import HOUR, MINUTE, SECOND, Instant
from core.limits.brake import BrakeRecord
from core.model.pauses import Pause, parse_target
from storage import brakes, pauses
from storage.brakes import ChannelBackoff, channel_backoffs
from storage.schema.consents import soft_bounces, suppressions
from storage.schema.messages import messages
from tests.console.dispatch.test_dispatch import MAIN, NOON, SMTP, Shop, with_smtp
from tests.servers import Answer, Lie, LyingServer, MailServer, Request, WebServer, dripping, endless, silent

HOOK = """kind = "webhook"
url = "{url}"
secret = {{ env = "HOOK" }}
allow_hosts = ["localhost"]
timeout = "{timeout}"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("HOOK", "whsec_" + "A" * 32)
    made = Shop(tmp_path)
    yield made
    made.store.close()


def with_hook(shop: Shop, url: str, timeout: str = "5s", more: str = "") -> None:
    hook = HOOK.format(url=url, timeout=timeout) + more
    shop.files["manometer.toml"] = MAIN.replace('kind = "file"', hook, 1).replace("EMAIL_SETTINGS", "")


def fill(shop: Shop, number: int, first: int = 1, **values: Any) -> None:
    for each in range(first, first + number):
        shop.add(each, **values)


def rows(shop: Shop) -> dict[str, int]:
    with shop.store.reading() as connection:
        query = select(messages.c.state, func.count()).group_by(messages.c.state)
        return {row[0]: row[1] for row in connection.execute(query)}


def backoff(shop: Shop) -> ChannelBackoff | None:
    with shop.store.reading() as connection:
        return channel_backoffs(connection).get("email")


def count(shop: Shop, table: Any) -> int:
    with shop.store.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def until_sent(shop: Shop, number: int, most: Instant = HOUR, step: Instant = 5 * SECOND) -> Instant:
    """Passes at the scheduler's rhythm until so many are sent; how long that took."""
    sent, passed = 0, 0
    while sent < number and passed < most:
        sent += shop.dispatch(NOON + passed).sent
        passed += step
    return passed


# ---- what is refused holds up nobody else ----


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.7.1 not for you",
        "550 no such user",
        "550 5.1.1 unknown",
        "554 5.6.0 spam",
        "530 5.7.0 sign in first",
        "450 4.2.0 greylisted",
        "421 4.7.0 too many",
    ],
)
def test_the_good_go_within_seconds_though_the_refused_come_first(shop: Shop, reply: str) -> None:
    fill(shop, 38)
    refuse = {f"c{number}@example.org": reply for number in range(1, 9)}
    with MailServer(lambda stage, line: refuse.get(_address(line)) if stage == "RCPT" else None) as server:
        with_smtp(shop, server.port)
        done = shop.dispatch()
        assert (done.sent, done.halted, len(server.received)) == (30, {}, 30)
    assert [shop.row(number).attempts for number in (1, 8, 38)] == [1, 1, 1]
    with shop.store.reading() as connection:
        assert not channel_backoffs(connection)


@pytest.mark.parametrize("bad", [12, 40])
def test_also_more_refusals_than_the_brake_allows_hold_up_the_good_for_seconds_only(
    shop: Shop, bad: int
) -> None:
    fill(shop, bad + 30)
    refuse = {f"c{number}@example.org": "550 5.7.1 not for you" for number in range(1, bad + 1)}
    with MailServer(refuse=refuse) as server:
        with_smtp(shop, server.port)
        assert shop.dispatch().halted
        # what was braked at the end of a turn is tried by the next, not by the one after it
        passed = until_sent(shop, 30, step=5 * SECOND - 1)
        assert passed <= 20 * SECOND
        assert len(server.received) == 30


@pytest.mark.parametrize("newcomers", [1, 4])
def test_who_comes_while_only_refused_messages_are_left_is_tried_within_seconds(
    shop: Shop, newcomers: int
) -> None:
    fill(shop, 12)
    come = NOON + 20 * MINUTE
    fill(shop, newcomers, first=13, planned_at=come)
    refuse = {f"c{number}@example.org": "550 5.7.1 not for you" for number in range(1, 13)}
    with MailServer(refuse=refuse) as server:
        with_smtp(shop, server.port)
        for passed in range(0, 20 * MINUTE, 30 * SECOND):
            shop.dispatch(NOON + passed)
        found = backoff(shop)
        assert found is not None
        assert found.until > come + MINUTE
        tried = server.commands["RCPT"]
        assert shop.dispatch(come).sent == newcomers
        assert server.commands["RCPT"] <= tried + newcomers + 12
        assert len(server.received) == newcomers
    assert backoff(shop) is None


def test_the_longer_a_channel_refuses_new_messages_the_longer_the_next_wait(shop: Shop) -> None:
    instants = [NOON + minute * MINUTE for minute in range(240)]
    for number, at in enumerate(instants, 1):
        shop.add(number, planned_at=at)
    with MailServer(lambda stage, line: "550 no" if stage == "RCPT" else None) as server:
        with_smtp(shop, server.port)
        for at in instants:
            shop.dispatch(at)
        assert server.commands["RCPT"] < 10 + 3 * (9 + 4 * 4 + 4 * 4)
        tried = server.commands["RCPT"]
        for at in instants[:15]:
            shop.dispatch(instants[-1] + at - NOON)
        assert server.commands["RCPT"] <= tried + 6
    assert "failed" not in rows(shop)


def test_what_is_paused_is_no_probe_and_lengthens_no_wait(shop: Shop) -> None:
    fill(shop, 10)
    with MailServer(lambda stage, line: "550 no" if stage == "RCPT" else None) as server:
        with_smtp(shop, server.port)
        shop.dispatch()
        before = backoff(shop)
        shop.add(11, trigger="receipt", purpose="transactional")
        pause_trigger(shop, "receipt")
        for second in range(6, 9):
            shop.dispatch(NOON + second * SECOND)
        assert (backoff(shop), server.commands["RCPT"]) == (before, 10)


def pause_trigger(shop: Shop, name: str) -> None:
    with shop.store.writing() as connection:
        pauses.pause(connection, Pause(parse_target(name), NOON), "ann", None)


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]


def test_a_refused_message_fails_once_its_attempts_are_used_up_and_the_channel_works(shop: Shop) -> None:
    shop.add(1)
    with MailServer(refuse={"c1@example.org": "550 5.7.1 not for you"}) as server:
        with_smtp(shop, server.port)
        now = NOON
        for number in range(2, 40):
            shop.add(number, planned_at=now, expires_at=now + 10 * HOUR)
            shop.dispatch(now)
            now += 30 * MINUTE
    assert shop.state(1) == ("failed", "CHANNEL_ERROR")
    assert shop.row(1).attempts == 10


# ---- what refuses everybody ----


@pytest.mark.parametrize(
    "reply",
    ["550 Blocked: your IP is listed", "550 5.7.1 policy", "554 no", "451 4.3.0 later", "552 5.2.2 full"],
)
def test_a_server_that_refuses_everybody_is_left_alone_with_nothing_failed_or_suppressed(
    shop: Shop, reply: str
) -> None:
    fill(shop, 100)
    with MailServer(lambda stage, line: reply if stage == "RCPT" else None) as server:
        with_smtp(shop, server.port)
        done = shop.dispatch()
        assert server.commands["RCPT"] == 10
        assert "10 messages in a row were refused" in done.halted["email"]
        assert reply in done.halted["email"]
        assert (rows(shop), done.retried) == ({"due": 10, "planned": 90}, 10)
        for minute in range(60):
            shop.dispatch(NOON + minute * MINUTE)
        assert server.commands["RCPT"] <= 45
    assert (count(shop, suppressions), count(shop, soft_bounces)) == (0, 0)
    assert "failed" not in rows(shop)
    assert backoff(shop) is not None
    with MailServer() as server:
        with_smtp(shop, server.port)
        for minute in range(60, 120):
            shop.dispatch(NOON + minute * MINUTE)
        assert (rows(shop), len(server.counts)) == ({"sent": 100}, 100)
    assert backoff(shop) is None


@pytest.mark.parametrize("status", [401, 403, 404, 405, 409, 410, 301, 400, 500, 503])
def test_an_endpoint_that_refuses_everything_is_left_alone_with_nothing_failed(
    shop: Shop, status: int
) -> None:
    fill(shop, 100)
    with WebServer([Answer(status)]) as server:
        with_hook(shop, server.url)
        done = shop.dispatch()
        assert len(server.received) == 10
        assert "10 messages in a row were refused" in done.halted["email"]
        assert rows(shop) == {"due": 10, "planned": 90}
        assert shop.dispatch(NOON + SECOND).halted == done.halted
        assert len(server.received) == 10


def test_a_wait_that_the_endpoint_asks_for_is_kept_when_it_brakes(shop: Shop) -> None:
    fill(shop, 30)
    with WebServer([Answer(503, headers={"Retry-After": "1800"})]) as server:
        with_hook(shop, server.url)
        shop.dispatch()
        found = backoff(shop)
        assert found is not None
        assert (found.until - NOON, len(server.received)) == (30 * MINUTE, 10)


def test_one_answer_of_an_endpoint_that_is_busy_for_one_message_halts_nothing(shop: Shop) -> None:
    fill(shop, 20)

    def answer(request: Request) -> Answer:
        return Answer(503 if request.headers["webhook-id"] == "k1" else 200, headers={"Retry-After": "3600"})

    with WebServer(answer) as server:
        with_hook(shop, server.url)
        assert shop.dispatch() == Dispatched(sent=19, retried=1)
    assert shop.row(1).claimed_until >= NOON + HOUR


def test_refusals_that_come_one_by_one_brake_as_well(shop: Shop) -> None:
    with WebServer([Answer(404)]) as server:
        with_hook(shop, server.url)
        for number in range(1, 12):
            at = NOON + number * SECOND
            shop.add(number, planned_at=at)
            done = shop.dispatch(at)
    assert "10 messages in a row" in done.halted["email"]
    assert "failed" not in rows(shop)


def test_half_of_the_last_twenty_brakes(shop: Shop) -> None:
    fill(shop, 40)

    def answer(request: Request) -> Answer:
        return Answer(404 if int(request.headers["webhook-id"][1:]) % 2 else 200)

    with WebServer(answer) as server:
        with_hook(shop, server.url)
        done = shop.dispatch()
        assert "10 of the last 20 messages were refused" in done.halted["email"]
        assert len(server.received) == 21


def test_the_limits_are_those_of_the_workspace(shop: Shop) -> None:
    fill(shop, 20)
    with WebServer([Answer(404)]) as server:
        with_hook(shop, server.url, more="brake = { refusals = 3 }\n")
        assert "3 messages in a row" in shop.dispatch().halted["email"]
        assert len(server.received) == 3


def test_a_refusal_for_good_is_believed_once_the_channel_takes_the_next(shop: Shop) -> None:
    fill(shop, 3)
    with WebServer([Answer(200), Answer(400), Answer(200)]) as server:
        with_hook(shop, server.url)
        assert shop.dispatch() == Dispatched(sent=2, failed=1)
    assert shop.state(2) == ("failed", "CHANNEL_ERROR")


def test_one_that_was_refused_last_is_believed_when_others_went_meanwhile(shop: Shop) -> None:
    fill(shop, 2)
    with WebServer([Answer(200), Answer(400)]) as server:
        with_hook(shop, server.url)
        assert shop.dispatch() == Dispatched(sent=1, retried=1)
    shop.add(3, planned_at=NOON + MINUTE)
    with WebServer([Answer(200), Answer(400)]) as server:
        with_hook(shop, server.url)
        assert shop.dispatch(NOON + 2 * MINUTE) == Dispatched(sent=1, failed=1)


# ---- addresses ----


def test_only_so_many_addresses_are_suppressed_within_an_hour(shop: Shop) -> None:
    fill(shop, 60)
    with MailServer(lambda stage, line: _unknown(line) if stage == "RCPT" else None) as server:
        with_smtp(shop, server.port)
        text = shop.files["manometer.toml"]
        shop.files["manometer.toml"] = text.replace(
            'security = "none"', 'security = "none"\nbrake = { share = 1, suppressions = 5 }', 1
        )
        done = shop.dispatch()
        assert "5 addresses were suppressed within an hour" in done.halted["email"]
    assert (count(shop, suppressions), done.failed) == (5, 5)


def _unknown(line: str) -> str | None:
    """Every third address is not known."""
    number = int(_address(line)[1:].partition("@")[0])
    return "550 5.1.1 unknown" if number % 3 == 0 else None


# ---- no channel waits for another ----


def beside(shop: Shop, lie: Lie, timeout: str = "30s") -> LyingServer:
    """Mail goes to a server that lies; other messages to a file."""
    server = LyingServer(lie)
    text = MAIN.replace('kind = "file"', SMTP.replace("PORT", str(server.port)), 1)
    shop.files["manometer.toml"] = text.replace("EMAIL_SETTINGS", "").replace(
        'timeout = "2s"', f'timeout = "{timeout}"'
    )
    return server


LIES: dict[str, Lie] = {
    "silent": silent,
    "dripping": dripping(b"220 " + b"x" * 500 + b"\r\n"),
    "endless": endless(b"220-again\r\n"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_channel_whose_server_lies_delays_no_other_and_no_stop(shop: Shop, lie: str) -> None:
    fill(shop, 5)
    fill(shop, 50, first=6, channel="sms")
    stop = threading.Event()
    with beside(shop, LIES[lie]):
        began = monotonic()
        done: list[Dispatched] = []
        workspace = shop.workspace
        runner = threading.Thread(
            target=lambda: done.append(
                dispatch(shop.store, workspace, NOON, "me", stopping=stop.is_set, ports=shop.ports)
            )
        )
        runner.start()
        while len(shop.sent("sms")) < 50:
            assert monotonic() - began < 60
            threading.Event().wait(0.05)
        stop.set()
        asked = monotonic()
        runner.join(60)
        assert monotonic() - asked < 25  # a mail alone may take thirty seconds
    assert done[0].sent == 50
    assert shop.row(1).state == "planned"
    assert shop.row(1).claimed_by is None


def test_a_slow_endpoint_does_not_slow_down_mail(shop: Shop) -> None:
    fill(shop, 3, channel="sms")
    fill(shop, 100, first=4)
    go_on = threading.Event()

    def slow_answer(_: Request) -> Answer:
        go_on.wait(60)
        return Answer()

    with MailServer() as mail, WebServer(slow_answer) as hook:
        text = MAIN.replace('kind = "file"', SMTP.replace("PORT", str(mail.port)), 1)
        text = text.replace("EMAIL_SETTINGS", "").replace(
            'kind = "file"', HOOK.format(url=hook.url, timeout="60s"), 1
        )
        shop.files["manometer.toml"] = text
        began = monotonic()
        slow = threading.Thread(target=shop.dispatch)
        slow.start()
        while len(mail.received) < 100:
            assert monotonic() - began < 50
            threading.Event().wait(0.02)
        assert len(hook.received) <= 1
        go_on.set()
        slow.join()
    assert rows(shop) == {"sent": 103}


# ---- what an operator does ----


def test_a_brake_that_is_let_go_forgets_what_it_held_against_the_channel(shop: Shop) -> None:
    fill(shop, 30)
    with WebServer([Answer(404)]) as server:
        with_hook(shop, server.url)
        shop.dispatch()
    with shop.store.writing() as connection:
        assert "10 messages in a row" in (brakes.release(connection, "email") or "")
        assert brakes.release(connection, "email") is None
        assert brakes.record_of(connection, "email") == BrakeRecord()
    with WebServer() as server:
        with_hook(shop, server.url)
        assert shop.dispatch(NOON + SECOND).sent == 20
