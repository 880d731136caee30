"""Messages to read for the screens, on a real database: which one is meant, and what becomes of its page."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.clock import SIMULATED_AT
from console.main import main
from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from core.instants import DAY, format_instant
from screens.ports.messages import MessageAsked
from storage import timeline
from storage.outbox import texts
from storage.outbox.texts import BasePacker, KeptText
from storage.store import set_meta
from tests.console.furniture import NOON, TRIGGER, furnished

PROOFS = '\n[proofs]\nto = ["anna@shop.example"]\n'


def never() -> bool:
    return False


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    """Message 1 was sent and is kept; 2 is held, 3 failed, 4 is planned."""
    folder = furnished(tmp_path / "shop")
    with (folder / "manometer.toml").open("a") as file:
        file.write(PROOFS)
    assert main(["-w", str(folder), "apply", "--at", format_instant(NOON - 30 * DAY), "--yes"]) == 0
    service = LocalService(folder)
    said = BasePacker(b"").pack("Hi Anna", {"email.html": "<p>as it was</p>"})
    with service.store.writing() as connection:
        set_meta(connection, SIMULATED_AT, str(NOON))
        texts.keep(connection, {1: KeptText(NOON - DAY, texts.keep_base(connection, b"", NOON), said)})
    yield service
    service.close()


@pytest.mark.parametrize(
    ("asked", "form", "number"),
    [
        (MessageAsked(number=1), "sent", 1),
        (MessageAsked(number=1, anew=True), "now", 1),
        (MessageAsked(number=2), "now", 2),
        (MessageAsked(decision=3), "sent", 1),
        (MessageAsked(entry=timeline.packed(timeline.MESSAGE, 1)), "sent", 1),
        (MessageAsked(entry=timeline.packed(timeline.DECISION, 3)), "sent", 1),
        (MessageAsked(decision=2), "sample", None),
        (MessageAsked(customer="u1", trigger=TRIGGER), "now", 4),
        (MessageAsked(customer="u1", trigger="birthday"), "sample", None),
        (MessageAsked(customer="anna@example.com", trigger=TRIGGER, at=NOON), "sample", None),
        (MessageAsked(customer="u1", template="birthday"), "sample", None),
    ],
)
def test_the_message_that_is_asked_for_is_shown_and_says_what_it_is(
    local: LocalService, asked: MessageAsked, form: str, number: int | None
) -> None:
    shown = local.messages.shown(asked, never)
    assert (shown.form, shown.row and shown.row.id) == (form, number)
    eve = ("email:eve@example.com", 2)
    assert (shown.customer, shown.customer_id) == (eve if asked.decision == 2 else ("u1", 1))
    assert shown.subject
    assert ("as it was" in str(shown.texts)) is (form == "sent")


def test_what_went_out_and_is_not_kept_is_gone_and_never_made_anew(local: LocalService) -> None:
    with local.store.writing() as connection:
        texts.forget(connection, [1])
    shown = local.messages.shown(MessageAsked(number=1), never)
    assert (shown.form, shown.texts) == ("gone", ())
    assert shown.fault == "Its text is gone: it went out before texts were kept, or was erased."
    with pytest.raises(ManometerError, match="no text to be seen"):
        local.messages.save(MessageAsked(number=1), never)


@pytest.mark.parametrize(
    "asked",
    [
        MessageAsked(number=99),
        MessageAsked(decision=99),
        MessageAsked(customer="nobody", trigger=TRIGGER),
        MessageAsked(customer="u1", template="none"),
        MessageAsked(customer="u1", trigger="none"),
    ],
)
def test_what_there_is_not_is_said(local: LocalService, asked: MessageAsked) -> None:
    with pytest.raises(ManometerError):
        local.messages.shown(asked, never)


def test_pages_are_for_this_account_alone_and_those_for_the_browser_end_with_the_console(
    local: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "1")
    saved = [Path(local.messages.save(MessageAsked(number=1), never)) for _ in range(2)]
    assert len({*saved}) == 2
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in saved)
    assert "as it was" in saved[0].read_text()
    said = local.messages.browse(MessageAsked(number=1), never)
    page = Path(said.split("lies in ")[1].split(";")[0])
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    local.close()
    assert not page.exists()
    assert saved[0].exists()


def test_a_proof_is_sent_to_a_listed_operator_and_by_nobody_who_may_only_read(
    local: LocalService, tmp_path: Path
) -> None:
    said = local.messages.proof(MessageAsked(number=1), "anna@shop.example", "")
    assert said.startswith("A proof went to anna@shop.example over email: [PROOF]")
    (command,) = local.take_commands()
    assert main(shlex.split(command)[1:]) == 0
    with pytest.raises(ManometerError, match="no operator's address"):
        local.messages.proof(MessageAsked(number=1), "eve@example.com", "")
    assert not local.take_commands()
    reader = LocalService(tmp_path / "shop", read_only=True)
    with pytest.raises(ManometerError, match="Nothing was sent"):
        reader.messages.proof(MessageAsked(number=1), "anna@shop.example", "")
    reader.close()
