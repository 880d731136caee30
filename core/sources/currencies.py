"""Currencies: their codes, how many decimals each has, and the signs they are written with.

Codes and decimals are those of ISO 4217 (list one, as of 2026, and from list three what has been withdrawn
since 1999). They stand here as a table because libraries take theirs from CLDR, which gives the decimals that
are shown in a shop (none for HUF and IDR), not those that amounts are kept in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.sources.cells import CellError, bare, shown

_BY_DECIMALS: Final[Mapping[int, str]] = {
    0: """
        BIF BYR CLP DJF ESP GNF GRD ISK ITL JPY KMF KRW LUF PTE PYG ROL RWF TRL UGX UYI VND VUV XAF XOF XPF
    """,
    2: """
        AED AFN ALL AMD ANG AOA ARS ATS AUD AWG AZN BAM BBD BDT BEF BGN BMD BND BOB BOV BRL BSD BTN BWP BYN
        BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DEM DKK DOP DZD EEK EGP ERN ETB EUR FIM FJD
        FKP FRF GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR IEP ILS INR IRR JMD KES KGS KHR KPW KYD
        KZT LAK LBP LKR LRD LSL LTL LVL MAD MDL MGA MKD MMK MNT MOP MRO MRU MTL MUR MVR MWK MXN MXV MYR MZN
        NAD NGN NIO NLG NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SIT
        SKK SLE SLL SOS SRD SSP STD STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED
        VEF VES WST XCD XCG YER ZAR ZMW ZWG ZWL
    """,
    3: """
        BHD IQD JOD KWD LYD OMR TND
    """,
    4: """
        CLF UYW
    """,
}
DECIMALS: Final[Mapping[str, int]] = {
    code: decimals for decimals, codes in _BY_DECIMALS.items() for code in codes.split()
}
"""Code to the number of its decimals."""

_DOLLARS: Final = ("USD", "AUD", "CAD", "NZD", "HKD", "SGD", "MXN", "ARS", "CLP", "COP", "TWD")
_SIGNS: Final[Mapping[str, tuple[str, ...]]] = {
    "€": ("EUR",), "euro": ("EUR",), "euros": ("EUR",), "$": _DOLLARS, "us$": ("USD",),
    "a$": ("AUD",), "au$": ("AUD",), "c$": ("CAD",), "ca$": ("CAD",), "nz$": ("NZD",),
    "hk$": ("HKD",), "s$": ("SGD",), "nt$": ("TWD",), "mx$": ("MXN",), "r$": ("BRL",),
    "£": ("GBP", "EGP", "GIP", "FKP", "SHP", "SYP"), "¥": ("JPY", "CNY"),
    "￥": ("JPY", "CNY"), "円": ("JPY",), "元": ("CNY",), "fr": ("CHF",), "fr.": ("CHF",),
    "sfr": ("CHF",), "sfr.": ("CHF",), "zł": ("PLN",), "kč": ("CZK",), "ft": ("HUF",),
    "lei": ("RON",), "лв": ("BGN",), "лв.": ("BGN",), "₺": ("TRY",), "tl": ("TRY",),
    "₽": ("RUB",), "₴": ("UAH",), "₹": ("INR",), "₩": ("KRW",), "₫": ("VND",),
    "₪": ("ILS",), "฿": ("THB",), "kr": ("SEK", "NOK", "DKK", "ISK"),
    "kr.": ("DKK", "NOK", "SEK", "ISK"),
}  # fmt: skip
_NO_FIRST: Final = frozenset({"kr", "kr."})
"""Signs of several currencies of which none is meant more often than the others."""


def read_currency(cell: str, home: str | None = None) -> str:
    """The ISO 4217 code of a code or sign. A sign of several currencies means `home` where that is one of
    them, else the one it means most often (`$` USD, `£` GBP, `¥` JPY); CellError where it is no currency, or
    `kr` alone.
    """
    return one_currency((bare(cell),), home)


def one_currency(texts: tuple[str, ...], home: str | None) -> str:
    """The one currency that all the texts can mean, as `$` and `USD` in `$49.90 USD`; CellError for none."""
    meant = _meant_by(texts[0])
    for text in texts[1:]:
        others = _meant_by(text)
        meant = tuple(code for code in meant if code in others)
    if not meant:
        raise CellError(f"{' and '.join(map(shown, texts))} are two currencies")
    if home in meant:
        return home
    if len(meant) > 1 and texts[0].lower() in _NO_FIRST:
        raise CellError(f"{shown(texts[0])} is the sign of several currencies: {', '.join(meant)}")
    return meant[0]


def _meant_by(text: str) -> tuple[str, ...]:
    code = text.upper()
    if code in DECIMALS and len(text) == 3:
        return (code,)
    meant = _SIGNS.get(text.lower(), ())
    if not meant:
        raise CellError(f"{shown(text)} is no currency")
    return meant
