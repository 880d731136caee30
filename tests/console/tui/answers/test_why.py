"""Why and why not as the console is told, from a real database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, update

from console.clock import SIMULATED_AT
from console.main import main
from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from screens.ports import CancelledError
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.messages import messages
from storage.store import Store, set_meta
from tests.console.furniture import NOON, TRIGGER, furnished


@pytest.fixture
def service(tmp_path: Path) -> Iterator[LocalService]:
    place = furnished(tmp_path / "shop")
    with Store.open(place / "manometer.db") as store, store.writing() as connection:
        set_meta(connection, SIMULATED_AT, str(NOON))
    service = LocalService(place)
    yield service
    service.close()


def test_every_trigger_answers_the_latest_first(service: LocalService) -> None:
    answer = service.why.explanations("u1", lambda: False)
    assert answer.name == "Anna Müller"
    assert answer.explanations[0].trigger == TRIGGER
    assert {each.trigger for each in answer.explanations} == set(service.in_force().playbook.index.by_name)
    assert [each.since is None for each in answer.explanations] == [
        False,
        *[True] * (len(answer.explanations) - 1),
    ]
    assert all(each.explanation.words and each.explanation.trace for each in answer.explanations)


def test_why_nothing_names_the_reason_of_the_last_decision(service: LocalService) -> None:
    verdict = service.why.explanations("eve@example.com", lambda: False).explanations[0]
    assert (verdict.explanation.verdict, verdict.explanation.reason) == ("suppress", "NO_CONSENT")
    assert verdict.stop is not None


def test_an_unknown_customer_is_said_with_what_to_do(service: LocalService) -> None:
    with pytest.raises(ManometerError, match="There is no customer 'nobody'"):
        service.why.explanations("nobody", lambda: False)


def test_a_question_that_nobody_waits_for_ends(service: LocalService) -> None:
    with pytest.raises(CancelledError):
        service.why.explanations("u1", lambda: True)


def test_all_answers_are_of_one_snapshot(service: LocalService, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Store] = []
    reading = Store.reading

    def noted(store: Store) -> AbstractContextManager[Connection]:
        opened.append(store)
        return reading(store)

    monkeypatch.setattr(Store, "reading", noted)
    service.in_force()
    service.now()
    around = len(opened)
    answer = service.why.explanations("u1", lambda: False)
    assert len(opened) - around == around + 1
    assert len(answer.explanations) > 1


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("held", None, "; the message waits for an approval."),
        ("cancelled", "REJECTED", "the message was cancelled: an operator rejected it."),
        ("failed", "TEMPLATE_ERROR", "the message failed: the message could not be made."),
        ("uncertain", None, "nobody knows whether the message went out."),
        ("sent", None, "Sent (step 1 over email, "),
    ],
)
def test_the_words_name_what_has_become_of_the_message_and_the_verdict_what_was_decided(
    service: LocalService, state: str, reason: str | None, said: str
) -> None:
    with Store.open(service.store.path) as store, store.writing() as connection:
        connection.execute(delete(decisions).where(decisions.c.outcome != "send"))
        connection.execute(update(enrolments).values(state="done"))
        connection.execute(update(messages).where(messages.c.id == 2).values(state=state, reason=reason))
    verdict = service.why.explanations("u1", lambda: False).explanations[0]
    assert verdict.explanation.verdict == "send"
    assert said in verdict.explanation.words


def test_what_the_console_says_of_the_workspace_follows_an_apply(service: LocalService) -> None:
    assert service.place.zone.key == "Europe/Zurich"
    settings = service.context.folder / "manometer.toml"
    settings.write_text(
        settings.read_text().replace('"Europe/Zurich"', '"Europe/London"').replace('"CHF"', '"GBP"')
    )
    seen = service.version()
    assert main(["-w", str(service.context.folder), "apply", "--yes"]) == 0
    assert service.version() != seen
    assert (service.place.zone.key, service.place.currency) == ("Europe/London", "GBP")
