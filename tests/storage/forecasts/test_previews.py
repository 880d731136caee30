"""The decisions of a preview that are written nowhere, and the queries of the first screen."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from core.forecast.preview_filter import PreviewFilter
from core.instants import DAY
from core.limits.windows import Span
from storage import overview, status
from storage.forecasts import previews
from storage.forecasts.previews import Kept
from storage.sqlite import StoreError
from storage.store import Store

RULES = '[{"rule":"gap","count":1,"limit":null,"from":"","to":"","counted":[]}]'


def row(
    at: int,
    customer: int,
    outcome: str = "send",
    channel: str | None = "email",
    rules: str = "[]",
    rank: int = 0,
) -> previews.Row:
    reason = None if outcome == "send" else "PRESSURE"
    return (
        at,
        customer,
        f"c{customer}",
        rank,
        "basket",
        1,
        channel,
        outcome,
        reason,
        None,
        0,
        rules,
        "[]",
        int(outcome == "hold"),
        "c",
        None,
        0,
        None,
        0,
    )


@pytest.fixture
def kept() -> Iterator[Kept]:
    kept = Kept()
    kept.add(
        [
            row(30, 1),
            row(10, 2, "defer", rules=RULES),
            row(10, 1, rank=1),
            row(10, 1, "suppress", None, rank=0),
        ]
    )
    kept.add([row(20, 3, "hold", "sms")])
    kept.finish()
    yield kept
    kept.close()


CASES = {
    "all, by instant, customer and rank": (PreviewFilter(), [4, 3, 2, 5, 1]),
    "a span without its end": (PreviewFilter(since=10, until=20), [4, 3, 2]),
    "a channel": (PreviewFilter(channels=("sms",)), [5]),
    "no channel": (PreviewFilter(channels=(None,)), [4]),
    "outcomes": (PreviewFilter(outcomes=("defer", "hold")), [2, 5]),
    "a rule": (PreviewFilter(rule="gap"), [2]),
    "a reason of a customer": (PreviewFilter(reasons=("PRESSURE",), customer_id=1), [4]),
    "what comes of imagined events": (PreviewFilter(imagined=True), [5]),
    "none of no triggers": (PreviewFilter(triggers=()), []),
}


@pytest.mark.parametrize(("wanted", "found"), CASES.values(), ids=list(CASES))
def test_decisions_are_found_by_what_is_asked(kept: Kept, wanted: PreviewFilter, found: list[int]) -> None:
    assert list(kept.ids(wanted)) == found


def test_rows_come_back_with_their_rules_read(kept: Kept) -> None:
    rows = kept.rows([2, 1, 99])
    assert set(rows) == {1, 2}
    assert rows[2]["rules"][0]["rule"] == "gap"
    assert (rows[1]["customer"], rows[1]["late"]) == ("c1", False)


def test_one_that_was_closed_says_so(kept: Kept) -> None:
    kept.close()
    with pytest.raises(StoreError, match="replaced by a newer one"):
        kept.ids(PreviewFilter())


def test_it_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kept = Kept()
    kept.add([row(1, 1)])
    assert list(tmp_path.iterdir()) == []
    kept.close()
    gc.collect()


def test_a_question_that_was_given_up_ends(kept: Kept) -> None:
    kept.add([row(number, number) for number in range(20_000)])
    with pytest.raises(StoreError):
        kept.ids(PreviewFilter(), lambda: True)
    assert len(kept.ids(PreviewFilter())) == 20_005


# ---- queries ----

SPAN = Span(0, DAY)
PLANS: dict[str, tuple[Callable[[Connection], Any], str]] = {
    "sent": (
        lambda connection: overview.sent(connection, SPAN),
        "COVERING INDEX ix_messages_sent (trigger=? AND sent_at>? AND sent_at<?)",
    ),
    "waiting": (
        lambda connection: overview.waiting(connection, DAY),
        "ix_messages_waiting (state=? AND planned_at<?)",
    ),
    "in trouble": (
        lambda connection: status.figures(connection, 2 * DAY, DAY, books=False),
        "ix_messages_trouble (state=? AND planned_at>?)",
    ),
    "due": (lambda connection: status.due(connection, DAY, 2), "INDEX ix_customers_next_due_at (next_due_at"),
    "to plan anew": (
        lambda connection: status.due(connection, DAY, 2),
        "COVERING INDEX ix_customers_planned_version",
    ),
    "soon": (
        lambda connection: overview.soon(connection, ("basket",), DAY),
        "COVERING INDEX ix_enrolments_trigger (trigger=? AND state=?",
    ),
    "contacts": (
        lambda connection: overview.contacts_of_base(connection, SPAN, None, (), lambda: False),
        "COVERING INDEX ix_messages_landing (lands_at>? AND lands_at<?)",
    ),
    "customers": (overview.customers_in_all, "INDEX ix_customers_gone"),
    "mark": (previews.mark, "SEARCH"),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.create(tmp_path_factory.mktemp("plans") / "shop.db") as store:
        yield store


@pytest.mark.parametrize(("ask", "plan"), PLANS.values(), ids=list(PLANS))
def test_the_first_screen_reads_by_indexes(store: Store, ask: Callable[[Connection], Any], plan: str) -> None:
    asked: list[tuple[str, Any]] = []
    with store.reading() as connection:
        event.listen(
            connection,
            "before_cursor_execute",
            lambda _c, _u, statement, values, _x, _m: asked.append((statement, values)),
        )
        found = ask(connection)
        list(found) if hasattr(found, "__next__") else None
        statements = list(asked)
        steps = [
            row[3]
            for sql, values in statements
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
    assert any(plan in step for step in steps), steps
    assert not any(
        step in ("SCAN messages", "SCAN decisions", "SCAN events", "SCAN customers") for step in steps
    ), steps


TIMELINE = "ix_events_timeline (customer_id=? AND occurred_at>?"
AHEAD: dict[str, tuple[Callable[[Connection], Any], str]] = {
    "who waits": (
        lambda connection: previews.due_by(connection, 1, 1, with_waiting=True),
        "ix_enrolments_open",
    ),
    "who did anything lately": (lambda connection: previews.active_since(connection, 0, 1), TIMELINE),
    "what they did": (lambda connection: previews.acts(connection, [1, 2], 0, 1), TIMELINE),
}


@pytest.mark.parametrize(("ask", "plan"), AHEAD.values(), ids=list(AHEAD))
def test_whom_a_question_concerns_is_found_by_indexes(
    store: Store, ask: Callable[[Connection], Any], plan: str
) -> None:
    asked: list[tuple[str, Any]] = []
    with store.reading() as connection:
        event.listen(
            connection,
            "before_cursor_execute",
            lambda _c, _u, statement, values, _x, _m: asked.append((statement, values)),
        )
        ask(connection)
        statements = list(asked)
        steps = [
            row[3]
            for sql, values in statements
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
    assert any(plan in step for step in steps), steps
    assert not any(step in ("SCAN events", "SCAN enrolments") for step in steps), steps
