"""Customers in cells and lines, without a terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.explain.trigger_explanation import TriggerExplanation
from core.explain.why import Check, Explanation
from core.instants import DAY, HOUR, Instant, parse_instant
from core.model.customer import Profile
from core.model.fates import Fate
from screens.cells import customer as one
from screens.cells import customers as listed
from screens.cells import timeline, why
from screens.cells.column import Column
from screens.cells.line import as_cell
from screens.ports.customers import (
    ConsentLine,
    CustomerGauge,
    CustomerLine,
    CustomerProfile,
    EntryDetails,
    Filling,
    ForeseenDecision,
    Planned,
    SuppressedLine,
    TimelineEntry,
    UnderWay,
    WaitingMessage,
)
from screens.widgets.table import TableRows, VirtualTable

ZONE = ZoneInfo("Europe/Zurich")
NOW: Instant = parse_instant("2025-03-30T12:00:00Z")
ROW = CustomerLine(
    7, "u7", "Anna Keller", "anna@example.ch", "Bern", "CH", 3, 123_456, NOW - HOUR, 2, NOW + DAY
)
GAUGE = CustomerGauge(
    "three-a-week", "contacts", 2, 3, "7d", NOW + DAY, (Filling(NOW - DAY, "basket", "email"),), "email"
)
PLANNED = Planned(
    (UnderWay("basket", "Basket left behind", 2, 3, NOW - DAY, NOW + HOUR, "PRESSURE"),),
    (WaitingMessage(4, "basket", 1, "email", "held", NOW, "APPROVAL"),),
    (
        ForeseenDecision(NOW + HOUR, "basket", 2, "email", "send", None, "Sent (step 2 over email, Sun): x."),
        ForeseenDecision(
            NOW + DAY,
            "birthday",
            1,
            "sms",
            "suppress",
            "NO_CONSENT",
            "Not sent (step 1 over sms, Mon): there was no consent.",
        ),
    ),
    NOW + 14 * DAY,
)


def known(**traits: Any) -> Profile:
    """A customer with three orders, one of which was returned, and with these traits beside the address."""
    profile = Profile()
    profile.traits = {
        "email": "anna@example.ch",
        "address.city": "Bern",
        "address.country": "CH",
        "createdAt": NOW,
        **traits,
    }
    profile.units, profile.returns, profile.order_instants = 4, 1, [NOW, NOW, NOW]
    profile.revenue_gross, profile.returned = 128_456, 5_000
    profile.last_activity = NOW
    return profile


PROFILE = CustomerProfile(
    7, "u7", "Anna Keller", ("NO CONSENT",), known(pets=[{"name": "Rex"}, {"name": "Mia"}]),
    "Europe/Zurich", NOW - HOUR, (("user", "u7"),),
    (ConsentLine(NOW, "email", "*", "withdrawn", "link", "No more.", None, None, True),
     ConsentLine(NOW - DAY, "email", "marketing", "granted", "shop", None, None, "a@x.ch", False)),
    (SuppressedLine(NOW, "email", "anna@example.ch", "bounce", "smtp"),),
)  # fmt: skip
VERDICT = TriggerExplanation(
    "basket", "Basket left behind", "active",
    Explanation(
        "suppress", "NO_CONSENT", "Not sent: there was no consent.",
        (Check("trigger active", True, "active"), Check("step 1 email: consent", False, "none recorded")),
        fate=Fate.NEVER,
    ),
    NOW,
)  # fmt: skip


def otherwise(
    trigger: str = "basket", title: str = VERDICT.title, status: str = "active", **explanation: Any
) -> TriggerExplanation:
    """The same of another trigger, with another explanation; what was never decided has no instant."""
    since = None if explanation.get("verdict") == "none" else NOW
    return TriggerExplanation(trigger, title, status, replace(VERDICT.explanation, **explanation), since)


def text(lines: object) -> str:
    assert isinstance(lines, (list, tuple))
    return "\n".join("".join(as_cell(part).text for part in line) for line in lines)


# ---- the list ----


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (60, ["key", "name", "orders", "contacts", "next_due"]),
        (80, ["key", "name", "city", "orders", "contacts", "next_due"]),
        (120, ["key", "name", "city", "orders", "revenue", "last_activity", "contacts", "next_due"]),
        (160, ["key", "name", "city", "email", "orders", "revenue", "last_activity", "contacts", "next_due"]),
    ],
)
def test_each_width_shows_the_columns_that_it_has_room_for(width: int, shown: list[str]) -> None:
    table: VirtualTable[CustomerLine] = VirtualTable(TableRows(listed.COLUMNS, lambda *_: {}, lambda _: ()))
    found: list[tuple[int, Column, int]] = table.shown(width)
    assert [column.name for _, column, _ in found] == shown
    assert sum(room + 1 for _, _, room in found) + 2 <= width


def test_a_row_has_a_cell_for_each_column() -> None:
    cells = [as_cell(cell).text for cell in listed.cells(ROW, NOW, ZONE)]
    assert cells == [
        "u7",
        "Anna Keller",
        "Bern",
        "anna@example.ch",
        "3",
        "1,234.56",
        "13:00",
        "2",
        "31 Mar 14:00",
    ]
    assert len(cells) == len(listed.COLUMNS)


def test_a_customer_of_whom_little_is_known_has_a_row_too() -> None:
    bare = replace(ROW, name=None, email=None, city=None, country=None, last_activity=None, next_due=NOW)
    assert [as_cell(cell).text for cell in listed.cells(bare, NOW, ZONE)][1:4] == ["–", "", ""]
    assert as_cell(listed.cells(bare, NOW, ZONE)[-1]).text == "now"


def test_the_chip_says_how_many_of_how_many_and_in_which_order() -> None:
    assert listed.chip(1204, 88310, "city:Bern", "key", False) == "/ city:Bern — 1,204 of 88,310"
    assert listed.chip(88310, 88310, "", "revenue", False) == "88,310 customers, by revenue ↓"
    assert listed.chip(3, None, "x", "name", True, "searching …") == "/ x — 3, by name ↓, searching …"


def test_sorting_goes_round() -> None:
    sort = listed.SORTS[0]
    for _ in listed.SORTS:
        sort = listed.next_sort(sort)
    assert sort == listed.SORTS[0]


# ---- one ----


def test_the_head_says_first_what_is_wrong() -> None:
    shown = text(one.head(PROFILE))
    assert "Anna Keller  u7  [NO CONSENT]" in shown
    assert "anna@example.ch · Bern, CH" in shown
    assert text(one.head(None)).strip() == "…"
    assert "u7" in text(one.head(replace(PROFILE, name=None, badges=())))


def test_a_profile_in_lines_names_sums_consents_addresses_traits_and_identities() -> None:
    shown = text(one.profile(PROFILE, NOW, ZONE, "CHF"))
    assert "CHF 1,234.56 net of returns" in shown
    assert "1, CHF 50.00" in shown
    assert "✗ withdrawn  email, all purposes  Sun 30 Mar 2025 14:00 CEST by link" in shown
    assert "email, marketing for a@x.ch  Sat 29 Mar 2025 13:00 CET by shop (superseded)" in shown
    assert "✗ email anna@example.ch  bounce" in shown
    assert "pets 2 name          Mia" in shown
    assert "user       u7" in shown
    assert "none on record" in text(
        one.profile(replace(PROFILE, consents=(), suppressed=()), NOW, ZONE, "CHF")
    )


@pytest.mark.parametrize(
    ("gauge", "bar", "words"),
    [
        (GAUGE, "[########----]", "2 of 3 contacts within 7 days"),
        (replace(GAUGE, used=3), "[############]", "3 of 3 contacts within 7 days, FULL"),
        (replace(GAUGE, used=4), "[############+", "4 of 3 contacts within 7 days, FULL"),
        (replace(GAUGE, used=0), "[------------]", "0 of 3 contacts within 7 days"),
        (
            replace(GAUGE, unit="points", used=500, limit=8000),
            "[#-----------]",
            "0.5 of 8 points within 7 days",
        ),
        (replace(GAUGE, limit=None, used=0), "[------------]", "none nearer than 7d"),
        (replace(GAUGE, limit=None, used=1), "[############]", "1 contact nearer than 7d, FULL"),
        (replace(GAUGE, limit=0, used=0), "[############]", "0 of 0 contacts within 7 days, FULL"),
    ],
)
def test_a_gauge_reads_without_colour(gauge: CustomerGauge, bar: str, words: str) -> None:
    assert one.bar(gauge) == bar
    assert one.in_words(gauge) == words


def test_the_rules_that_leave_no_room_come_first_with_what_fills_them() -> None:
    full = replace(
        GAUGE, rule="one-a-day", used=3, filled_by=tuple(Filling(NOW, "t", "sms") for _ in range(9))
    )
    shown = text(one.pressure([GAUGE, full], NOW, ZONE))
    assert shown.index("one-a-day") < shown.index("three-a-week")
    assert "free again 31 Mar 14:00" in shown
    assert "more room 31 Mar 14:00" in shown
    assert "… and 3 more" in shown
    assert "No pressure rule" in text(one.pressure([], NOW, ZONE))


def test_what_is_planned_says_step_instant_and_why_not() -> None:
    shown = text(one.planned(PLANNED, NOW, ZONE))
    assert (
        "Basket left behind  step 2 of 3, due 15:00, the contact pressure left no room; entered 29 Mar 13:00"
        in shown
    )
    assert "‖ waits for approval" in shown
    assert "it waits for an approval" in shown
    assert "there was no consent." in shown
    empty = text(one.planned(Planned((), (), (), NOW), NOW, ZONE))
    assert "in no trigger" in empty
    waits = replace(PLANNED.under_way[0], due_at=None, steps=None, waits_for=None)
    assert "step 2, waits for the operator" in text(
        one.planned(replace(PLANNED, under_way=(waits,)), NOW, ZONE)
    )


# ---- her timeline ----


def test_an_entry_in_cells_says_kind_and_state_in_words() -> None:
    order = TimelineEntry(1, NOW, "event", "store", "Order Completed", "order_id 7", "", 4_990)
    sent = TimelineEntry(2, NOW, "message", "email", "basket", "step 1", "sent")
    assert [as_cell(cell).text for cell in timeline.cells(order, NOW, ZONE, "CHF")] == [
        "14:00", "· event", "store", "Order Completed", "", "CHF 49.90 · order_id 7",
    ]  # fmt: skip
    assert [as_cell(cell).text for cell in timeline.cells(sent, NOW, ZONE, "CHF")][4] == "● sent"


def test_what_is_chosen_by_keys_joins_the_words() -> None:
    assert timeline.asked("boots", "message", "email two") == 'kind:message channel:"email two" boots'
    assert timeline.asked("", None, None) == ""
    assert timeline.next_kind(None) == "message"
    assert timeline.next_kind("consent") is None
    assert timeline.next_channel(None, ("email", "web")) == "email"
    assert timeline.next_channel("web", ("email", "web")) is None
    assert timeline.next_channel("gone", ("email",)) is None


def test_properties_are_lines_of_name_and_value_whatever_their_depth() -> None:
    details = EntryDetails(
        "Order",
        ("A sentence.",),
        (("products", [{"sku": "A", "new": True}, {"sku": "B"}]), ("none", None), ("n", 1.5)),
    )
    assert text(timeline.in_full(details)).split("\n") == [
        "A sentence.", "", "products 1 sku  A", "products 1 new  yes", "products 2 sku  B",
        "n               1.5",
    ]  # fmt: skip
    deep: object = "x"
    for _ in range(50):
        deep = {"a": deep}
    assert len(list(timeline.flat("deep", deep))) == 1


# ---- why ----


def test_a_verdict_is_one_line_with_the_reason_in_words() -> None:
    cells = [as_cell(cell).text for cell in why.cells(VERDICT, NOW, ZONE)]
    assert cells == ["✗ never", "basket", "14:00", "there was no consent for channel and purpose"]
    never = otherwise(status="draft", verdict="none", reason=None, fate=None)
    assert [as_cell(cell).text for cell in why.cells(never, NOW, ZONE)] == [
        "○ not entered", "basket (draft)", "", "step 1 email: consent: none recorded",
    ]  # fmt: skip
    assert (
        why.reason(otherwise(verdict="none", reason=None, trace=VERDICT.explanation.trace[:1]), ZONE)
        == "nothing stands against it"
    )
    assert why.reason(otherwise(verdict="send", reason=None), ZONE) == ""
    assert (
        why.reason(otherwise(verdict="none", short="trigger active: the trigger is draft"), ZONE)
        == "the trigger is draft"
    )


def test_one_under_way_of_whom_nothing_was_decided_yet_gets_it_later() -> None:
    waiting = otherwise(verdict="none", reason=None, step=2, fate=Fate.LATER)
    assert as_cell(why.verdict(waiting)).text == "→ later"
    foretold = otherwise(verdict="send", foretold=True, fate=Fate.DECIDED)
    assert as_cell(why.verdict(foretold)).text == "◌ foretold"
    assert why.reason(waiting, ZONE) == "step 2 is to come"


def test_an_explanation_lists_every_check_in_its_order() -> None:
    shown = text(why.explanation(VERDICT, ZONE)).split("\n")
    assert shown[1].strip() == "Not sent: there was no consent."
    assert [line[:8] for line in shown[-2:]] == [" ✓ ok   ", " ✗ no   "]
