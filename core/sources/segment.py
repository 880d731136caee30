"""One call of the Segment specification, as sources send it, to one normalised value; what cannot be used is
refused with its reason.

`parse_call` is the only reading of a call: files, webhooks and connectors all come through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import orjson

from core.instants import Instant, find_zone, local_date, parse_instant, zone_of_country
from core.model.customer import MEDIA
from core.model.events import (
    ANSWER_TOKEN,
    CONSENT_GRANTED,
    CONSENT_WITHDRAWN,
    FORMER_NAMES,
    MESSAGE_FEEDBACK,
    ORDER_CANCELLED,
    ORDER_COMPLETED,
    SURVEY_ANSWERED,
)
from core.model.orders import ORDER_ACTS
from core.people import ADDRESSES, STRENGTH, USER, Identity
from core.sources.cells import CellError
from core.sources.countries import country_code
from core.sources.feedback import (
    Feedback,
    Unread,
    message_named,
    trigger_named,
    unread_consent,
    verdict_of,
)
from core.sources.identities import LONGEST_PUSH, USUAL, IdentityReading
from core.sources.order_fields import AMOUNT_NAMES, amount_in, order_number


class Rejected(Exception):  # noqa: N818 - an outcome of reading one line, counted and written down
    """A line that cannot be taken; its text is the reason, for the rejects file."""


class ConsentRecord(NamedTuple):
    """One entry for the ledger of consents; the instant is the event's own where `occurred_at` is None."""

    channel: str
    purpose: str  # "*" for every purpose that needs a consent
    state: Literal["granted", "withdrawn", "objected"]
    source: str
    address: str | None = None
    wording: str | None = None
    proof: str | None = None
    occurred_at: Instant | None = None
    is_listed: bool = False
    """The state of a list or profile, which says nothing of when it was said."""
    is_unasked: bool = False
    """A bare no of a list, which may mean that nobody ever asked."""


class Retold(NamedTuple):
    """What a line of a list counts as where its order is known already: a correction as of an instant in ms
    UTC, which the line names itself (`is_dated`) or which is that of the import. `first` is the key by which
    the order was told first.
    """

    at: Instant
    is_dated: bool
    first: bytes


class Incoming(NamedTuple):
    """One event on its way in: who, what, when (milliseconds UTC), how much (minor units), and what it says
    of consents and messages.
    """

    dedup: bytes  # 16 bytes: the same event of the same source always has the same
    source: str
    kind: Literal["track", "page", "identify", "alias"]
    name: str
    occurred_at: Instant
    identities: tuple[Identity, ...]  # strongest first; none: an act of nobody known
    properties: Mapping[str, Any]
    text: str  # the properties as JSON
    channel: str | None = None
    amount: int | None = None
    consents: tuple[ConsentRecord, ...] = ()
    feedback: Feedback | None = None
    previous: tuple[Identity, ...] = ()  # alias: who this was before, as each kind the value may be of
    order: str | None = None  # its order's number within the namespace; None: of no order, or without number
    currency: str | None = None  # of its order, where that is not the workspace's
    own_amount: int | None = None  # minor units of that currency
    rate: str | None = None  # by which `amount` comes of it; None with a currency: not converted
    unread: tuple[Unread, ...] = ()  # what it says and nobody understood
    traits: Mapping[str, Any] = {}  # what an event that is no identify call says of the customer besides
    retold: Retold | None = None  # of an order in a list, which tells the order's state and no event


ORDER_NAMES: Final = frozenset(ORDER_ACTS)
"""The events that speak of an order."""
AMOUNT_ACTS: Final = ORDER_NAMES - {ORDER_CANCELLED}
"""Those whose amount counts, so that an unreadable one is refused."""
_LARGEST_AMOUNT: Final = 10**12
_LARGEST_NUMBER: Final = 10**15
_LARGEST_QUANTITY: Final = 10**9
_LONGEST_VALUE: Final = 512
_PLAIN_FLOAT: Final = 10**9
_CENT: Final = Decimal(1)

_LOYALTY_NAMES: Final = frozenset({"loyalty_id", "loyaltyId", "loyalty_card", "loyaltyCard"})
_CONTEXT_NAMES: Final = frozenset({"device", "webpush", "externalIds"})
_EXTERNAL_KINDS: Final[Mapping[str, str]] = {
    "user_id": "user", "email": "email", "phone": "phone", "loyalty": "loyalty", "loyalty_id": "loyalty",
    "anonymous_id": "anonymous",
}  # fmt: skip
_CHANNEL_NAMES: Final[Mapping[str, str]] = {"pos": "store", "browser": "web", "site": "web", "website": "web"}
_CONSENT_CHANNELS: Final[Mapping[str, str]] = {
    "e-mail": "email", "mail": "email", "push": "webpush", "web push": "webpush", "post": "print",
    "letter": "print", "text": "sms",
}  # fmt: skip

_TRAIT_SPELLINGS: Final[Mapping[str, str]] = {
    "first_name": "firstName", "firstname": "firstName", "last_name": "lastName", "lastname": "lastName",
    "created_at": "createdAt", "time_zone": "timezone", "timeZone": "timezone",
}  # fmt: skip
_ADDRESS_SPELLINGS: Final[Mapping[str, str]] = {
    "postal_code": "postalCode",
    "postcode": "postalCode",
    "zip": "postalCode",
}
_COUNTRIES: Final = frozenset({"country", "address.country"})
_TEXT_TRAITS: Final = frozenset({"firstName", "lastName", "gender", "locale", "timezone", "country"})


# ---- the call ----


def parse_call(
    record: object,
    *,
    source: str,
    arrived_at: Instant | None,
    zone: ZoneInfo,
    channel: str | None = None,
    reading: IdentityReading = USUAL,
) -> Incoming:
    """The value of one Segment call; Rejected where it cannot be used.

    `arrived_at` stands in for a missing time where the call came live; None, as for files, makes a missing
    time a fault. A time without offset is read in `zone`. `channel` is that of the source, where the call
    names none.
    """
    if not isinstance(record, dict):
        raise Rejected("not a JSON object")
    call = record.get("type") or record.get("action")
    context = record.get("context", _NOTHING)
    if not isinstance(context, dict):
        context = _NOTHING
    head = _Head(record, context, source, arrived_at, zone, channel, reading)
    if call == "track":
        return _track(head)
    if call == "identify":
        return _identify(head)
    if call == "page" or call == "screen":
        return _page(head, "web" if call == "page" else "app")
    if call == "alias":
        return _alias(head)
    if call == "group":
        return _group(head)
    raise Rejected(f"unknown call {str(call)[:40]!r}" if call else "unknown call: it has no type")


_NOTHING: dict[str, Any] = {}
_Kind: TypeAlias = Literal["track", "page", "identify", "alias"]


class _Head(NamedTuple):
    """What every sort of call has, and what is known of it besides."""

    record: dict[str, Any]
    context: dict[str, Any]
    source: str
    arrived_at: Instant | None
    zone: ZoneInfo
    channel: str | None
    reading: IdentityReading

    def start(self, kind: _Kind, name: str) -> tuple[bytes, str, _Kind, str, Instant]:
        """The first fields of the call's value; Rejected where its time cannot be read."""
        record = self.record
        return (
            _dedup(record, self.source), self.source, kind, name, _time(record, self.arrived_at, self.zone)
        )  # fmt: skip

    def identities(self, said: Mapping[str, Any], *, or_none: bool = False) -> tuple[Identity, ...]:
        """By what the call names its customer, strongest first; Rejected where by nothing, unless `or_none`
        is right as well.
        """
        found = _identities(self.record, self.context, said, self.reading)
        if not found and not or_none:
            raise Rejected(
                "no identity: neither userId nor anonymousId, nor an address in context.traits; null, 0 and "
                "the like are none"
            )
        return found

    def way(self, usual: str | None = None) -> str | None:
        """The channel; `usual` where neither the call nor its source names one."""
        return _channel(self.record, self.context, self.channel, usual)

    def words(self) -> tuple[tuple[ConsentRecord, ...], tuple[Unread, ...]]:
        """What it says of consents, and what of that nobody understood."""
        return _subscriptions(self.context, self.source, self.reading) if self.context else _NO_WORDS


def _track(head: _Head) -> Incoming:
    name = head.record.get("event")
    if not isinstance(name, str) or not (name := name.strip()):
        raise Rejected("a track call without an event name")
    name = FORMER_NAMES.get(name, name)
    properties = head.record.get("properties")
    if not isinstance(properties, dict):
        properties = {}
    if name == ORDER_COMPLETED:
        _refuse_impossible_quantities(properties.get("products"))
    consents, unread = head.words()
    feedback = None
    if name in _SPECIAL:
        consents += consents_of(name, properties, head.source)
        feedback, more = feedback_of(name, properties, head.context, head.reading)
        unread += more
    identities = head.identities(properties, or_none=is_answer_by_token(name, properties))
    return Incoming(
        *head.start("track", name), identities, properties, encode(properties), head.way(),
        amount_of(name, properties), consents, feedback, (),
        order_number(properties) if name in ORDER_NAMES else None, unread=unread,
        traits=_traits_beside(identities, head),
    )  # fmt: skip


def _identify(head: _Head) -> Incoming:
    given = head.record.get("traits")
    given = given if isinstance(given, dict) else {}
    said = head.context.get("traits")
    merged = {**said, **given} if isinstance(said, dict) else given
    traits = normalise_traits(merged, head.context, head.zone, head.reading)
    identities = head.identities(traits)
    _add_address(traits, identities)
    consents, unread = head.words()
    return Incoming(
        *head.start("identify", "identify"), identities, traits, encode_traits(traits), head.way(), None,
        consents, unread=unread,
    )  # fmt: skip


def _page(head: _Head, usual: str) -> Incoming:
    given = head.record.get("properties")
    properties = given if isinstance(given, dict) else {}
    name = head.record.get("name") or head.record.get("category") or properties.get("name") or "Page"
    identities = head.identities(properties)
    consents, unread = head.words()
    return Incoming(
        *head.start("page", str(name)), identities, properties, encode(properties), head.way(usual), None,
        consents, unread=unread, traits=_traits_beside(identities, head),
    )  # fmt: skip


def _alias(head: _Head) -> Incoming:
    record, reading = head.record, head.reading
    former = record.get("previousId", record.get("previous_id"))
    anonymous, former_user, address = reading.text(former), reading.user(former), reading.email(former)
    if anonymous is None or former_user is None:
        raise Rejected("an alias call without previousId")
    previous: tuple[Identity, ...] = (("anonymous", anonymous), (USER, former_user))
    if address is not None:
        previous = (("email", address), *previous)
    user = reading.user(record.get("userId", record.get("user_id")))
    identities = ((USER, user),) if user else head.identities(_NOTHING)
    said = {"previousId": anonymous}
    return Incoming(
        *head.start("alias", "alias"), identities, said, encode(said), head.way(), previous=previous
    )  # fmt: skip


def _group(head: _Head) -> Incoming:
    """The group that a person belongs to, as traits of the person: `groupId`, and `group.NAME` for each trait
    of the group. What identifies the group identifies nobody.
    """
    group = _text(head.record.get("groupId", head.record.get("group_id")))
    if group is None:
        raise Rejected("a group call without groupId")
    given = head.record.get("traits")
    said = given if isinstance(given, dict) else {}
    traits = {"groupId": group, **{f"group.{name}": value for name, value in said.items()}}
    identities = head._replace(record={**head.record, "traits": None}).identities(_NOTHING)
    consents, unread = head.words()
    return Incoming(
        *head.start("identify", "group"), identities, traits, encode_traits(traits), head.way(), None,
        consents, unread=unread,
    )  # fmt: skip


def is_answer_by_token(name: str, properties: Mapping[str, Any]) -> bool:
    """Whether an event is the answer to a survey that names its customer by the token of its link."""
    token = properties.get(ANSWER_TOKEN) if name == SURVEY_ANSWERED else None
    return isinstance(token, str) and token != ""


def encode(properties: Mapping[str, Any]) -> str:
    """Properties as JSON; Rejected where they are nested beyond what can be written down."""
    try:
        return orjson.dumps(properties, default=str).decode()
    except orjson.JSONEncodeError as error:
        raise Rejected(f"the properties cannot be kept: {error}") from None


def encode_traits(traits: Mapping[str, Any]) -> str:
    """The same for traits, which stand a few levels deeper in a customer's profile."""
    encode({"": {"": {"": traits}}})
    return encode(traits)


# ---- who, when, where ----


def _identities(
    record: dict[str, Any], context: dict[str, Any], said: Mapping[str, Any], reading: IdentityReading
) -> tuple[Identity, ...]:
    """Strongest first: user, email, phone, loyalty, anonymous, push."""
    found: list[Identity] = []
    user = record.get("userId") or record.get("user_id")
    if user and (value := reading.user(user)):
        found.append((USER, value))
    traits = context.get("traits") if context else _NOTHING
    if not isinstance(traits, dict):
        traits = _NOTHING
    if traits:
        _find_addresses(traits, found, reading)
    if record.get("traits") is not None:  # of an identify call
        _find_addresses(said, found, reading)
    if traits or not _LOYALTY_NAMES.isdisjoint(said):
        _find_card(said, traits, found, reading)
    anonymous = record.get("anonymousId") or record.get("anonymous_id")
    if anonymous and (value := reading.text(anonymous)):
        found.append(("anonymous", value))
    if context and not _CONTEXT_NAMES.isdisjoint(context):
        _find_in_context(context, found, reading)
        found.sort(key=_strength)
    return tuple(found)


def _strength(identity: Identity) -> int:
    return STRENGTH[identity[0]]


def _find_addresses(traits: Mapping[str, Any], found: list[Identity], reading: IdentityReading) -> None:
    for kind, value in (
        ("email", reading.email(traits.get("email"))),
        ("phone", reading.phone(traits.get("phone"))),
    ):
        if value is not None and (kind, value) not in found:
            found.append((kind, value))


def _find_card(
    said: Mapping[str, Any], traits: Mapping[str, Any], found: list[Identity], reading: IdentityReading
) -> None:
    for name in sorted(_LOYALTY_NAMES):
        if (card := reading.text(said.get(name) or traits.get(name))) is not None:
            found.append(("loyalty", card))
            return


def _find_in_context(context: dict[str, Any], found: list[Identity], reading: IdentityReading) -> None:
    device, push, others = context.get("device"), context.get("webpush"), context.get("externalIds")
    if isinstance(push, dict) and (endpoint := reading.text(push.get("endpoint"), LONGEST_PUSH)):
        found.append(("push", endpoint))
    if isinstance(device, dict) and (token := reading.text(device.get("token"), LONGEST_PUSH)):
        found.append(("push", token))
    if isinstance(others, list):
        for other in others:
            kind = _EXTERNAL_KINDS.get(str(other.get("type"))) if isinstance(other, dict) else None
            value = reading.identity(kind, other.get("id")) if kind else None
            if kind and value and (kind, value) not in found:
                found.append((kind, value))


def _traits_beside(identities: tuple[Identity, ...], head: _Head) -> Mapping[str, Any]:
    """What a call that is no identify says of the customer: `context.traits`, and an address by which it
    names the customer.
    """
    said = head.context.get("traits") if head.context else None
    traits = normalise_traits(said, {}, head.zone, head.reading) if said and isinstance(said, dict) else {}
    if traits or len(identities) > 1 or (identities and identities[0][0] in ADDRESSES):
        _add_address(traits, identities)
    return traits or _NOTHING


def _add_address(traits: dict[str, Any], identities: Iterable[Identity]) -> None:
    for kind, value in identities:
        if kind in ADDRESSES and traits.get(kind) is None:
            traits[kind] = value.partition(";")[0] if kind == "phone" else value


def addresses_of(identities: Iterable[Identity]) -> dict[str, Any]:
    """The traits that the identities of an event are themselves."""
    traits: dict[str, Any] = {}
    _add_address(traits, identities)
    return traits


def _text(value: object, longest: int = _LONGEST_VALUE) -> str | None:
    if type(value) is str:
        text = value.strip()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        text = str(int(value) if isinstance(value, float) and value.is_integer() else value)
    else:
        return None
    return text if text and len(text) <= longest else None


def _time(record: dict[str, Any], arrived_at: Instant | None, zone: ZoneInfo) -> Instant:
    given = record.get("timestamp") or record.get("originalTimestamp")
    if given is None:
        if arrived_at is None:
            raise Rejected("no time: the call has no timestamp")
        return arrived_at
    if not isinstance(given, str):
        raise Rejected(f"impossible time {str(given)[:40]!r}: a timestamp is an ISO 8601 text")
    try:
        return parse_instant(given, zone)
    except ValueError as error:
        raise Rejected(f"impossible time: {error}") from None


def _channel(
    record: dict[str, Any], context: dict[str, Any], of_source: str | None, usual: str | None
) -> str | None:
    if context and (said := context.get("channel")) and isinstance(said, str):
        return normal_channel(said)
    if of_source is not None:
        return of_source
    outer = record.get("channel")
    if outer == "browser" or outer == "web":
        return "web"
    return "app" if outer == "mobile" else usual


def normal_channel(name: str) -> str:
    """A channel's name in lower case; `pos` means store, `browser` web."""
    name = name.strip().lower()
    return _CHANNEL_NAMES.get(name, name)


def _dedup(record: dict[str, Any], source: str) -> bytes:
    message = record.get("messageId") or record.get("message_id")
    if message:
        return dedup_key(source, message)
    try:
        canonical = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise Rejected(f"the call cannot be kept: {error}") from None
    return blake2b(source.encode() + b"\0\0" + canonical, digest_size=16).digest()


def dedup_key(source: str, key: object) -> bytes:
    """16 bytes that stand for one event of one source, by its message id or natural key."""
    return blake2b(f"{source}\0{key}".encode(), digest_size=16).digest()


# ---- how much ----


def amount_of(name: str, properties: Mapping[str, Any]) -> int | None:
    """Minor units of an event: its revenue, else total, else value, else (orders only) the sum over its
    products. Rejected where an order's amount cannot be read.
    """
    if name in AMOUNT_ACTS:
        try:
            return amount_in(name, properties)
        except CellError as error:
            raise Rejected(str(error)) from None
    for key in AMOUNT_NAMES:
        if key in properties and (amount := minor_units(properties[key])) is not None:
            return amount
    return None


def _refuse_impossible_quantities(products: object) -> None:
    for product in products if isinstance(products, list) else ():
        quantity = product.get("quantity") if isinstance(product, dict) else None
        if isinstance(quantity, (int, float)) and not -_LARGEST_QUANTITY < quantity < _LARGEST_QUANTITY:
            raise Rejected(f"impossible quantity {quantity}")


def minor_units(value: object) -> int | None:
    """A sum of money in major units, number or text, to minor units, half up; None where it is none."""
    if type(value) is int:
        amount = value * 100
    elif type(value) is float and abs(value) < _PLAIN_FLOAT and (amount := round(value * 100)) / 100 == value:
        return amount  # its shortest text has two decimals at most, so that nothing is left to round
    else:
        number = decimal_of(value)
        if number is None:
            return None
        amount = int(number.scaleb(2).quantize(_CENT, ROUND_HALF_UP))
    return amount if abs(amount) <= _LARGEST_AMOUNT else None


def decimal_of(value: object) -> Decimal | None:
    """A number of JSON, or its text, exactly as it was written; None where it is none, or beyond all
    reason.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return None
    try:
        number = (
            value
            if isinstance(value, Decimal)
            else Decimal(repr(value) if isinstance(value, float) else value)
        )
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < _LARGEST_NUMBER else None


# ---- traits ----


def normalise_traits(
    given: Mapping[str, Any], context: Mapping[str, Any], zone: ZoneInfo, reading: IdentityReading = USUAL
) -> dict[str, Any]:
    """Flat traits: known ones in one spelling and as text, `address.city` and so on for addresses,
    `createdAt` in milliseconds UTC.

    A known trait with a value it cannot have is kept as NAME_unreadable, so that it neither is lost nor
    replaces a good one.
    """
    traits: dict[str, Any] = {}
    for spelling, value in given.items():
        name = _TRAIT_SPELLINGS.get(spelling, spelling)
        if name == "address" and isinstance(value, dict):
            for part, text in value.items():
                _put_text(traits, f"address.{_ADDRESS_SPELLINGS.get(part, part)}", text)
        else:
            own_zone = _zone_of_customer(given, context, zone) if name == "birthday" else zone
            _put_trait(traits, name, value, own_zone, reading)
    for name in ("locale", "timezone"):
        if name not in traits and isinstance(context.get(name), str):
            traits[name] = context[name]
    push = context.get("webpush")
    if isinstance(push, dict) and isinstance(push.get("endpoint"), str):
        traits["webpush"] = push
    _split_name(traits)
    return traits


def _put_trait(
    traits: dict[str, Any], name: str, value: Any, zone: ZoneInfo, reading: IdentityReading
) -> None:
    read = _READERS.get(name)
    if value is None or value == "":
        traits[name] = None
    elif read is not None:
        known = read(value, zone, reading)
        traits[name if known is not None else f"{name}_unreadable"] = value if known is None else known
    elif name in _TEXT_TRAITS or name.startswith("address."):
        _put_text(traits, name, value)
    else:
        traits[name] = value


def _put_text(traits: dict[str, Any], name: str, value: Any) -> None:
    if value is None or value == "":
        traits[name] = None
        return
    text = _text(value, 4_096)
    if text is not None and name in _COUNTRIES:
        text = country_code(text) or text
    traits[name if text is not None else f"{name}_unreadable"] = value if text is None else text


def _split_name(traits: dict[str, Any]) -> None:
    name = traits.get("name")
    if not isinstance(name, str) or traits.get("firstName") or traits.get("lastName"):
        return
    first, _, last = name.strip().rpartition(" ")
    traits["firstName" if first or not last else "lastName"] = (first or last).strip() or None
    if first:
        traits["lastName"] = last


def parse_birthday(value: object, zone: ZoneInfo) -> str | None:
    """`YYYY-MM-DD`, or `--MM-DD` where the year is unknown; of an ISO 8601 date with a time its local day in
    `zone`, which is how browsers write one; None for no such day.
    """
    if not isinstance(value, str):
        return None
    text = value.strip()
    is_yearless = text.startswith("--")
    try:
        if len(text) > 10 and text[4:5] == "-" and text[10] in "Tt ":
            return local_date(parse_instant(text, zone), zone).isoformat()
        day = f"2000-{text[2:]}" if is_yearless else text
        parsed = date.fromisoformat(day) if len(day) == 10 else None
    except ValueError:
        return None
    if parsed is None:
        return None
    return text if is_yearless else parsed.isoformat()


def _zone_of_customer(given: Mapping[str, Any], context: Mapping[str, Any], usual: ZoneInfo) -> ZoneInfo:
    """The zone that the same call names, by itself or by a country."""
    address = given.get("address")
    country = given.get("address.country") or (address.get("country") if isinstance(address, dict) else None)
    names = (given.get("timezone"), given.get("time_zone"), given.get("timeZone"), context.get("timezone"))
    own = next((zone for name in names if (zone := find_zone(name)) is not None), None)
    return own or zone_of_country(country or given.get("country")) or usual


def _created_at(value: object, zone: ZoneInfo) -> Instant | None:
    if isinstance(value, str) and not value.strip().isdigit():
        try:
            return parse_instant(value, zone)
        except ValueError:
            return None
    number = decimal_of(value)
    if number is None or not 0 <= number < 253_402_128_000_000:
        return None
    return int(number) if number >= 100_000_000_000 else int(number * 1_000)


_READERS: Final[Mapping[str, Callable[[Any, ZoneInfo, IdentityReading], object]]] = {
    "email": lambda value, _, reading: reading.email(value),
    "phone": lambda value, _, reading: reading.phone_number(value),
    "birthday": lambda value, zone, _: parse_birthday(value, zone),
    "createdAt": lambda value, zone, _: _created_at(value, zone),
}


# ---- consents, and what providers report ----

_SPECIAL: Final = frozenset({CONSENT_GRANTED, CONSENT_WITHDRAWN, *MESSAGE_FEEDBACK})
_NO_WORDS: Final[tuple[tuple[ConsentRecord, ...], tuple[Unread, ...]]] = ((), ())
_STATUS: Final[Mapping[str, Literal["granted", "withdrawn"]]] = {
    "SUBSCRIBED": "granted",
    "UNSUBSCRIBED": "withdrawn",
}
_NOBODY_ASKED: Final = frozenset({"DID_NOT_SUBSCRIBE", "NEVER_SUBSCRIBED", "PENDING", "UNKNOWN", "NONE", ""})
"""States of a subscription that say nothing."""


def consent_channel(value: object) -> str | None:
    """The medium or channel name a source means; None where it names none."""
    if not isinstance(value, str) or not value.strip():
        return None
    name = value.strip().lower()
    return _CONSENT_CHANNELS.get(name, name)


def _subscriptions(
    context: Mapping[str, Any], source: str, reading: IdentityReading
) -> tuple[tuple[ConsentRecord, ...], tuple[Unread, ...]]:
    """What `messaging_subscriptions` says: a yes is the state of a list, a no was said."""
    given = context.get("messaging_subscriptions")
    if not isinstance(given, list):
        return _NO_WORDS
    records, unread = [], []
    for entry in given:
        if not isinstance(entry, dict):
            continue
        status, channel = str(entry.get("status") or "").strip().upper(), consent_channel(entry.get("type"))
        state = _STATUS.get(status)
        if state is not None and channel is not None:
            address = address_for(channel, entry.get("key"), reading)
            if address is None and entry.get("key") not in (None, ""):
                unread.append(unread_consent(entry["key"]))
                continue
            records.append(ConsentRecord(channel, _purpose(entry), state, source, address, is_listed=True))
        elif channel is not None and status not in _NOBODY_ASKED:
            unread.append(unread_consent(status))
    return tuple(records), tuple(unread)


def address_for(medium: str, value: object, reading: IdentityReading = USUAL) -> str | None:
    """An address of a medium in the spelling under which it is kept; None where the value is none.

    A phone number that cannot be read is kept as it stands, so that no other number is meant.
    """
    if medium == "email":
        return reading.email(value)
    if medium in ("sms", "whatsapp"):
        return reading.phone_number(value) or _text(value)
    return _text(value, 2_048)


def address_in(medium: str, identities: Sequence[Identity], traits: Mapping[str, Any]) -> str | None:
    """The address of a medium that the line of a list names, as a trait or else as an identity."""
    own = _OWN_NAME.get(medium)
    if own is None:
        return None
    known = (value for kind, value in identities if kind == own)
    return address_for(medium, traits.get(own)) or next(known, None)


def consents_of(name: str, properties: Mapping[str, Any], source: str) -> tuple[ConsentRecord, ...]:
    """What an event of that name says of consents; Rejected where it grants one and names no channel."""
    if name == "Unsubscribed":
        return (
            ConsentRecord(
                consent_channel(properties.get("channel")) or "email",
                _purpose(properties),
                "withdrawn",
                source,
            ),
        )
    if name not in (CONSENT_GRANTED, CONSENT_WITHDRAWN):
        return ()
    channel = consent_channel(properties.get("channel"))
    if channel is None and name == CONSENT_GRANTED:
        raise Rejected("Consent Granted without a channel")
    channels = (channel,) if channel is not None else MEDIA
    state: Literal["granted", "withdrawn", "objected"] = "granted" if name == CONSENT_GRANTED else "withdrawn"
    if state == "withdrawn" and (properties.get("objected") is True or properties.get("state") == "objected"):
        state = "objected"
    said = _text(properties.get("source"), 4_096) or source
    wording, proof = _any_text(properties.get("text")), _any_text(properties.get("proof"))
    purpose, given = _purpose(properties), properties.get("address")
    return tuple(
        ConsentRecord(
            each, purpose, state, said, address_for(each, given) or _any_text(given), wording, proof
        )
        for each in channels
    )


def _purpose(said: Mapping[str, Any]) -> str:
    return _text(said.get("purpose")) or "*"


def _any_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    return orjson.dumps(value).decode()


def feedback_of(
    name: str, properties: Mapping[str, Any], context: Mapping[str, Any], reading: IdentityReading = USUAL
) -> tuple[Feedback | None, tuple[Unread, ...]]:
    """What an event of that name reports of a message, and what it says that nobody understood."""
    if name not in MESSAGE_FEEDBACK:
        return None, ()
    verdict, unread = verdict_of(name, properties)
    medium = (
        "email"
        if name.startswith("Email")
        else consent_channel(properties.get("medium") or properties.get("channel")) or "email"
    )
    address = _address_named(medium, properties, context, reading)
    found = Feedback(verdict, medium, address, message_named(properties), trigger_named(properties))
    if verdict is not None and found[2:] == (None, None, None):
        unread += (Unread("address", name),)
    return found, unread


def _address_named(
    medium: str, properties: Mapping[str, Any], context: Mapping[str, Any], reading: IdentityReading
) -> str | None:
    own = _OWN_NAME.get(medium)
    said = [properties.get(name) for name in (own, "address", "recipient", "to") if name is not None]
    if own is not None and isinstance(traits := context.get("traits"), dict):
        said.append(traits.get(own))
    found = (address_for(medium, value, reading) for value in said if value is not None)
    return next((address for address in found if address is not None), None)


_OWN_NAME: Final[Mapping[str, str]] = {"email": "email", "sms": "phone", "whatsapp": "phone"}
"""The property or trait that holds the address of a medium, beside those of all media."""
