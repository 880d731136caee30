"""The hand-over journal: after a kill each claim ends as it stands there, and where it cannot be believed
nobody pretends to know.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from console.channels.file import FileChannel
from console.dispatch import Dispatched, dispatch
from console.dispatch.journal import FORM, Journal, JournalError, folder_of
from core.instants import HOUR, MINUTE, SECOND
from core.model.delivery import Outbound, Result
from storage import leases
from storage.leases import LeaseLostError
from storage.outbox.dispatch import Claimed, OutcomeMark
from storage.outbox.texts import KeptText
from storage.schema.consents import suppressions
from storage.schema.messages import messages
from storage.store import meta
from tests.console.dispatch.test_dispatch import NOON, ForgetfulChannel, Shop, with_smtp
from tests.servers import MailServer

BOOT = (
    Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    if Path("/proc/sys/kernel/random/boot_id").exists()
    else ""
)
pytestmark = pytest.mark.skipif(
    not BOOT, reason="this system does not name its boots, so no journal is believed"
)
CLAIMED, BEGUN = "claimed 1 1 planned", "begun 1"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop whose channels cannot tell whether they had a message before."""
    made = Shop(tmp_path, ForgetfulChannel)
    with closing(made.store):
        yield made


def claimed(shop: Shop, *numbers: int, owner: str = "killed") -> None:
    for number in numbers:
        values: dict[str, Any] = {
            "state": "claimed",
            "claimed_by": owner,
            "claimed_until": NOON + HOUR,
            "attempts": 1,
        }
        shop.add(number, **values)


def left(shop: Shop, *lines: str, owner: str = "killed", boot: str = BOOT, torn: str = "") -> Path:
    """A journal that somebody has left."""
    folder = folder_of(shop.store.path)
    folder.mkdir(exist_ok=True)
    path = folder / f"{owner}.journal"
    path.write_text("".join(f"{line}\n" for line in (f"{FORM} {boot} {owner}", *lines)) + torn)
    return path


def ended(number: int, state: str, dead: Any = None, **values: Any) -> str:
    mark = OutcomeMark(number, number, state, **values)
    return f"ended {number} {json.dumps([[getattr(mark, name) for name in OutcomeMark.__slots__], dead])}"


def take_over(shop: Shop, owner: str = "next") -> Dispatched:
    """A pass that does nothing else."""
    return dispatch(shop.store, shop.workspace, NOON, owner, stopping=lambda: True, ports=shop.ports)


def journals(shop: Shop) -> list[str]:
    return sorted(path.name for path in folder_of(shop.store.path).iterdir())


# ---- what a journal says ----


@pytest.mark.parametrize(
    ("lines", "state", "attempts"),
    [
        ([CLAIMED], "planned", 0),
        (["claimed 1 1 due"], "due", 0),
        ([CLAIMED, BEGUN], "uncertain", 1),
        ([CLAIMED, BEGUN, ended(1, "sent", sent_at=NOON - 7)], "sent", 1),
        ([CLAIMED, BEGUN, ended(1, "due", not_before=NOON + HOUR, error="busy")], "due", 1),
        ([CLAIMED, BEGUN, ended(1, "failed", reason="CHANNEL_ERROR", error="no such user")], "failed", 1),
        ([CLAIMED, BEGUN, ended(1, "planned", attempted=False)], "planned", 0),
        (
            [
                CLAIMED,
                BEGUN,
                ended(1, "sent", sent_at=NOON - 7),
                ended(1, "uncertain", reason="CHANNEL_ERROR"),
            ],
            "uncertain",
            1,
        ),
        ([CLAIMED, BEGUN, ended(1, "due"), CLAIMED], "planned", 0),
        ([CLAIMED, BEGUN, ended(1, "due"), CLAIMED, BEGUN], "uncertain", 1),
        ([], "uncertain", 1),
        (["claimed 1 2 planned"], "uncertain", 1),
    ],
)
def test_each_claim_ends_as_its_journal_says(shop: Shop, lines: list[str], state: str, attempts: int) -> None:
    claimed(shop, 1)
    left(shop, *lines)
    take_over(shop)
    row = shop.row(1)
    assert (row.state, row.attempts, row.claimed_by) == (state, attempts, None)
    assert journals(shop) == []


def test_a_mail_that_was_accepted_before_the_kill_is_marked_as_any_other(shop: Shop) -> None:
    shop.settings('capacity = "3/day"')
    claimed(shop, 1, 2)
    mark = ended(
        1,
        "sent",
        subject="Grüezi",
        address="c1@example.org",
        provider_id="250 ok",
        sent_at=NOON - 5,
        lands_at=NOON + 9,
    )
    left(shop, CLAIMED, "claimed 2 1 planned", BEGUN, mark, "begun 2")
    assert take_over(shop) == Dispatched(sent=1, uncertain=1)
    row = shop.row(1)
    assert (row.subject, row.address, row.provider_id, row.sent_at, row.lands_at) == (
        "Grüezi",
        "c1@example.org",
        "250 ok",
        NOON - 5,
        NOON + 9,
    )
    with shop.store.reading() as connection:
        assert (meta(connection, "handed_over.email") or "").split()[1] == "2"


def test_an_address_that_turned_out_dead_before_the_kill_is_suppressed(shop: Shop) -> None:
    claimed(shop, 1)
    left(shop, CLAIMED, BEGUN, ended(1, "failed", dead=("email", "c1@example.org"), error="550 unknown"))
    take_over(shop)
    with shop.store.reading() as connection:
        assert connection.execute(select(suppressions.c.address, suppressions.c.reason)).all() == [
            ("c1@example.org", "550 unknown")
        ]


def test_a_channel_that_knows_keys_gets_what_was_begun_again(shop: Shop) -> None:
    shop.send_by(FileChannel)
    claimed(shop, 1)
    left(shop, CLAIMED, BEGUN)
    assert shop.dispatch(owner="next").sent == 1
    assert shop.row(1).attempts == 2


# ---- what is not believed ----


@pytest.mark.parametrize(
    "line",
    ["nonsense", "begun", "begun x", "begun 9", "begun 1 2", "claimed 1 1", "claimed 1 1 "
                                                                            "sent", "ended 1 {}",
                                                                            'ended 1 [["sent"],null]',
     ended(1, "claimed"), ended(2, "sent"), ended(1, "sent", sent_at="x"), ended(1, "sent", attempted=1),
     "\x00\x00\x00", "ended 1", "", "begun 1 1 2 A", "begun 1 1 AAAA", "begun 1 x 2 AAAA",
     f"begun 1 1 {1 << 63} AAAA", "begun 1 1 2 3 AAAA"],
)  # fmt: skip
def test_a_journal_with_a_line_that_nobody_here_wrote_is_not_believed(shop: Shop, line: str) -> None:
    claimed(shop, 1)
    left(shop, CLAIMED, line)
    assert take_over(shop) == Dispatched(uncertain=1)


def test_a_journal_of_another_boot_is_not_believed_but_its_pass_is_over(shop: Shop) -> None:
    claimed(shop, 1)
    left(shop, CLAIMED, boot="0f1e2d3c-0000-0000-0000-000000000000")
    assert take_over(shop) == Dispatched(uncertain=1)
    assert journals(shop) == []


@pytest.mark.parametrize(
    "torn", ["b", "begun 1", "ended 1 [[", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")]
)
def test_a_last_line_that_was_torn_is_not_there(shop: Shop, torn: str) -> None:
    claimed(shop, 1)
    left(shop, CLAIMED, torn=torn)
    take_over(shop)
    assert shop.state(1) == ("planned", None)


def test_an_end_that_was_torn_leaves_what_was_begun_uncertain(shop: Shop) -> None:
    claimed(shop, 1)
    left(shop, CLAIMED, BEGUN, torn=ended(1, "sent", sent_at=NOON))
    assert take_over(shop) == Dispatched(uncertain=1)


def test_an_empty_journal_and_files_of_others_are_in_nobodys_way(shop: Shop) -> None:
    claimed(shop, 1)
    path = left(shop, CLAIMED)
    path.with_name("empty.journal").write_text("")
    path.with_name("foreign.journal").write_text("hello\nworld\n")
    path.with_name("notes.txt").write_text("mine")
    take_over(shop)
    assert shop.state(1) == ("planned", None)
    assert "notes.txt" in journals(shop)


# ---- several dispatchers ----


def test_each_journal_speaks_for_the_claims_of_its_own_dispatcher_only(shop: Shop) -> None:
    claimed(shop, 1, 2, owner="a")
    claimed(shop, 3, 4, owner="b")
    left(shop, "claimed 1 1 planned", "claimed 3 1 planned", "claimed 2 1 planned", "begun 2", owner="a")
    left(shop, "claimed 3 1 planned", "begun 3", ended(3, "sent", sent_at=NOON), "claimed 4 1 due", owner="b")
    assert take_over(shop) == Dispatched(sent=1, uncertain=1)
    assert [shop.row(number).state for number in (1, 2, 3, 4)] == ["planned", "uncertain", "sent", "due"]


def test_what_a_pass_under_way_has_claimed_is_left_alone_until_its_lease_is_over(shop: Shop) -> None:
    claimed(shop, 1)
    with left(shop, CLAIMED).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert take_over(shop) == Dispatched()
        assert shop.row(1).claimed_by == "killed"
        assert journals(shop) == ["killed.journal"]


def test_while_a_pass_is_under_way_no_second_one_begins_under_its_name(shop: Shop) -> None:
    shop.add(1)
    held = Journal.open(shop.store.path, "me")
    assert held is not None
    with held:
        assert shop.dispatch() == Dispatched()
    assert shop.dispatch() == Dispatched(sent=1)


def test_a_scheduler_that_loses_its_lease_while_marking_has_its_mails_marked_by_the_next(shop: Shop) -> None:
    for number in range(1, 161):
        shop.add(number)
    with shop.store.writing() as connection:
        first = leases.acquire(connection, "a", NOON)
    assert first is not None

    def behave(stage: str, line: str) -> None:
        if stage == "text" and len(server.received) == 20:
            with shop.store.writing() as connection:
                leases.acquire(connection, "b", NOON + MINUTE)

    with MailServer(behave) as server:
        with_smtp(shop, server.port)
        with shop.store.fenced(partial(leases.fence, lease=first)) as fenced, pytest.raises(LeaseLostError):
            dispatch(fenced, shop.workspace, NOON, "a")
        taken = len(server.received)
        assert 20 < taken < 160
        assert shop.dispatch(NOON + SECOND, owner="b").sent == 160
    assert (set(server.counts.values()), len(server.counts)) == ({1}, 160)
    with shop.store.reading() as connection:
        instants = connection.execute(select(messages.c.sent_at).order_by(messages.c.id)).scalars().all()
    assert list(instants) == [NOON] * taken + [NOON + SECOND] * (160 - taken)
    assert journals(shop) == []


# ---- keeping it ----


def test_a_pass_leaves_no_journal_and_others_cannot_read_it_meanwhile(shop: Shop) -> None:
    shop.add(1)
    seen: list[tuple[int, list[str]]] = []

    class LookingAtTheJournal(ForgetfulChannel):
        def send(self, outbound: Outbound) -> Result:
            (path,) = folder_of(shop.store.path).iterdir()
            claim, begun = path.read_text().splitlines()[1:]
            seen.append((path.stat().st_mode & 0o777, [claim, " ".join(begun.split(" ")[:2])]))
            return super().send(outbound)

    shop.send_by(LookingAtTheJournal)
    before = os.umask(0)
    try:
        shop.dispatch()
    finally:
        os.umask(before)
    assert seen == [(0o600, ["claimed 1 1 planned", "begun 1"])]  # as the folder it lies in
    assert journals(shop) == []


@pytest.mark.parametrize(("line", "sent"), [(b"manometer", 0), (b"claimed", 0), (b"begun 3", 2)])
def test_what_cannot_be_noted_is_not_sent(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, line: bytes, sent: int
) -> None:
    for number in range(1, 6):
        shop.add(number)
    original = os.write

    def write(file: int, raw: bytes) -> int:
        if raw.startswith(line):
            original(file, raw[:4])
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(file, raw)

    with monkeypatch.context() as full:
        full.setattr(os, "write", write)
        with pytest.raises(
            JournalError, match=r"No space left on device\. Nothing is sent meanwhile; make room"
        ):
            shop.dispatch()
    assert len(shop.sent()) == sent
    assert [shop.row(number).state for number in range(1, 6)] == ["sent"] * sent + ["planned"] * (5 - sent)
    assert shop.dispatch().sent == 5 - sent


def test_an_end_that_cannot_be_noted_is_marked_nevertheless(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.add(1)
    original = os.write
    monkeypatch.setattr(os, "write", lambda file, raw: 3 if raw.startswith(b"ended") else original(file, raw))
    assert shop.dispatch() == Dispatched(sent=1)


def test_a_long_journal_is_begun_anew_once_all_in_it_is_marked(shop: Shop) -> None:
    sizes: list[int] = []

    class MeasuredJournal(Journal):
        def begun(self, message: Claimed, text: KeptText | None = None) -> None:
            sizes.append(self.size)
            super().begun(message, text)

    shop.ports = replace(shop.ports, open_journal=partial(MeasuredJournal.open, longest=1_000))
    for number in range(1, 301):
        shop.add(number)
    with MailServer() as server:
        with_smtp(shop, server.port)
        assert shop.dispatch().sent == 300
    assert max(sizes) < 40_000 < sum(sizes)
    assert set(server.counts.values()) == {1}


def test_texts_that_the_database_cannot_hold_do_not_stop_the_marks(shop: Shop) -> None:
    shop.add(1)
    with shop.store.writing() as connection:
        connection.execute(update(messages).values(template="odd"))
    shop.files["templates/odd/email.txt"] = "x"
    shop.files["templates/odd/subject.txt"] = "{{ event.properties.cart_id }}"
    with shop.store.writing() as connection:
        connection.exec_driver_sql('UPDATE events SET properties = \'{"cart_id": "\\ud800"}\'')
    assert shop.dispatch() == Dispatched(sent=1)
    assert shop.row(1).subject == "?"
