"""Values that say nothing, such as `null`, `0` or `noemail@example.com`: no identity, and no key of a basket.

The words are those that analytics tools and shops are known to send where they had no value; PostHog refuses
much the same list as ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Context, Decimal
from functools import lru_cache
from typing import Final
from unicodedata import normalize

import orjson

from core.text_folding import bare, spellings


def _words(text: str) -> frozenset[str]:
    return frozenset(spelling for word in text.split(",") for spelling in spellings(" ".join(word.split())))


_WORDS: Final = _words("""
    null, (null), nil, none, (none), undefined, nan, void, n/a, n.a., na, #n/a, #nv, #value!, #wert!, #ref!,
    #bezug!, #name?, unknown, unbekannt, inconnu, inconnue, sconosciuto, desconocido, onbekend, not set,
    (not set), not_set, not provided, not available, no email, noemail, no phone, keine, keine angabe, kein,
    leer, empty, (empty), blank, (blank), anonymous, anonym, guest, gast, invité, ospite, not_authenticated,
    distinct_id, distinctid, user_id, userid, customer_id, id, email, true, false, yes, no, nobody, missing,
    tbd, xxx, -1
""")
_NO_MAILBOX: Final = _words("""
    noemail, no-email, no.email, no_email, nomail, no-mail, no_mail, noreply, no-reply, no_reply,
    donotreply, do-not-reply, none, null, undefined, nan, na, n.a, unknown, unbekannt, keine, keinemail,
    keine-email, kein, ohne, ohnemail, ohne-email, sansemail, sans-email, senzaemail, notprovided, nobody,
    anonymous, invalid, noaddress
""")
_TESTED_MAILBOX: Final = re.compile(r"test@(?:test|example)(?:\.[a-z.]+)?")
_ZEROS: Final = re.compile(r"[+\-]?(?=[^0]*0)[0\s.,/()\-]+")
_NO_WORD: Final = re.compile(r"[\W_]*")
_POWER_OF_TEN: Final = re.compile(r"[+\-]?[0-9]+(?:[.,][0-9]+[eE][+\-]?|[eE][+\-])[0-9]{1,3}")
_OF_A_PROGRAM: Final = re.compile(
    r"\[object \w+\]|function\s*\(.*|\{\{.*\}\}|\{%.*%\}|\$\{.*\}|\*\|.*\|\*|%%.*%%|<[a-z_ ]+>", re.DOTALL
)
"""What a script or a template writes where it should have written a value."""
_PLAIN: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._+\-]*@[A-Za-z0-9.\-]+"
    r"|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
)
"""Mail addresses and UUIDs."""
_WHOLE: Final = re.compile(r"([+\-]?[0-9]+)\.0+")
_LONGEST_KEPT: Final = 256
_LARGEST_EXACT: Final = 2**53
_LARGEST_ID: Final = 10**40
_EXACTLY: Final = Context(prec=64)


def ignored_words(given: Iterable[str]) -> frozenset[str]:
    """Further placeholder values of the settings, as the functions here take them."""
    return frozenset(_small(word) for word in given)


def is_placeholder(value: object, ignored: frozenset[str] = frozenset()) -> bool:
    """Whether a cell or JSON value is no identity: blank, a word or number that stands for no value, a number
    in scientific notation, or no text and no number at all. `ignored` comes from `ignored_words`.
    """
    return identifying_text(value, ignored) is None


def identifying_text(value: object, ignored: frozenset[str] = frozenset()) -> str | None:
    """The text under which a value is the same as another one: 123, 123.0 and "123" are one. None for
    placeholders, for numbers that JSON does not keep exactly, and for booleans, lists and objects.
    """
    if isinstance(value, str):
        is_plain = (value.isascii() and value.isalnum()) or _PLAIN.fullmatch(value) is not None
        if is_plain:
            return _of_plain_text(value, ignored)
        return (_of_short_text if len(value) <= _LONGEST_KEPT else _of_text)(value, ignored)
    if type(value) is int and 0 < value < _LARGEST_ID:
        return None if ignored and str(value) in ignored else str(value)
    return _of_number(value, ignored)


def per_value(value: object, ignored: frozenset[str] = frozenset()) -> str | None:
    """The normal form of a value that parts baskets (`per`); None where it says nothing. Lists and objects
    that are not empty are compared as a whole, and say nothing where JSON cannot hold them.
    """
    if not isinstance(value, (list, dict)):
        return identifying_text(value, ignored)
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS).decode() if value else None
    except orjson.JSONEncodeError:
        return None


def _of_plain_text(text: str, ignored: frozenset[str]) -> str | None:
    """The same as `_of_text` for the forms that most ids have, where few of its questions arise."""
    small = text.lower()
    if "@" in small:
        return None if small in ignored or _is_no_mailbox(small) else text
    return None if small in _WORDS or small in ignored or not text.strip("0-") else text


def _of_number(value: object, ignored: frozenset[str]) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    number = Decimal(value) if isinstance(value, int) else Decimal(str(value))
    if not number.is_finite() or abs(number) >= (_LARGEST_EXACT if isinstance(value, float) else _LARGEST_ID):
        return None
    return _of_text(format(number.normalize(_EXACTLY), "f"), ignored)


def _of_text(given: str, ignored: frozenset[str]) -> str | None:
    text = normalize("NFC", bare(given))
    if whole := _WHOLE.fullmatch(text):
        text = whole[1]
    small = _small(text)
    says_nothing = (
        small in _WORDS
        or small in ignored
        or _NO_WORD.fullmatch(text) is not None
        or _ZEROS.fullmatch(text) is not None
        or _POWER_OF_TEN.fullmatch(text) is not None
        or _OF_A_PROGRAM.fullmatch(small) is not None
        or ("@" in small and _is_no_mailbox(small))
    )
    return None if says_nothing else text


_of_short_text: Final = lru_cache(maxsize=8_192)(_of_text)


def _is_no_mailbox(address: str) -> bool:
    name = address.rpartition("@")[0].partition("+")[0]
    return name in _NO_MAILBOX or _TESTED_MAILBOX.fullmatch(address) is not None


def _small(text: str) -> str:
    return spellings(" ".join(bare(text).strip("\"'").split()))[0]
