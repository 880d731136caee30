"""Contact pressure: what a rule forbids, and the exact earliest instant at which it no longer does."""

from collections.abc import Callable, Sequence
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.instants import DAY, HOUR, Instant, Millis, format_instant, parse_duration, parse_instant
from core.limits.pressure import (
    Contact,
    Ledger,
    PressureRule,
    gap_usage,
    is_never_legal,
    next_legal,
    usage,
    violations,
)
from core.limits.quiet_hours import parse_send_windows
from core.limits.windows import parse_window

ZURICH = ZoneInfo("Europe/Zurich")
DISPATCHES = iter(range(1_000_000))


def at(text: str) -> Instant:
    return parse_instant(text, ZURICH)


def contact(
    when: str | Instant,
    channel: str = "email",
    weight: int = 1_000,
    dispatch: str | None = None,
    tags: Sequence[str] = (),
    counts: bool = True,
    released_at: Instant | None = None,
    trigger: str = "basket",
    purpose: str = "marketing",
) -> Contact:
    landing = at(when) if isinstance(when, str) else when
    name = dispatch or f"dispatch-{next(DISPATCHES)}"
    return Contact(landing, channel, trigger, purpose, frozenset(tags), weight, counts, name, released_at)


def rule(
    limit: int | None = None,
    window: str | None = None,
    extend: str | None = None,
    gap: str | None = None,
    points: bool = False,
    channels: str = "",
) -> PressureRule:
    return PressureRule(
        "rule",
        limit,
        "points" if points else "contacts",
        parse_window(window, extend) if window else None,
        parse_duration(gap) if gap else None,
        frozenset(channels.split()) if channels else None,
    )


def always(instant: Instant) -> Instant:
    return instant


def one(channel: str = "email", weight: int = 1_000, lead: Millis = 0) -> Callable[[Instant], list[Contact]]:
    return lambda instant: [contact(instant + lead, channel, weight, "candidate")]


def earliest(
    rules: list[PressureRule],
    contacts: list[Contact],
    when: str,
    candidate: Callable[[Instant], Sequence[Contact]] | None = None,
) -> str | None:
    found = next_legal(rules, Ledger(contacts), candidate or one(), at(when), always, ZURICH, None)
    return None if found is None else format_instant(found)


# ---- one rule, contacts by e-mail: the exact earliest instant ----

DEFERRALS = [
    # what, rule, contacts, candidate, legal from (local times)
    (
        "monday sent, thursday free",
        rule(1, "3 days"),
        ["2024-05-13T10:00"],
        "2024-05-14T09:00",
        "2024-05-16T00:00",
    ),
    (
        "thursday itself is free",
        rule(1, "3 days"),
        ["2024-05-13T10:00"],
        "2024-05-16T09:00",
        "2024-05-16T09:00",
    ),
    (
        "31 july and 1 august are both legal",
        rule(1, "calendar month"),
        ["2024-07-31T10:00"],
        "2024-08-01T00:00",
        "2024-08-01T00:00",
    ),
    (
        "31 july in 31 days is free on 31 august",
        rule(1, "31 days"),
        ["2024-07-31T10:00"],
        "2024-08-01T10:00",
        "2024-08-31T00:00",
    ),
    (
        "friday 10:00 is free next friday 10:00 sharp",
        rule(1, "7d"),
        ["2024-05-10T10:00"],
        "2024-05-10T12:00",
        "2024-05-17T10:00",
    ),
    (
        "exactly the window ago no longer counts",
        rule(1, "7d"),
        ["2024-05-10T10:00"],
        "2024-05-17T10:00",
        "2024-05-17T10:00",
    ),
    (
        "a calendar day ends at midnight",
        rule(1, "calendar day"),
        ["2024-05-13T23:00"],
        "2024-05-13T23:30",
        "2024-05-14T00:00",
    ),
    ("one elapsed day does not", rule(1, "1d"), ["2024-05-13T23:00"], "2024-05-14T00:00", "2024-05-14T23:00"),
    (
        "the third last of three makes room",
        rule(3, "7d"),
        ["2024-05-09", "2024-05-10", "2024-05-12"],
        "2024-05-13",
        "2024-05-16",
    ),
    (
        "over the limit two must leave",
        rule(2, "7d"),
        ["2024-05-09", "2024-05-10", "2024-05-12"],
        "2024-05-13",
        "2024-05-17",
    ),
    (
        "a day is 24 hours in spring",
        rule(1, "1d"),
        ["2024-03-30T12:00"],
        "2024-03-31T12:30",
        "2024-03-31T13:00",
    ),
    (
        "a day is 24 hours in autumn",
        rule(1, "1d"),
        ["2024-10-26T12:00"],
        "2024-10-26T13:00",
        "2024-10-27T11:00",
    ),
    (
        "a whole day is civil in spring",
        rule(1, "1 day"),
        ["2024-03-31T00:00"],
        "2024-03-31T23:59",
        "2024-04-01T00:00",
    ),
    (
        "a whole day is civil in autumn",
        rule(1, "2 days"),
        ["2024-10-26T23:59"],
        "2024-10-27T12:00",
        "2024-10-28T00:00",
    ),
    (
        "a calendar week crosses the clock change",
        rule(1, "calendar week"),
        ["2024-03-25T00:00"],
        "2024-03-31T23:00",
        "2024-04-01T00:00",
    ),
    (
        "leap day belongs to february",
        rule(1, "calendar month"),
        ["2024-02-29T23:59"],
        "2024-02-29T23:59:30",
        "2024-03-01T00:00",
    ),
    ("quarter", rule(1, "calendar quarter"), ["2024-10-01"], "2024-12-31T23:00", "2025-01-01"),
    ("year", rule(1, "calendar year"), ["2024-01-01"], "2024-12-31T23:00", "2025-01-01"),
    ("extended to whole months", rule(1, "7d", "calendar month"), ["2024-01-10"], "2024-02-03", "2024-02-08"),
    ("gap since the last", rule(gap="16h"), ["2024-05-13T10:00"], "2024-05-13T12:00", "2024-05-14T02:00"),
    (
        "exactly the gap is legal",
        rule(gap="16h"),
        ["2024-05-13T10:00"],
        "2024-05-14T02:00",
        "2024-05-14T02:00",
    ),
    (
        "gap until the next planned",
        rule(gap="16h"),
        ["2024-05-14T10:00"],
        "2024-05-13T20:00",
        "2024-05-15T02:00",
    ),
    (
        "exactly the gap before the next planned is legal",
        rule(gap="16h"),
        ["2024-05-14T10:00"],
        "2024-05-13T18:00",
        "2024-05-13T18:00",
    ),
    (
        "between two contacts without room",
        rule(gap="16h"),
        ["2024-05-13T00:00", "2024-05-14T00:00"],
        "2024-05-13T09:00",
        "2024-05-14T16:00",
    ),
    (
        "a contact planned later in the day fills it",
        rule(1, "calendar day"),
        ["2024-05-13T20:00"],
        "2024-05-13T08:00",
        "2024-05-14T00:00",
    ),
    (
        "the window of a later contact holds too",
        rule(1, "7d"),
        ["2024-05-15T10:00"],
        "2024-05-13T10:00",
        "2024-05-22T10:00",
    ),
    ("outside the later window", rule(1, "7d"), ["2024-05-15T10:00"], "2024-05-08T10:00", "2024-05-08T10:00"),
    (
        "room between past and planned",
        rule(2, "2d"),
        ["2024-05-13T10:00", "2024-05-15T10:00"],
        "2024-05-13T12:00",
        "2024-05-13T12:00",
    ),
    (
        "a later window already full",
        rule(2, "2d"),
        ["2024-05-13T10:00", "2024-05-15T09:00"],
        "2024-05-13T12:00",
        "2024-05-15T10:00",
    ),
]


@pytest.mark.parametrize(
    ("limits", "contacts", "when", "legal"),
    [case[1:] for case in DEFERRALS],
    ids=[case[0] for case in DEFERRALS],
)
def test_a_candidate_defers_to_the_exact_earliest_legal_instant(
    limits: PressureRule, contacts: list[str], when: str, legal: str
) -> None:
    planned = [contact(instant) for instant in contacts]
    assert earliest([limits], planned, when) == format_instant(at(legal))
    broken = violations([limits], Ledger(planned), one()(at(when)), ZURICH)
    assert bool(broken) == (at(legal) > at(when))


def test_a_violation_says_what_fills_the_window() -> None:
    limits = rule(2, "7d")
    past = [contact("2024-05-09T10:00"), contact("2024-05-10T10:00"), contact("2024-05-01T10:00")]
    (violation,) = violations([limits], Ledger(past), one()(at("2024-05-13T10:00")), ZURICH)
    assert (violation.rule, violation.count, violation.counted) == (limits, 2, tuple(past[:2]))
    assert (violation.first, violation.last) == (at("2024-05-06T10:00") + 1, at("2024-05-13T10:00"))
    assert violation.retry_at == at("2024-05-16T10:00")


def test_a_violation_of_a_later_window_names_that_window() -> None:
    later = [contact("2024-05-14T10:00"), contact("2024-05-15T10:00")]
    (violation,) = violations([rule(2, "3d")], Ledger(later), one()(at("2024-05-13T10:00")), ZURICH)
    assert (violation.count, violation.counted, violation.last) == (2, tuple(later), at("2024-05-15T10:00"))
    assert violation.retry_at == at("2024-05-15T10:00")


def test_no_rule_means_no_limit() -> None:
    assert violations([], Ledger([contact("2024-05-13T10:00")]), one()(at("2024-05-13T10:00")), ZURICH) == []
    assert earliest([], [], "2024-05-13T10:00") == format_instant(at("2024-05-13T10:00"))


@pytest.mark.parametrize(
    ("limits", "weight"),
    [
        (rule(0, "7d"), 1_000),
        (rule(0), 0),
        (rule(0, "7d", points=True), 0),
        (rule(2_000, "7d", points=True), 2_001),
    ],
)
def test_a_limit_of_nothing_and_a_contact_heavier_than_the_limit_are_never_legal(
    limits: PressureRule, weight: int
) -> None:
    (violation,) = violations([limits], Ledger(), one(weight=weight)(at("2024-05-13T10:00")), ZURICH)
    assert violation.retry_at is None
    assert earliest([limits], [], "2024-05-13T10:00", one(weight=weight)) is None


# ---- points ----

POINTS = [
    # limit, past contacts with points, weight of the candidate, legal from; candidate on 2024-05-13 10:00,
    # window 7d
    (5_000, [("2024-05-08", 2_000), ("2024-05-10", 2_000)], 1_000, "2024-05-13T10:00"),
    (5_000, [("2024-05-08", 2_000), ("2024-05-10", 2_000)], 1_001, "2024-05-15"),
    (5_000, [("2024-05-08", 500), ("2024-05-10", 4_500)], 2_000, "2024-05-17"),
    (5_000, [("2024-05-08", 500), ("2024-05-10", 4_500)], 500, "2024-05-15"),
    (5_000, [("2024-05-08", 9_000), ("2024-05-10", 1_000)], 4_000, "2024-05-15"),
    (5_000, [("2024-05-08", 0), ("2024-05-10", 5_000)], 5_000, "2024-05-17"),
]


@pytest.mark.parametrize(("limit", "past", "weight", "legal"), POINTS)
def test_points_defer_to_the_instant_at_which_the_rest_and_the_candidate_fit(
    limit: int, past: list[tuple[str, int]], weight: int, legal: str
) -> None:
    contacts = [contact(instant, weight=points) for instant, points in past]
    assert earliest(
        [rule(limit, "7d", points=True)], contacts, "2024-05-13T10:00", one(weight=weight)
    ) == format_instant(at(legal))


# ---- which contacts a rule counts ----


def test_a_rule_for_one_channel_leaves_the_others_alone() -> None:
    sms = rule(1, "7d", channels="sms")
    assert (
        violations(
            [sms], Ledger([contact("2024-05-13T09:00", "sms")]), one("email")(at("2024-05-13T10:00")), ZURICH
        )
        == []
    )
    assert (
        violations(
            [sms], Ledger([contact("2024-05-13T09:00", "email")]), one("sms")(at("2024-05-13T10:00")), ZURICH
        )
        == []
    )
    assert (
        len(
            violations(
                [sms],
                Ledger([contact("2024-05-13T09:00", "sms")]),
                one("sms")(at("2024-05-13T10:00")),
                ZURICH,
            )
        )
        == 1
    )


def test_a_rule_over_several_channels_counts_them_together() -> None:
    both = rule(2, "7d", channels="email sms")
    past = [contact("2024-05-12", "sms"), contact("2024-05-11", "email"), contact("2024-05-10", "print")]
    assert earliest([both], past, "2024-05-13") == format_instant(at("2024-05-18"))


@pytest.mark.parametrize(
    ("filters", "counted"),
    [
        ({"purposes": frozenset({"marketing"})}, True),
        ({"purposes": frozenset({"service"})}, False),
        ({"triggers": frozenset({"basket", "review"})}, True),
        ({"triggers": frozenset({"review"})}, False),
        ({"tags": frozenset({"sale", "spring"})}, True),
        ({"tags": frozenset({"winter"})}, False),
        ({"tags": frozenset()}, False),
    ],
)
def test_filters_choose_both_the_limited_and_the_counted(
    filters: dict[str, frozenset[str]], counted: bool
) -> None:
    limits = PressureRule("filtered", 1, window=parse_window("7d"), **filters)  # type: ignore[arg-type]
    past, candidate = contact("2024-05-12", tags=("sale", "news")), contact("2024-05-13", tags=("sale",))
    assert bool(violations([limits], Ledger([past]), [candidate], ZURICH)) is counted


def test_the_strictest_rule_wins() -> None:
    rules = [rule(3, "7d"), rule(1, "calendar week"), rule(gap="16h")]
    assert earliest(rules, [contact("2024-05-15T20:00")], "2024-05-15T21:00") == format_instant(
        at("2024-05-20")
    )
    assert earliest(rules, [contact("2024-05-19T20:00")], "2024-05-19T21:00") == format_instant(
        at("2024-05-20T12:00")
    )


def test_only_counting_contacts_that_are_not_released_count() -> None:
    kept = contact("2024-05-12T10:00")
    released = contact("2024-05-12T11:00", released_at=at("2024-05-12T12:00"))
    contacts = [released, contact("2024-05-12T09:00", counts=False), kept]
    assert list(Ledger(contacts)) == [kept]
    assert list(Ledger(contacts, as_of=at("2024-05-12T11:59"))) == [kept, released]
    assert list(Ledger(contacts, as_of=at("2024-05-12T12:00"))) == [kept]


def test_a_candidate_that_does_not_count_needs_room_but_takes_none() -> None:
    """A purpose may obey the limits without counting towards them."""
    candidate = [contact("2024-05-13T10:00", counts=False)]
    assert violations([rule(1, "7d")], Ledger([contact("2024-05-15")]), candidate, ZURICH) == []
    assert len(violations([rule(1, "7d")], Ledger([contact("2024-05-12")]), candidate, ZURICH)) == 1


def test_a_copied_ledger_leaves_the_first_as_it_was() -> None:
    first = Ledger([contact("2024-05-13T10:00")])
    second = first.copy()
    second.add(contact("2024-05-12T10:00"))
    second.add(contact("2024-05-12T10:00", counts=False))
    assert (len(first), len(second)) == (1, 2)
    assert [each.at for each in second] == [at("2024-05-12T10:00"), at("2024-05-13T10:00")]
    assert len(second.within(parse_window("1d").span(at("2024-05-12T10:00"), ZURICH))) == 1


# ---- several channels at once, lead times, quiet hours ----


def both(*channels: tuple[str, int, Millis]) -> Callable[[Instant], list[Contact]]:
    return lambda instant: [
        contact(instant + lead, channel, weight, "candidate") for channel, weight, lead in channels
    ]


PUSH_AND_MAIL = both(("webpush", 500, 0), ("email", 1_000, 0))


def test_push_and_mail_in_one_step_count_one_in_each_and_one_together() -> None:
    day = [
        rule(1, "calendar day", channels="webpush"),
        rule(1, "calendar day", channels="email"),
        rule(1, "calendar day"),
    ]
    sent = [contact("2024-05-13T10:00", channel, dispatch="sent") for channel in ("webpush", "email")]
    assert violations(day, Ledger(), PUSH_AND_MAIL(at("2024-05-13T10:00")), ZURICH) == []
    assert violations([rule(2, "calendar day")], Ledger(sent), one()(at("2024-05-13T11:00")), ZURICH) == []
    assert [
        len(violations([limits], Ledger(sent), one("webpush")(at("2024-05-13T11:00")), ZURICH))
        for limits in day
    ] == [1, 0, 1]
    assert earliest(day, sent, "2024-05-13T11:00", one("email")) == format_instant(at("2024-05-14"))


def test_points_of_both_channels_add_up() -> None:
    assert earliest([rule(1_500, "7d", points=True)], [], "2024-05-13", PUSH_AND_MAIL) == format_instant(
        at("2024-05-13")
    )
    assert earliest([rule(1_499, "7d", points=True)], [], "2024-05-13", PUSH_AND_MAIL) is None
    assert earliest(
        [rule(2_000, "7d", points=True)], [contact("2024-05-12")], "2024-05-13", PUSH_AND_MAIL
    ) == format_instant(at("2024-05-19"))


def test_pressure_is_asked_where_a_letter_lands_and_answered_at_its_hand_over() -> None:
    limits = rule(1, "calendar day")
    assert earliest(
        [limits], [contact("2024-05-16T08:00")], "2024-05-13T10:00", one("print", lead=3 * DAY)
    ) == format_instant(at("2024-05-14"))


def test_two_landings_of_one_dispatch_are_parted_at_the_end_of_the_period_that_holds_both() -> None:
    letter_and_mail = both(("email", 1_000, 0), ("print", 3_000, 3 * DAY))
    limits = rule(3_000, "calendar week", points=True)
    assert earliest([limits], [], "2024-05-13T10:00", letter_and_mail) == format_instant(
        at("2024-05-17T00:00")
    )


def test_two_landings_that_no_period_parts_are_never_legal() -> None:
    near = both(("email", 1_000, 0), ("print", 3_000, HOUR))
    assert earliest([rule(3_000, "2 days", points=True)], [], "2024-05-13T10:00", near) is None


def test_a_deferral_is_pushed_out_of_quiet_hours_and_asked_again() -> None:
    hours = parse_send_windows(["Mon-Fri 09:00-18:00"])
    past = Ledger([contact("2024-05-09T19:00"), contact("2024-05-17T10:00")])
    found = next_legal(
        [rule(gap="16h"), rule(1, "1d")],
        past,
        one(),
        at("2024-05-16T19:00"),
        lambda now: hours.opens(now, ZURICH),
        ZURICH,
        None,
    )
    assert found == at("2024-05-20T09:00")


def test_past_the_latest_instant_the_search_ends_with_what_it_knows() -> None:
    past = Ledger([contact("2024-05-13T10:00"), contact("2024-05-20T10:00")])
    found = next_legal(
        [rule(1, "7d")], past, one(), at("2024-05-13T11:00"), always, ZURICH, at("2024-05-14T11:00")
    )
    assert found is not None
    assert at("2024-05-14T11:00") < found <= at("2024-05-27T10:00")


def test_the_search_goes_on_up_to_the_latest_instant_itself() -> None:
    past = Ledger([contact("2024-05-13T10:00")])
    limit = at("2024-05-20T10:00")
    assert next_legal([rule(1, "7d")], past, one(), at("2024-05-13T11:00"), always, ZURICH, limit) == limit


# ---- laws, against a plain count of every window ----

ZONES = ["Europe/Zurich", "America/Sao_Paulo", "America/New_York", "UTC"]
ORIGINS = [
    "2024-03-28T23:00:00Z",
    "2024-10-24T22:00:00Z",
    "2018-11-02T03:00:00Z",
    "2018-02-16T02:00:00Z",
    "2024-12-29T23:00:00Z",
]
WINDOWS = [
    "5h",
    "1d",
    "2d",
    "7d",
    "1 day",
    "2 days",
    "3 days",
    "calendar day",
    "calendar week",
    "calendar month",
]
EXTENDS = [None, None, None, "calendar day", "calendar week", "calendar month"]
CHANNELS = ["email", "sms"]
WEIGHTS = [0, 500, 1_000, 2_000, 3_000]
GRID = range(24 * 65)

channel_filters = st.sampled_from([None, frozenset({"email"}), frozenset({"email", "sms"})])


def counting(
    limit: int,
    unit: Literal["contacts", "points"],
    window: str,
    extend: str | None,
    channels: frozenset[str] | None,
) -> PressureRule:
    return PressureRule(
        "count",
        limit * (1_000 if unit == "points" else 1),
        unit,
        parse_window(window, extend),
        None,
        channels,
    )


units: st.SearchStrategy[Literal["contacts", "points"]] = st.sampled_from(["contacts", "points"])
stretched = st.sampled_from(EXTENDS)
count_rules = st.builds(
    counting, st.integers(1, 4), units, st.sampled_from(WINDOWS), stretched, channel_filters
)
plain_rules = st.builds(
    counting, st.integers(1, 4), units, st.sampled_from(WINDOWS), st.none(), channel_filters
)
gap_rules = st.builds(
    lambda hours, channels: PressureRule("gap", gap=hours * HOUR, channels=channels),
    st.integers(1, 30),
    channel_filters,
)
all_rules = st.lists(st.one_of(count_rules, count_rules, gap_rules), min_size=1, max_size=3)
planned = st.lists(
    st.tuples(st.integers(-80, 200), st.sampled_from(CHANNELS), st.sampled_from(WEIGHTS), st.integers(0, 6)),
    max_size=8,
)
channel_sets = st.lists(
    st.tuples(st.sampled_from(CHANNELS), st.sampled_from(WEIGHTS), st.sampled_from([0, 0, 1, 30])),
    min_size=1,
    max_size=2,
)
HOURS = [[], ["Mon-Sun 09:00-20:00"], ["Sat-Sun 22:00-02:00"]]


def load(limits: PressureRule, contacts: Sequence[Contact]) -> int:
    if limits.unit == "points":
        return sum(each.weight for each in contacts)
    return len({each.dispatch for each in contacts})


def is_legal(
    rules: Sequence[PressureRule], past: Sequence[Contact], candidate: Sequence[Contact], zone: ZoneInfo
) -> bool:
    return all(keeps(limits, past, candidate, zone) for limits in rules)


def keeps(
    limits: PressureRule, past: Sequence[Contact], candidate: Sequence[Contact], zone: ZoneInfo
) -> bool:
    """The rule as it is written down: every own window, every later window that holds the candidate, every
    distance.
    """
    held = [each for each in candidate if limits.channels is None or each.channel in limits.channels]
    counted = [each for each in past if limits.channels is None or each.channel in limits.channels]
    if limits.gap is not None:
        return all(abs(each.at - other.at) >= limits.gap for each in held for other in counted)
    assert limits.window is not None
    assert limits.limit is not None
    for each in held:
        for holder in [each, *(other for other in counted if other.at > each.at)]:
            first, last = limits.window.span(holder.at, zone)
            inside = [other for other in [*counted, *held] if first <= other.at <= last]
            if first <= each.at <= last and load(limits, inside) > limits.limit:
                return False
    return True


@settings(max_examples=250, deadline=None)
@given(
    all_rules,
    planned,
    channel_sets,
    st.sampled_from(ZONES),
    st.sampled_from(ORIGINS),
    st.sampled_from(HOURS),
    st.integers(0, 60),
)
def test_the_next_legal_instant_is_the_first_that_a_scan_of_all_finds(
    rules: list[PressureRule],
    contacts: list[tuple[int, str, int, int]],
    channels: list[tuple[str, int, int]],
    name: str,
    origin: str,
    hours: list[str],
    start: int,
) -> None:
    zone, zero, windows = ZoneInfo(name), parse_instant(origin), parse_send_windows(hours)
    past = [
        contact(zero + hour * HOUR, channel, weight, f"past-{group}-{hour}")
        for hour, channel, weight, group in contacts
    ]
    candidate = both(*((channel, weight, lead * HOUR) for channel, weight, lead in channels))

    def scan() -> Instant | None:
        instants = (zero + (start + hour) * HOUR for hour in GRID)
        return next(
            (
                now
                for now in instants
                if windows.is_open(now, zone) and is_legal(rules, past, candidate(now), zone)
            ),
            None,
        )

    begin, end = zero + start * HOUR, zero + (start + GRID[-1]) * HOUR
    found = next_legal(rules, Ledger(past), candidate, begin, lambda now: windows.opens(now, zone), zone, end)
    assert (None if found is None or found > end else found) == scan()


@settings(max_examples=250, deadline=None)
@given(all_rules, planned, st.sampled_from(ZONES), st.sampled_from(ORIGINS), st.integers(0, 240))
def test_a_rule_objects_exactly_where_a_plain_count_does(
    rules: list[PressureRule], contacts: list[tuple[int, str, int, int]], name: str, origin: str, start: int
) -> None:
    zone, zero = ZoneInfo(name), parse_instant(origin)
    past = [
        contact(zero + hour * HOUR, channel, weight, f"past-{group}")
        for hour, channel, weight, group in contacts
    ]
    candidate = PUSH_AND_MAIL(zero + start * HOUR)
    broken = violations(rules, Ledger(past), candidate, zone)
    assert [each.rule for each in broken] == [
        limits for limits in rules if not is_legal([limits], past, candidate, zone)
    ]
    assert all(each.retry_at is None or each.retry_at > candidate[0].at for each in broken)
    for each in broken:
        if each.rule.gap is None:
            assert each.count == load(each.rule, each.counted)
        assert all(each.first <= other.at <= each.last for other in each.counted)


@settings(max_examples=250, deadline=None)
@given(
    st.lists(st.one_of(plain_rules, gap_rules), min_size=1, max_size=3),
    planned,
    st.sampled_from(ZONES),
    st.sampled_from(ORIGINS),
)
def test_contacts_admitted_one_by_one_never_overfill_any_window(
    rules: list[PressureRule], wishes: list[tuple[int, str, int, int]], name: str, origin: str
) -> None:
    zone, zero = ZoneInfo(name), parse_instant(origin)
    ledger = Ledger()
    for number, (hour, channel, weight, _) in enumerate(wishes):
        candidate = both((channel, weight, 0))
        found = next_legal(rules, ledger, candidate, zero + hour * HOUR, always, zone, None)
        if found is not None:
            ledger.add(contact(found, channel, weight, f"admitted-{number}"))
    admitted = list(ledger)
    for each in admitted:
        assert is_legal(rules, [other for other in admitted if other is not each], [each], zone)


# ---- what a rule has counted ----

BOTH = [
    contact("2025-03-01 10:00", dispatch="a"),
    contact("2025-03-02 10:00", "sms", dispatch="a"),
    contact("2025-03-03 10:00"),
]
USED = {
    "nothing": (rule(3, "7d"), [], 0, None),
    "the first to leave makes room": (rule(3, "7d"),
        [contact("2025-03-01 10:00"), contact("2025-03-02 10:00")], 2, "2025-03-08 10:00"),
    "a dispatch over two channels leaves with the last": (rule(2, "7d"), BOTH, 2, "2025-03-09 10:00"),
    "of the channels it is about": (rule(2, "7d", channels="sms"), BOTH, 1, "2025-03-09 10:00"),
    "room for one where more than allowed is in": (
        rule(1, "7d"), [contact(f"2025-03-0{day} 10:00") for day in (1, 2, 3)], 3, "2025-03-10 10:00",
    ),
    "points of every channel": (rule(8_000, "7d", points=True), BOTH, 3_000, "2025-03-08 10:00"),
    "room for one point": (
        rule(3_000, "7d", points=True),
        [contact("2025-03-01 "
                 "10:00", weight=500), contact("2025-03-02 10:00", weight=2_500)], 3_000, "2025-03-09 10:00",
    ),
    "what weighs nothing makes no room": (
        rule(3_000, "7d", points=True),
        [contact("2025-03-01 "
                 "10:00", weight=0), contact("2025-03-02 10:00", weight=2_000)], 2_000, "2025-03-09 10:00",
    ),
    "a calendar week ends for all at once": (rule(3, "calendar week"), BOTH, 1, "2025-03-10 00:00"),
    "a calendar month": (rule(3, "calendar month"), BOTH, 2, "2025-04-01 00:00"),
    "nothing ever": (rule(0, "7d"), BOTH, 2, None),
    "a window that ended": (rule(3, "1d"), BOTH, 0, None),
}  # fmt: skip


@pytest.mark.parametrize(("limits", "past", "used", "frees"), USED.values(), ids=list(USED))
def test_what_a_window_holds_and_when_it_has_more_room(
    limits: PressureRule, past: list[Contact], used: int, frees: str | None
) -> None:
    found = usage(limits, Ledger(past), at("2025-03-04 12:00"), ZURICH)
    assert (found.used, found.frees_at) == (used, None if frees is None else at(frees))


def test_a_gap_counts_dispatches_on_both_sides_and_frees_after_the_last() -> None:
    past = [
        *BOTH,
        contact("2025-03-04 18:00", dispatch="b"),
        contact("2025-03-04 18:00", "sms", dispatch="b"),
    ]
    found = gap_usage(rule(gap="1d"), Ledger(past), at("2025-03-04 12:00"))
    assert (found.used, len(found.counted), found.frees_at) == (1, 2, at("2025-03-05 18:00"))
    assert gap_usage(rule(gap="1d"), Ledger(BOTH), at("2025-03-04 10:00")).used == 0


def test_a_gap_and_a_limit_that_are_both_broken_are_told_apart() -> None:
    both = rule(2, "7d", gap="20h")
    planned = Ledger([contact("2024-05-12T10:00"), contact("2024-05-13T09:00")])
    of_gap, of_limit = violations([both], planned, one()(at("2024-05-13T10:00")), ZURICH)
    assert (of_gap.gap, of_gap.count, of_gap.retry_at) == (20 * HOUR, 1, at("2024-05-14T05:00"))
    assert (of_limit.gap, of_limit.count, of_limit.retry_at) == (None, 2, at("2024-05-19T10:00"))


def test_a_contact_that_does_not_count_is_not_asked_about_the_gap_of_a_later_one() -> None:
    later = Ledger([contact("2024-05-13T12:00")])
    uncounted = [contact("2024-05-13T10:00", counts=False)]
    assert violations([rule(gap="20h")], later, uncounted, ZURICH) == []
    assert violations([rule(gap="20h")], later, one()(at("2024-05-13T10:00")), ZURICH) != []


@pytest.mark.parametrize(
    ("limits", "weight", "never"),
    [
        (rule(0, "7d"), 1_000, True),
        (rule(1, "7d"), 1_000, False),
        (rule(3_000, "7d", points=True), 4_000, True),
        (rule(3_000, "7d", points=True), 3_000, False),
        (rule(gap="20h"), 1_000, False),
    ],
)
def test_what_no_window_can_ever_take_is_known(limits: PressureRule, weight: int, never: bool) -> None:
    assert is_never_legal([limits], one(weight=weight), at("2024-05-13T10:00"), ZURICH) is never
