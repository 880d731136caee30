"""What is different between two futures of one customer, and the sums of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.forecast.diff import CustomerChange, Diff, RuleSide, differences, only_in, row_of
from core.forecast.preview import Fullness, PreviewCustomer, PreviewLimit
from core.instants import DAY
from core.limits.pressure import Contact
from core.model.decisions import Decision, Message, RuleEvidence
from core.model.reasons import Reason
from tests.core.builders import ZURICH, at


def decision(
    when: str, outcome: Any = "send", until: str | None = None, *, trigger: str = "basket", **fields: Any
) -> Decision:
    cause = fields.pop("cause", "c1")
    moment = at(when)
    contact = Contact(
        moment,
        "email",
        trigger,
        "marketing",
        frozenset(),
        1000,
        True,
        f"{trigger}/{cause}/{fields.get('step', 1)}",
    )
    message = (
        Message("k", "email", "note", None, moment, moment + DAY, contact) if outcome == "send" else None
    )
    reason = None if outcome == "send" else Reason.PRESSURE
    filled: dict[str, Any] = {"step": 1, "channel": "email", "planned_at": moment, "reason": reason} | fields
    return Decision(
        moment,
        trigger,
        cause,
        outcome=outcome,
        until=None if until is None else at(until),
        message=message,
        **filled,
    )


def words(before: list[Decision], after: list[Decision]) -> list[str]:
    return [each.change for each in differences(before, after)]


def test_equal_futures_leave_nothing_whatever_the_evidence() -> None:
    assert (
        words(
            [decision("Tue 09:00"), decision("Wed 09:00")],
            [decision("Tue 09:00", version=2), decision("Wed 09:00", late=True)],
        )
        == []
    )


def test_the_last_belongs_to_the_last_for_there_the_outcome_is() -> None:
    found = differences(
        [decision("Tue 09:00")], [decision("Tue 09:00", "defer", "Wed 10:00"), decision("Wed 10:00")]
    )
    assert [(each.change, each.either.outcome) for each in found] == [("added", "defer"), ("moved", "send")]
    assert [each.at for each in found] == [at("Tue 09:00"), at("Tue 09:00")]


def test_another_outcome_is_a_change_and_another_cause_or_channel_another_decision() -> None:
    assert words([decision("Tue 09:00")], [decision("Tue 09:00", "suppress")]) == ["changed"]
    assert sorted(words([decision("Tue 09:00")], [decision("Tue 09:00", cause="c2")])) == ["added", "removed"]
    assert sorted(words([decision("Tue 09:00")], [decision("Tue 09:00", channel="sms")])) == [
        "added",
        "removed",
    ]


DECISIONS = st.lists(
    st.builds(
        decision,
        st.sampled_from(["Mon 09:00", "Tue 09:00", "Wed 09:00"]),
        st.sampled_from(["send", "suppress"]),
        trigger=st.sampled_from(["basket", "birthday"]),
        step=st.integers(1, 2),
    ),
    max_size=8,
)


@given(DECISIONS, DECISIONS)
def test_differences_are_the_difference_of_the_two_sets_of_rows(
    before: list[Decision], after: list[Decision]
) -> None:
    found = differences(before, after)
    gone = Counter(row_of(each.before) for each in found if each.before is not None)
    new = Counter(row_of(each.after) for each in found if each.after is not None)
    assert gone == Counter(map(row_of, before)) - Counter(map(row_of, after))
    assert (
        new
        == Counter(map(row_of, after)) - Counter(map(row_of, before))
        == Counter(map(row_of, only_in(after, before)))
    )
    assert differences(before, before) == []


def test_sums_tell_who_gains_and_who_loses() -> None:
    before = [decision("Tue 09:00"), decision("Wed 09:00", trigger="birthday")]
    after = [
        decision("Tue 09:00", "suppress"),
        decision("Wed 09:00", trigger="birthday"),
        decision("Thu 09:00", trigger="birthday", step=2),
    ]
    sums, same = Diff(), Diff()
    sums.add(PreviewCustomer("anna", 7), before, after, differences(before, after), ZURICH)
    same.add(PreviewCustomer("beat", 8), before, before, [], ZURICH)
    sums.merge(same)
    assert (sums.customers, sums.after.customers, sums.kinds()) == (1, 2, {"changed": 1, "added": 1})
    assert (sums.gaining, sums.losing) == ({"birthday": 1}, {"basket": 1})
    assert sums.contacts == {(2, 2): 1}
    assert sums.most_changed() == [CustomerChange(2, 2, 2, "anna", 7)]
    sides = sums.by("trigger")["birthday",]
    assert (sides.before, sides.after) == ({"send": 2}, {"send": 3})


def held(when: str, *rules: str) -> Decision:
    evidence = tuple(
        RuleEvidence(rule, "contacts", 2, 2, at("Mon 00:00"), at(when), (), None) for rule in rules
    )
    return decision(when, "defer", "Sun 09:00", rules=evidence)


def test_a_rule_is_full_for_customers_at_its_limit_and_holds_back_customers_and_decisions() -> None:
    twice, once = [held("Tue 09:00", "week"), held("Wed 09:00", "week", "gap")], [held("Tue 09:00", "week")]
    sums = Diff()
    for number, (before, after, loads) in enumerate(
        [(twice, once, (2, 2)), (once, [decision("Tue 09:00")], (3, 1))]
    ):
        persons = [
            PreviewCustomer(f"c{number}", number, (Fullness("week", load, 9), Fullness("points", 1500, 9)))
            for load in loads
        ]
        sums.add(persons[0], before, after, differences(before, after), ZURICH, persons[1])
    found = sums.rules(
        [PreviewLimit("week", 3, "contacts"), PreviewLimit("points", 1500, "points")],
        [PreviewLimit("week", 2, "contacts")],
    )
    assert found == {
        "gap": (RuleSide(None, None, 1, 1), RuleSide(None, None, 0, 0)),
        "points": (RuleSide(1.5, 2, 0, 0), RuleSide(None, None, 0, 0)),
        "week": (RuleSide(3, 1, 2, 3), RuleSide(2, 1, 1, 1)),
    }


def test_parts_of_a_comparison_add_up_to_what_rules_hold_back_in_all() -> None:
    whole, part = Diff(), Diff()
    for sums in (whole, part):
        sums.add(PreviewCustomer("c"), [held("Tue 09:00", "week")], [], [], ZURICH)
    whole.merge(part)
    assert whole.rules((), ())["week"] == (RuleSide(None, None, 2, 2), RuleSide(None, None, 0, 0))
