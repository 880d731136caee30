"""Who enters a trigger, who does not, and the share that is kept out."""

from __future__ import annotations

import pytest

from core.engine import advance
from core.engine.entry import bucket, in_trigger_holdout
from core.instants import DAY, HOUR
from core.model.dossier import TriggerEntry
from core.model.triggers import NEVER, Trigger
from tests.core.builders import (
    at,
    condition,
    dossier,
    event,
    identify,
    on,
    on_date,
    pause,
    play,
    playbook,
    rows,
    settle,
    trigger,
)

NEWS = on("News")


@pytest.mark.parametrize(
    ("news", "fields", "entered"),
    [
        (trigger("t", NEWS), {}, True),
        (trigger("t", NEWS, status="draft"), {}, False),
        (trigger("t", NEWS, status="retired"), {}, False),
        (trigger("t", NEWS, activated_at=at("Mon 10:00")), {}, True),
        (trigger("t", NEWS, activated_at=at("Mon 10:00") + 1), {}, False),
        (trigger("t", NEWS, audience=condition("orders >= 1")), {}, False),
        (trigger("t", NEWS, audience=condition("orders < 1")), {}, True),
        (trigger("t", NEWS), {"erased_at": at("Mon 09:00")}, False),
        (trigger("t", NEWS), {"known_causes": frozenset({("t", "event:1")})}, False),
        (trigger("t", NEWS), {"known_causes": frozenset({("other", "event:1")})}, True),
        (
            trigger("t", NEWS, reentry=NEVER),
            {"entries": {"t": TriggerEntry(at("Mon 00:00"), "event:0")}},
            False,
        ),
        (
            trigger("t", NEWS, reentry=10 * HOUR),
            {"entries": {"t": TriggerEntry(at("Mon 00:00"), "event:0")}},
            True,
        ),
        (
            trigger("t", NEWS, reentry=10 * HOUR + 1),
            {"entries": {"t": TriggerEntry(at("Mon 00:00"), "event:0")}},
            False,
        ),
    ],
)
def test_a_cause_enrols_or_leaves_no_row(news: Trigger, fields: dict[str, object], entered: bool) -> None:
    plan = play(playbook(news), event("News", "Mon 10:00", id=1), until="Mon 12:00", **fields)
    assert bool(plan.decisions) is bool(plan.enrolments) is entered


@pytest.mark.parametrize(("late", "entered"), [(DAY, True), (DAY + 1, False)])
def test_an_event_older_than_max_age_on_arrival_enrols_nobody(late: int, entered: bool) -> None:
    plan = play(playbook(trigger("t", NEWS)), event("News", "Mon 10:00", arrived=at("Mon 10:00") + late))
    assert bool(plan.enrolments) is entered


def test_a_history_import_enrols_nobody() -> None:
    assert play(playbook(trigger("t", NEWS)), event("News", "Mon 10:00", history=True)).enrolments == []


def test_nothing_new_enters_while_the_trigger_is_paused_but_it_does_while_everything_is_stopped() -> None:
    paused, stopped = (
        playbook(trigger("t", NEWS), pauses=(pause(name, "Mon 00:00"),)) for name in ("t", "*")
    )
    assert play(paused, event("News", "Mon 10:00")).enrolments == []
    assert rows(play(stopped, event("News", "Mon 10:00"))) == ["Mon 10:00 t email hold STOPPED"]


def test_each_value_of_per_enters_once_and_events_without_it_each_for_itself() -> None:
    book = playbook(trigger("t", on("Cart", per="cart")))
    carts: list[dict[str, str]] = [{"cart": "a"}, {"cart": "b"}, {"cart": "a"}, {}, {}]
    plan = play(book, *(event("Cart", f"Mon 1{number}:00", **cart) for number, cart in enumerate(carts)))
    assert [each.key_value for each in plan.enrolments] == ["a", "b", None, None]


def test_a_holdout_is_one_row_and_no_entry_for_reentry() -> None:
    kept_out = playbook(trigger("t", NEWS, holdout=1.0, reentry=NEVER))
    known = dossier(event("News", "Mon 10:00"))
    plan = advance(known, kept_out, at("Mon 12:00"))
    assert rows(plan) == ["Mon 10:00 t email suppress HOLDOUT"]
    assert [each.state for each in plan.enrolments] == ["holdout"]
    let_in = playbook(trigger("t", NEWS, reentry=NEVER))
    after = settle(known, plan, kept_out, [event("News", "Tue 10:00")])
    assert rows(advance(after, let_in, at("Wed 00:00"))) == ["Tue 10:00 t email send"]


def test_a_birthday_that_was_held_out_is_not_held_out_again_when_its_date_is_corrected() -> None:
    book = playbook(trigger("t", on_date("birthday"), holdout=1.0))
    known = dossier(traits={"birthday": "--03-04"})
    plan = advance(known, book, at("Wed 00:00"))
    again = advance(
        settle(known, plan, book, [identify("Wed 10:00", birthday="--03-07")]), book, at("Sun 00:00")
    )
    assert (len(plan.decisions), again.decisions) == (1, [])


def test_buckets_are_sticky_even_and_grow_with_the_share() -> None:
    keys = [f"customer-{number}" for number in range(4_000)]
    small, large = (
        {key for key in keys if in_trigger_holdout(trigger("t", NEWS, holdout=share), key)}
        for share in (0.1, 0.2)
    )
    assert small < large
    assert 0.08 < len(small) / len(keys) < 0.12
    assert bucket("t", "anna") == bucket("t", "anna") != bucket("u", "anna")
    assert all(0 <= bucket("t", key) < 1 for key in keys)
