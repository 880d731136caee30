"""One call of a source: what is taken from it, and what is refused with which reason."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.instants import parse_instant
from core.sources.feedback import Feedback, Unread
from core.sources.segment import (
    ConsentRecord,
    Incoming,
    Rejected,
    amount_of,
    minor_units,
    normalise_traits,
    parse_birthday,
    parse_call,
)
from tests.fixtures import SEGMENT_CALLS

ZURICH = ZoneInfo("Europe/Zurich")
NOON = parse_instant("2026-03-01T12:00:00Z")


def take(record: object, *, arrived_at: int | None = NOON, channel: str | None = None) -> Incoming:
    return parse_call(record, source="shop", arrived_at=arrived_at, zone=ZURICH, channel=channel)


def track(name: str = "Product Viewed", **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "userId": "u1", "timestamp": "2026-03-01T10:00:00Z"} | fields


def identify(**traits: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": "u1", "timestamp": "2026-03-01T10:00:00Z", "traits": traits}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ([], "not a JSON object"), ("x", "not a JSON object"), ({}, "unknown call: it has no type"),
        ({"type": "group", "userId": "u1"}, "a group call without groupId"),
        ({"type": "track", "userId": "u1"}, "without an event name"), (track(" "), "without an event name"),
        (track(userId=None), "no identity"), (track(userId=""), "no identity"),
        (track(userId={"a": 1}), "no identity"),
        (track(timestamp="yesterday"), "impossible "
                                       "time"), (track(timestamp="2026-02-30T10:00:00Z"), "impossible time"),
        (track(timestamp=1_700_000_000), "impossible "
                                         "time"), ({"type": "alias", "userId": "u1"}, "without previousId"),
        (track("Consent Granted", properties={"purpose": "marketing"}), "without a channel"),
        (track("Order Completed", properties={"products": [{"quantity": 1e300}]}), "impossible quantity"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_its_reason(record: object, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        take(record)


def test_a_missing_time_is_the_time_of_receipt_for_a_live_call_and_a_fault_in_a_file() -> None:
    record = track(timestamp=None)
    assert take(record).occurred_at == NOON
    with pytest.raises(Rejected, match="no time"):
        take(record, arrived_at=None)


@pytest.mark.parametrize(
    ("given", "instant"),
    [
        ("2026-03-01T10:00:00.123Z", "2026-03-01T10:00:00.123Z"),
        ("2026-03-01T11:00:00+01:00", "2026-03-01T10:00:00Z"),
        ("2026-03-01T11:00:00", "2026-03-01T10:00:00Z"), ("2026-03-29T02:30:00", "2026-03-29T01:00:00Z"),
    ],
)  # fmt: skip
def test_a_time_without_offset_is_local_time_of_the_workspace(given: str, instant: str) -> None:
    assert take(track(timestamp=given)).occurred_at == parse_instant(instant)


@pytest.mark.parametrize(
    "line", SEGMENT_CALLS.read_text(encoding="utf-8").splitlines(), ids=lambda line: line[:40]
)
def test_every_form_of_the_specification_is_taken_or_lacks_what_a_call_must_have(line: str) -> None:
    record = json.loads(line)
    if "type" not in record and "action" not in record:  # a part of a call only
        with pytest.raises(Rejected, match="it has no type"):
            take(record)
        return
    if not {"userId", "user_id", "anonymousId"} & record.keys():
        with pytest.raises(Rejected, match="no identity"):
            take(record)
        record["userId"] = "u1"
    incoming = take(record)
    assert incoming.identities
    assert len(incoming.dedup) == 16
    assert json.loads(incoming.text) == incoming.properties


def test_older_libraries_write_their_keys_with_underscores() -> None:
    record = {"action": "track", "event": "Completed Order", "user_id": "u1", "anonymous_id": "a1",
        "message_id": "m1",
              "timestamp": "2026-03-01T10:00:00Z"}  # fmt: skip
    modern = track("Order Completed", anonymousId="a1", messageId="m1")
    assert take(record)[:6] == take(modern)[:6]


def test_one_message_is_one_event_and_two_sources_do_not_share_it() -> None:
    record = track(messageId="m1")
    assert take(record).dedup == take(record | {"timestamp": "2027-01-01T00:00:00Z"}).dedup
    assert take(record).dedup != parse_call(record, source="till", arrived_at=None, zone=ZURICH).dedup


def test_without_a_message_id_the_same_content_is_the_same_event() -> None:
    record = track(properties={"a": 1, "b": 2})
    assert take(record).dedup == take(track(properties={"b": 2, "a": 1})).dedup
    assert take(record).dedup != take(track(properties={"a": 1, "b": 3})).dedup


def test_identities_come_strongest_first_and_in_one_spelling() -> None:
    record = track(anonymousId="a1", properties={"loyalty_card": 7}, context={
        "traits": {"email": " Ann@Example.COM ", "phone": "+41 79 123 45 67"},
        "webpush": {"endpoint": "https://push/1"},
        "device": {"token": "d1"}, "externalIds": [{"type": "user_id", "id": "u1"}, {"type": "other",
            "id": "x"}, 7],
    })  # fmt: skip
    assert take(record).identities == (
        ("user", "u1"), ("email", "ann@example.com"), ("phone", "+41791234567"), ("loyalty", "7"),
        ("anonymous", "a1"),
        ("push", "https://push/1"), ("push", "d1"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "of_source", "channel"),
    [
        ({"context": {"channel": "POS"}}, None, "store"),
        ({"context": {"channel": "store"}}, "web", "store"), ({}, "store", "store"),
        ({"channel": "browser"}, None, "web"), ({"channel": "server"}, None, None), ({}, None, None),
    ],
)  # fmt: skip
def test_the_channel_is_the_calls_own_else_the_sources(
    fields: dict[str, Any], of_source: str | None, channel: str | None
) -> None:
    assert take(track(**fields), channel=of_source).channel == channel


@pytest.mark.parametrize(
    ("name", "properties", "amount"),
    [
        ("Order Completed", {"revenue": 19.99, "total": 25}, 1_999),
        ("Order Completed", {"total": "25.50", "value": 1}, 2_550),
        ("Order Completed", {"revenue": " ", "total": None, "value": 7}, 700),
        ("Order Updated", {"total": "7"}, 700), ("Order Updated", {"products": []}, None),
        ("Order Updated", {"products": [{"price": 2}, {"sku": "x"}]}, None),
        ("Order Completed", {"revenue": 0, "total": 9}, 0),
        ("Order Completed", {"products": [{"price": 1.005, "quantity": 3}, {"price": "2"}, {"price": None},
            5]}, 503),
        ("Order Completed", {"products": [{"price": 2, "quantity": 1.5}]}, 300),
        ("Order Completed", {}, None),
        ("Order Returned", {"revenue": -5}, 500),
        ("Order Refunded", {"products": [{"price": 5, "quantity": -1}]}, 500),
        ("Order Refunded", {"products": [{"sku": "x"}]}, None), ("Order Refunded", {}, None),
        ("Order Cancelled", {"revenue": "?"}, None), ("Product Added", {"value": "?"}, None),
        ("Product Viewed", {"value": 3}, 300), ("Product Viewed", {"products": [{"price": 3}]}, None),
    ],
)  # fmt: skip
def test_the_amount_is_revenue_else_total_else_value_else_the_sum_of_the_products(
    name: str, properties: dict[str, Any], amount: int | None
) -> None:
    assert amount_of(name, properties) == amount


@pytest.mark.parametrize(
    "properties",
    [
        {"revenue": "n/a", "value": 7}, {"revenue": float("inf")}, {"revenue": True}, {"total": "49,90"},
        {"revenue": 1e30}, {"value": [1]}, {"products": [{"price": "a lot"}]},
        {"products": [{"price": 5, "quantity": "many"}]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["Order Completed", "Order Updated", "Order Returned", "Order Refunded"])
def test_an_amount_of_an_order_that_cannot_be_read_rejects_the_call(
    name: str, properties: dict[str, Any]
) -> None:
    with pytest.raises(Rejected, match="impossible"):
        take(track(event=name, properties=properties))


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ("A1", "A1"), (123, "123"), (123.0, "123"), (" 00123 ", "00123"), ("0", None), ("null", None),
        ("", None), (None, None), ("1.2E+5", None),
    ],
)  # fmt: skip
def test_an_order_is_known_by_its_number_and_by_no_placeholder(given: object, order: str | None) -> None:
    assert take(track(event="Order Updated", properties={"order_id": given})).order == order
    assert take(track(event="Order Shipped", properties={"order_id": given})).order is None


@pytest.mark.parametrize(
    ("given", "cents"),
    [
        (0.1 + 0.2, 30),
        (1.005, 101),
        ("1.004", 100),
        (-1.005, -101),
        ("", None),
        ("1e3", 100_000),
        (None, None),
    ],
)
def test_money_is_read_as_it_is_written_and_rounded_half_up(given: object, cents: int | None) -> None:
    assert minor_units(given) == cents


@given(st.integers(-(10**9), 10**9))
def test_an_amount_with_two_decimals_is_kept_to_the_cent(cents: int) -> None:
    assert minor_units(cents / 100) == cents


@given(st.floats(-(10**9), 10**9) | st.integers(-(10**9), 10**9).map(lambda thousandths: thousandths / 1_000))
def test_a_number_is_the_same_money_as_its_text(value: float) -> None:
    assert minor_units(value) == minor_units(repr(value))


@pytest.mark.parametrize(
    ("given", "birthday"),
    [
        ("1980-05-17", "1980-05-17"), ("--02-29", "--02-29"), ("1980-05-17T00:00:00Z", "1980-05-17"),
        ("1993-01-11T23:00:00.000Z", "1993-01-12"), ("1993-01-11t23:00:00z", "1993-01-12"),
        ("1993-01-12 00:00", "1993-01-12"), ("1981-02-29", None),
        ("--13-01", None), ("17.05.1980", None), (1980, None), ("1980-05-17x", None), ("", None),
    ],
)  # fmt: skip
def test_a_birthday_is_a_day_with_or_without_its_year(given: object, birthday: str | None) -> None:
    assert parse_birthday(given, ZURICH) == birthday


@pytest.mark.parametrize(
    ("others", "birthday"),
    [
        ({}, "1993-01-12"),
        ({"timezone": "America/New_York"}, "1993-01-11"),
        ({"address": {"country": "JP"}}, "1993-01-12"),
    ],
)
def test_a_birthday_with_a_time_is_the_local_day_of_the_customer(
    others: dict[str, Any], birthday: str
) -> None:
    traits = normalise_traits({"birthday": "1993-01-11T23:00:00.000Z"} | others, {}, ZURICH)
    assert traits["birthday"] == birthday


def test_a_group_is_a_trait_of_the_person() -> None:
    call = {
        "type": "group", "userId": "u1", "groupId": 7, "timestamp": "2026-03-01T10:00:00Z",
        "traits": {"name": "Acme", "email": "office@acme.example"},
    }  # fmt: skip
    taken = take(call)
    assert taken.identities == (("user", "u1"),)
    assert (taken.kind, taken.name) == ("identify", "group")
    assert taken.properties == {
        "groupId": "7", "group.name": "Acme", "group.email": "office@acme.example",
    }  # fmt: skip


def test_traits_are_flat_and_in_one_spelling() -> None:
    traits = take(
        identify(email="Ann@Example.com", phone="+41 79 123 45 67", first_name="Ann", last_name=" Muster ",
            created_at="2020-01-01T00:00:00Z",
                 birthday="--05-17", plan={"name": "gold"}, logins=5,
                 address={"street": "Gasse 1", "postal_code": 3000, "city": "Bern", "country": "CH"})
    ).properties  # fmt: skip
    assert traits == {
        "email": "ann@example.com", "phone": "+41791234567", "firstName": "Ann", "lastName": "Muster",
        "createdAt": 1_577_836_800_000,
        "birthday": "--05-17", "plan": {"name": "gold"}, "logins": 5, "address.street": "Gasse 1",
        "address.postalCode": "3000",
        "address.city": "Bern", "address.country": "CH",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        ({"name": "Ann Lee Muster"}, {"name": "Ann Lee Muster", "firstName": "Ann Lee",
            "lastName": "Muster"}),
        ({"name": "Ann Muster", "firstName": "A."}, {"name": "Ann Muster", "firstName": "A."}),
        ({"email": "not an address"}, {"email_unreadable": "not an address"}),
        ({"birthday": "31.12.1980", "gender": None}, {"birthday_unreadable": "31.12.1980", "gender": None}),
        ({"createdAt": 1_577_836_800}, {"createdAt": 1_577_836_800_000}),
        ({"createdAt": "1577836800000"}, {"createdAt": 1_577_836_800_000}),
    ],
)  # fmt: skip
def test_a_trait_that_cannot_be_is_kept_aside(traits: dict[str, Any], expected: dict[str, Any]) -> None:
    assert take(identify(**traits)).properties == expected


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        ({"phone": 41791234567}, {"phone_unreadable": 41791234567}),
        ({"address": {"zip": 8001, "street": 5, "city": 3.0}},
            {"address.postalCode": "8001", "address.street": "5", "address.city": "3"}),
        ({"address.postalCode": 8001, "firstName": 7}, {"address.postalCode": "8001", "firstName": "7"}),
        ({"country": 756, "address": {"city": True}}, {"country": "756", "address.city_unreadable": True}),
    ],
)  # fmt: skip
def test_a_number_in_a_text_trait_becomes_text(traits: dict[str, Any], expected: dict[str, Any]) -> None:
    assert take(identify(**traits)).properties == expected


def test_locale_zone_and_push_subscription_come_from_the_context() -> None:
    push = {"endpoint": "https://push/1", "keys": {"p256dh": "k", "auth": "a"}}
    record = identify(locale="de-CH") | {
        "context": {"locale": "fr", "timezone": "Europe/Paris", "webpush": push}
    }
    assert take(record).properties == {"locale": "de-CH", "timezone": "Europe/Paris", "webpush": push}


@pytest.mark.parametrize(
    ("record", "consents"),
    [
        (identify() | {"context": {"messaging_subscriptions": [
            {"key": "Ann@x.ch", "type": "EMAIL", "status": "SUBSCRIBED"},
            {"key": "+41 79 123 45 67", "type": "SMS", "status": "UNSUBSCRIBED"},
            {"key": "a", "type": "WhatsApp", "status": "DID_NOT_SUBSCRIBE"}, 5]}},
         [ConsentRecord("email", "*", "granted", "shop", "ann@x.ch", is_listed=True),
             ConsentRecord("sms", "*", "withdrawn", "shop", "+41791234567", is_listed=True)]),
        (track("Consent Granted", properties={"channel": "Email", "purpose": "marketing", "source": "form",
            "text": "Yes",
                                              "proof": {"ip": "1"}}),
         [ConsentRecord("email", "marketing", "granted", "form", None, "Yes", '{"ip":"1"}')]),
        (track("Consent Withdrawn", properties={"channel": "sms"}),
            [ConsentRecord("sms", "*", "withdrawn", "shop")]),
        (track("Consent Withdrawn", properties={"channel": "sms", "objected": True}),
            [ConsentRecord("sms", "*", "objected", "shop")]),
        (track("Unsubscribed"), [ConsentRecord("email", "*", "withdrawn", "shop")]),
        (track("Order Completed"), []),
    ],
)  # fmt: skip
def test_consents_are_read_from_subscriptions_and_events(
    record: dict[str, Any], consents: list[ConsentRecord]
) -> None:
    assert list(take(record).consents) == consents


def test_a_withdrawal_without_a_channel_is_one_for_every_medium() -> None:
    channels = {consent.channel for consent in take(track("Consent Withdrawn")).consents}
    assert channels == {"email", "sms", "webpush", "whatsapp", "print", "webhook"}


@pytest.mark.parametrize(
    ("name", "properties", "feedback"),
    [
        ("Email Bounced", {}, Feedback("hard", "email", "ann@x.ch")),
        ("Email Bounced", {"bounce_type": "Transient"}, Feedback("soft", "email", "ann@x.ch")),
        ("Email Bounced", {"bounceType": "SoftBounce"}, Feedback("soft", "email", "ann@x.ch")),
        ("Email Bounced", {"type": "AutoResponder"}, Feedback(None, "email", "ann@x.ch")),
        ("Email Bounced", {"email": "old@x.ch"}, Feedback("hard", "email", "old@x.ch")),
        ("Email Marked as Spam", {}, Feedback("complaint", "email", "ann@x.ch")),
        ("Message Bounced", {"channel": "sms", "phone": "0041 79 123 45 67"},
            Feedback("hard", "sms", "+41791234567")),
        ("Email Opened", {"message_key": "k1"}, Feedback(None, "email", "ann@x.ch", "k1")),
        ("Email Opened", {"trigger": "basket"}, Feedback(None, "email", "ann@x.ch", None, "basket")),
        ("Order Completed", {}, None),
    ],
)  # fmt: skip
def test_a_report_says_what_it_proves_of_which_address(
    name: str, properties: dict[str, Any], feedback: Feedback | None
) -> None:
    record = track(name, properties=properties, context={"traits": {"email": "Ann@x.ch"}})
    assert take(record).feedback == feedback


def test_a_type_of_bounce_that_no_table_knows_is_soft_and_told() -> None:
    taken = take(track("Email Bounced", properties={"bounce_type": "Grumpy", "email": "a@x.ch"}))
    assert taken.feedback == Feedback("soft", "email", "a@x.ch")
    assert taken.unread == (Unread("bounce", "Grumpy"),)


def test_a_bounce_that_names_neither_an_address_nor_a_message_is_told() -> None:
    assert take(track("Email Bounced")).unread == (Unread("address", "Email Bounced"),)


def test_an_alias_names_who_it_was_before() -> None:
    incoming = take({"type": "alias", "previousId": "Jen@x.ch", "userId": "u1"})
    assert incoming.identities == (("user", "u1"),)
    assert incoming.previous == (("email", "jen@x.ch"), ("anonymous", "Jen@x.ch"), ("user", "Jen@x.ch"))


def test_a_screen_is_a_page() -> None:
    incoming = take({"type": "screen", "name": "Basket", "anonymousId": "a1"})
    assert (incoming.kind, incoming.name, incoming.channel) == ("page", "Basket", "app")


NAMES = [
    *(
        "type",
        "event",
        "userId",
        "email",
        "phone",
        "traits",
        "address",
        "name",
        "products",
        "price",
        "revenue",
        "quantity",
        "channel",
    ),
    *(
        "status",
        "birthday",
        "createdAt",
        "webpush",
        "endpoint",
        "timezone",
        "messaging_subscriptions",
        "externalIds",
        "id",
        "loyalty_id",
    ),
]
FIELDS = (
    "event",
    "userId",
    "anonymousId",
    "messageId",
    "timestamp",
    "properties",
    "traits",
    "context",
    "previousId",
    "name",
    "channel",
)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=8)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)
records = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "identify", "page", "alias"])},
    optional=dict.fromkeys(FIELDS, anything),
)


@given(records)
def test_no_json_brings_the_reading_of_a_call_down(record: dict[str, Any]) -> None:
    try:
        incoming = take(record)
    except Rejected:
        return
    assert isinstance(incoming.name, str)
    assert incoming.amount is None or -(2**63) < incoming.amount < 2**63
    assert all(isinstance(value, str) for _, value in incoming.identities)
