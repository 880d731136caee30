"""Countries as people and programs write them, to ISO 3166 alpha-2 codes: by code of two or three letters, or
by name in German, French, Italian and English (the names of CLDR, by babel) and as they are often written
otherwise.

Numeric codes are no countries here: shops number their countries themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from core.sources.cells import bare
from core.text_folding import spellings

_LANGUAGES: Final = ("en", "de", "fr", "it")


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CODES: Final = _codes("""
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW
    BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI
    FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN
    IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME
    MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF
    PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
    SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK
    YE YT ZA ZM ZW
""")
"""ISO 3166-1, and XK for Kosovo, which has none there."""
_OTHER_CODES: Final[Mapping[str, str]] = {
    "UK": "GB", "EL": "GR", "A": "AT", "D": "DE", "F": "FR", "I": "IT", "FL": "LI",
}  # fmt: skip
"""Codes in use that ISO 3166 does not have: Britain, Greece to the European Union, and distinguishing signs
of vehicles that stand before postal codes.
"""
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "CH": (
        "Swiss Confederation,Schweizerische Eidgenossenschaft,Confoederatio Helvetica,Suiza, "
        "Zwitserland,Svizra"
    ),
    "DE": "BRD,Bundesrepublik Deutschland,Federal Republic of Germany,Alemania,Duitsland",
    "AT": "Republic of Austria,Republik Österreich,Oostenrijk",
    "FR": "France métropolitaine,French Republic,Francia,Frankrijk,Francia Metropolitana",
    "IT": "Italian Republic,Italië",
    "LI": "Fürstentum Liechtenstein,Principality of Liechtenstein",
    "GB": (
        "Great Britain,Grossbritannien,Großbritannien,Vereinigtes Königreich Großbritannien, "
        "Grande-Bretagne,Angleterre,Gran Bretagna,Inghilterra,England,Scotland,Wales,Northern "
        "Ireland,Schottland,Nordirland,Reino Unido,United Kingdom of Great Britain and Northern "
        "Ireland,United Kingdom (UK)"
    ),
    "US": (
        "U.S.A.,U.S.,United States of America,Vereinigte Staaten von Amerika,États-Unis d'Amérique, "
        "Stati Uniti d'America,United States (US),USA (Vereinigte Staaten),Estados Unidos"
    ),
    "NL": "The Netherlands,Holland,Hollande,Olanda,Nederland,Países Bajos,Kingdom of the Netherlands",
    "ES": "España",
    "PT": "Portogallo",
    "BE": "België",
    "PL": "Polska",
    "DK": "Danmark",
    "SE": "Sverige",
    "NO": "Norge,Noreg",
    "FI": "Suomi",
    "HU": "Magyarország",
    "HR": "Hrvatska",
    "SI": "Slovenija",
    "CZ": "Czech Republic,Tschechische Republik,République tchèque,Repubblica Ceca,Česko,Česká republika",
    "SK": "Slovak Republic,Slowakische Republik,République slovaque,Slovensko",
    "GR": "Hellas,Hellenic Republic",
    "IE": "Republic of Ireland,Eire,Republik Irland",
    "LU": "Lëtzebuerg,Grand Duchy of Luxembourg",
    "RO": "România",
    "BG": "България",
    "RS": "Srbija",
    "BA": "Bosnien,Bosnia,Bosna i Hercegovina",
    "ME": "Crna Gora",
    "MK": "Macedonia,Mazedonien,Macédoine,North Macedonia,Republic of Macedonia",
    "AL": "Shqipëria",
    "TR": "Turkey,Türkei,Turquie,Turchia,Türkiye",
    "RU": "Russian Federation,Russische Föderation",
    "CN": "People's Republic of China,Volksrepublik China,PRC",
    "HK": "Hong Kong,Hongkong",
    "MO": "Macau,Macao",
    "TW": "Taiwan,Taiwan Province of China",
    "KR": "South Korea,Südkorea,Korea Republic of,Republic of Korea",
    "KP": "North Korea,Nordkorea,Korea Democratic People's Republic of",
    "VN": "Viet Nam,Vietnam",
    "AE": "UAE,U.A.E.,VAE",
    "ZA": "RSA,Republic of South Africa",
    "CI": "Ivory Coast,Côte d'Ivoire,Cote d'Ivoire",
    "CD": (
        "DR Congo,Democratic Republic of the Congo,Congo Democratic Republic of the,Congo The "
        "Democratic Republic of the"
    ),
    "CG": "Republic of the Congo",
    "SZ": "Swaziland,Swasiland",
    "CV": "Cape Verde,Cabo Verde",
    "TL": "East Timor",
    "MM": "Burma,Birma",
    "IR": "Iran Islamic Republic of",
    "SY": "Syrian Arab Republic",
    "LA": "Lao People's Democratic Republic",
    "MD": "Moldova Republic of,Moldawien",
    "BY": "White Russia,Weißrussland",
    "TZ": "Tanzania United Republic of",
    "VE": "Venezuela Bolivarian Republic of",
    "BN": "Brunei Darussalam",
    "BO": "Bolivia Plurinational State of",
    "PS": "Palestine,Palästina,State of Palestine,Palestine State of",
    "VA": "Holy See,Vatican,Holy See (Vatican City State)",
    "MF": "Saint Martin,Saint Martin (French part)",
    "SX": "Sint Maarten (Dutch part)",
    "KN": "Saint Kitts and Nevis",
    "PM": "Saint Pierre and Miquelon",
    "VC": "Saint Vincent and the Grenadines",
    "VG": "Virgin Islands British",
    "VI": "Virgin Islands U.S.",
    "FK": "Falkland Islands (Malvinas)",
    "FM": "Micronesia Federated States of",
    "PN": "Pitcairn",
    "BQ": "Bonaire Sint Eustatius and Saba",
    "TF": "French Southern Territories",
    "SH": "Saint Helena Ascension and Tristan da Cunha",
    "GS": "South Georgia and the South Sandwich Islands",
    "UM": "United States Minor Outlying Islands",
    "XK": "Kosova",
    "BR": "Brasil",
    "MX": "México",
    "JP": "Nippon",
    "IN": "Bharat",
    "GF": "Guyane française",
}
_ARTICLES: Final = ("the ", "la ", "le ", "les ", "l ", "il ", "lo ", "die ", "der ")


def country_code(value: object) -> str | None:
    """The ISO 3166 alpha-2 code of a country's code or name, whatever its case and accents; None where there
    is no such country.
    """
    return _code(value) if isinstance(value, str) and len(value) <= 128 else None


@lru_cache(maxsize=4_096)
def _code(cell: str) -> str | None:
    text = bare(cell)
    code = text.upper()
    if code in _CODES:
        return code
    if code in _OTHER_CODES:
        return _OTHER_CODES[code]
    if not text or text.isdigit():
        return None
    if len(code) == 3 and code.isascii() and (known := _by_three_letters().get(code)):
        return known
    names = _by_name()
    return next((names[name] for name in _normal(text) if name in names), None)


@lru_cache(maxsize=1)
def _by_three_letters() -> Mapping[str, str]:
    """Alpha-3 codes, which CLDR keeps as aliases."""
    from babel.core import get_global  # 50 ms, and only those who read a name or a long code need it

    aliases = get_global("territory_aliases").items()
    return {
        alias: codes[0]
        for alias, codes in aliases
        if len(alias) == 3 and alias.isalpha() and len(codes) == 1 and codes[0] in _CODES
    }


@lru_cache(maxsize=1)
def _by_name() -> Mapping[str, str]:
    """Every spelling of every name to its country; what two countries could mean is left out."""
    countries: dict[str, set[str]] = {}
    for code, name in _cldr_names():
        for spelling in _normal(name):
            countries.setdefault(spelling, set()).add(code)
    known = {spelling: codes.pop() for spelling, codes in countries.items() if len(codes) == 1}
    for code, names in _OTHER_NAMES.items():
        known.update((spelling, code) for name in names.split(",") for spelling in _normal(name))
    return known


def _cldr_names() -> Iterator[tuple[str, str]]:
    from babel import Locale

    for language in _LANGUAGES:
        for code, name in Locale(language).territories.items():
            if code in _CODES:
                yield code, name
                yield code, name.partition(" (")[0]


def _normal(name: str) -> tuple[str, ...]:
    """The spellings of a name, of letters and single blanks only, without an article."""
    return tuple(_bare_words(spelling) for spelling in spellings(name))


def _bare_words(spelling: str) -> str:
    text = spelling.replace(".", "").replace("&", " and ")
    text = " ".join("".join(letter if letter.isalpha() else " " for letter in text).split())
    for article in _ARTICLES:
        if text.startswith(article):
            return text.removeprefix(article)
    return text
