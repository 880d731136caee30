"""Instants, durations, time zones: UTC milliseconds inside, local time only at the edges."""

import re
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

Instant: TypeAlias = int
"""Milliseconds since 1970-01-01T00:00:00Z."""
Millis: TypeAlias = int
"""A length of elapsed time in milliseconds."""

SECOND: Final[Millis] = 1_000
MINUTE: Final[Millis] = 60 * SECOND
HOUR: Final[Millis] = 60 * MINUTE
DAY: Final[Millis] = 24 * HOUR

EARLIEST: Final[Instant] = -30_610_224_000_000
"""1000-01-01T00:00:00Z, the first instant that is read; it leaves room for windows that reach back."""
LATEST: Final[Instant] = 221_845_392_000_000
"""9000-01-01T00:00:00Z, the last one; it leaves room for delays and periods that reach on."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the origin of local wall-clock time, which has no zone
_EPOCH_ORDINAL = 719_163
_LONGEST_DURATION: Millis = 36_525 * DAY
_UNITS: dict[str, Millis] = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_DURATION = re.compile(r"(-?)([0-9]{1,12})([smhdw])")
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
_HOST_DEPENDENT = ("localtime", "posixrules", "Factory", "right/", "posix/")
_CLOCK_CHANGE_REACH = 3 * HOUR
_FAR = "years go from 1000 to 8999"


# ---- text to instants and back ----


def parse_instant(text: str, zone: ZoneInfo | None = None) -> Instant:
    """The instant of an ISO 8601 text with `Z` or an offset, `t` and `z` also small, as RFC 3339 allows; one
    without is read as local time of `zone`; ValueError in words otherwise.
    """
    try:
        text = text.strip()
        moment = datetime.fromisoformat(f"{text[:-1]}Z" if text.endswith("z") else text)
    except ValueError as error:
        raise ValueError(_not_an_instant(text, _in_words(error))) from None
    except AttributeError:
        raise ValueError(_not_an_instant(text, "it is not a text")) from None
    if len(text) > 10 and text[4] == "-" and text[10] not in "Tt " and text[5] != "W":
        raise ValueError(_not_an_instant(text, "date and time are parted by a T"))
    at = _of_naive(moment, zone, text) if moment.tzinfo is None else _millis(moment - _EPOCH)
    if not EARLIEST <= at <= LATEST:
        raise ValueError(_not_an_instant(text, _FAR))
    return at


def _of_naive(moment: datetime, zone: ZoneInfo | None, text: str) -> Instant:
    if zone is None:
        raise ValueError(_not_an_instant(text, "it has no time zone"))
    if moment.year in (MINYEAR, MAXYEAR):  # no zone can be reckoned with at the ends of the calendar
        raise ValueError(_not_an_instant(text, _FAR))
    return from_local(moment, zone)


def _not_an_instant(text: object, reason: str) -> str:
    shown = str(text)[:60]
    return (
        f"{shown!r} is not an instant: {reason}. Write it like 2024-03-31T08:00:00Z or "
        "2024-03-31T10:00:00+02:00."
    )


def _in_words(error: ValueError) -> str:
    sentence = str(error)
    if sentence.startswith("Invalid isoformat"):
        return "it is not an ISO 8601 date and time"
    return sentence[:1].lower() + sentence[1:]


def _millis(length: timedelta) -> Millis:
    return length.days * DAY + length.seconds * SECOND + length.microseconds // 1_000


def format_instant(at: Instant) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ`, floored to the second."""
    day, rest = divmod(at // SECOND, 86_400)
    hour, rest = divmod(rest, 3_600)
    return "%sT%02d:%02d:%02dZ" % (_iso_day(day), hour, rest // 60, rest % 60)  # noqa: UP031 - twice as fast as an f-string


def rounded_up(at: Instant) -> Instant:
    """The first whole second that is not before: what waits for an instant is free at its printed one."""
    return -(-at // SECOND) * SECOND


@lru_cache(maxsize=16_384)
def _iso_day(day: int) -> str:
    return date.fromordinal(_EPOCH_ORDINAL + day).isoformat()


def parse_duration(text: str, *, signed: bool = False) -> Millis:
    """The length of `90s`, `15m`, `16h`, `7d` or `2w` (a day is 86,400 s), with a leading minus only if
    `signed`; ValueError in words.
    """
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None or (match[1] and not signed):
        raise ValueError(
            f"{str(text)[:60]!r} is not a duration. Write a whole number and a unit: 90s, 15m, 16h, 7d or "
            "2w (m is minutes)."
        )
    length = int(match[2]) * _UNITS[match[3]]
    if length > _LONGEST_DURATION:
        raise ValueError(f"{text!r} is longer than 100 years. Write a shorter duration, such as 365d.")
    return -length if match[1] else length


def format_duration(length: Millis) -> str:
    """The shortest text in one unit that says the length exactly, e.g. `7d`, `36h`, `90m`; parts of a second
    as `1.5s`.
    """
    for unit in "dhm":
        if length and length % _UNITS[unit] == 0:
            return f"{length // _UNITS[unit]}{unit}"
    return f"{length / SECOND:g}s" if length % SECOND else f"{length // SECOND}s"


# ---- zones ----


@lru_cache(maxsize=4_096)
def find_zone(name: str | None) -> ZoneInfo | None:
    """The IANA zone of that name; None where there is none, or where the name is a path or depends on the
    host.
    """
    if (
        not isinstance(name, str)
        or not _ZONE_NAME.fullmatch(name)
        or name.startswith(_HOST_DEPENDENT)
        or len(name) > 64
    ):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def offset(at: Instant, zone: ZoneInfo) -> Millis:
    """How far the local clock of the zone is ahead of UTC at that instant."""
    plain = _plain_offset(at // DAY, zone)
    return _exact_offset(at, zone) if plain is None else plain


@lru_cache(maxsize=65_536)
def _plain_offset(utc_day: int, zone: ZoneInfo) -> Millis | None:
    """The one offset of a UTC day; None where the clock changes within it or shortly before."""
    start = utc_day * DAY
    before, last = _exact_offset(start - _CLOCK_CHANGE_REACH, zone), _exact_offset(start + DAY - 1, zone)
    return last if before == last else None


def _exact_offset(at: Instant, zone: ZoneInfo) -> Millis:
    length = local(at, zone).utcoffset()
    assert length is not None
    return _millis(length)


def local(at: Instant, zone: ZoneInfo) -> datetime:
    """The local date and time of the zone at that instant, aware."""
    return (_EPOCH + timedelta(milliseconds=at)).astimezone(zone)


def from_local(naive: datetime, zone: ZoneInfo) -> Instant:
    """The instant at which the local clock shows it: the first of two; the end of the gap where the clock
    never does.
    """
    shown = _millis(naive.replace(tzinfo=None) - _NAIVE_EPOCH)
    ahead = naive.replace(tzinfo=zone, fold=0).utcoffset()
    assert ahead is not None
    at = shown - _millis(ahead)
    return at if at + offset(at, zone) == shown else _gap_end(at, zone)


def _gap_end(after: Instant, zone: ZoneInfo) -> Instant:
    """The latest change of the clock at or before `after`; clocks change on whole seconds, and gaps are no
    longer than two days.
    """
    low, high = (after - 2 * DAY) // SECOND, -(-after // SECOND)
    ahead = _exact_offset(high * SECOND, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _exact_offset(middle * SECOND, zone) == ahead:
            high = middle
        else:
            low = middle
    return high * SECOND


@lru_cache(maxsize=65_536)
def day_start(day: date, zone: ZoneInfo) -> Instant:
    """The first instant of that local day, also where a clock change leaves out its midnight."""
    return from_local(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001 - local wall-clock time


def local_date(at: Instant, zone: ZoneInfo) -> date:
    """The latest local day that has begun at that instant, also where a clock set back over midnight shows
    the old one.
    """
    plain = _plain_offset(at // DAY, zone)
    if plain is not None:
        return _date((at + plain) // DAY)
    day = _date((at + _exact_offset(at, zone)) // DAY)
    following = day + timedelta(days=1)
    return following if day_start(following, zone) <= at else day


@lru_cache(maxsize=16_384)
def _date(days: int) -> date:
    return date.fromordinal(_EPOCH_ORDINAL + days)


# ---- countries ----

COUNTRY_ZONES: Final = MappingProxyType({
    "AD": "Europe/Andorra", "AE": "Asia/Dubai", "AF": "Asia/Kabul", "AG": "America/Antigua",
    "AI": "America/Anguilla",
    "AL": "Europe/Tirane", "AM": "Asia/Yerevan", "AO": "Africa/Luanda", "AS": "Pacific/Pago_Pago",
    "AT": "Europe/Vienna",
    "AW": "America/Aruba", "AX": "Europe/Mariehamn", "AZ": "Asia/Baku", "BA": "Europe/Sarajevo",
    "BB": "America/Barbados",
    "BD": "Asia/Dhaka", "BE": "Europe/Brussels", "BF": "Africa/Ouagadougou", "BG": "Europe/Sofia",
    "BH": "Asia/Bahrain",
    "BI": "Africa/Bujumbura", "BJ": "Africa/Porto-Novo", "BL": "America/St_Barthelemy",
    "BM": "Atlantic/Bermuda",
    "BN": "Asia/Brunei", "BO": "America/La_Paz", "BQ": "America/Kralendijk", "BS": "America/Nassau",
    "BT": "Asia/Thimphu",
    "BW": "Africa/Gaborone", "BY": "Europe/Minsk", "BZ": "America/Belize", "CC": "Indian/Cocos",
    "CF": "Africa/Bangui",
    "CG": "Africa/Brazzaville", "CH": "Europe/Zurich", "CI": "Africa/Abidjan", "CK": "Pacific/Rarotonga",
    "CM": "Africa/Douala",
    "CO": "America/Bogota", "CR": "America/Costa_Rica", "CU": "America/Havana", "CV": "Atlantic/Cape_Verde",
    "CW": "America/Curacao",
    "CX": "Indian/Christmas", "CZ": "Europe/Prague", "DE": "Europe/Berlin", "DJ": "Africa/Djibouti",
    "DK": "Europe/Copenhagen",
    "DM": "America/Dominica", "DO": "America/Santo_Domingo", "DZ": "Africa/Algiers", "EE": "Europe/Tallinn",
    "EG": "Africa/Cairo",
    "EH": "Africa/El_Aaiun", "ER": "Africa/Asmara", "ET": "Africa/Addis_Ababa", "FI": "Europe/Helsinki",
    "FJ": "Pacific/Fiji",
    "FK": "Atlantic/Stanley", "FO": "Atlantic/Faroe", "FR": "Europe/Paris", "GA": "Africa/Libreville",
    "GB": "Europe/London",
    "GD": "America/Grenada", "GE": "Asia/Tbilisi", "GF": "America/Cayenne", "GG": "Europe/Guernsey",
    "GH": "Africa/Accra",
    "GI": "Europe/Gibraltar", "GM": "Africa/Banjul", "GN": "Africa/Conakry", "GP": "America/Guadeloupe",
    "GQ": "Africa/Malabo",
    "GR": "Europe/Athens", "GS": "Atlantic/South_Georgia", "GT": "America/Guatemala", "GU": "Pacific/Guam",
    "GW": "Africa/Bissau",
    "GY": "America/Guyana", "HK": "Asia/Hong_Kong", "HN": "America/Tegucigalpa", "HR": "Europe/Zagreb",
    "HT": "America/Port-au-Prince", "HU": "Europe/Budapest", "IE": "Europe/Dublin", "IL": "Asia/Jerusalem",
    "IM": "Europe/Isle_of_Man", "IN": "Asia/Kolkata", "IO": "Indian/Chagos", "IQ": "Asia/Baghdad",
    "IR": "Asia/Tehran",
    "IS": "Atlantic/Reykjavik", "IT": "Europe/Rome", "JE": "Europe/Jersey", "JM": "America/Jamaica",
    "JO": "Asia/Amman",
    "JP": "Asia/Tokyo", "KE": "Africa/Nairobi", "KG": "Asia/Bishkek", "KH": "Asia/Phnom_Penh",
    "KM": "Indian/Comoro",
    "KN": "America/St_Kitts", "KP": "Asia/Pyongyang", "KR": "Asia/Seoul", "KW": "Asia/Kuwait",
    "KY": "America/Cayman",
    "LA": "Asia/Vientiane", "LB": "Asia/Beirut", "LC": "America/St_Lucia", "LI": "Europe/Vaduz",
    "LK": "Asia/Colombo",
    "LR": "Africa/Monrovia", "LS": "Africa/Maseru", "LT": "Europe/Vilnius", "LU": "Europe/Luxembourg",
    "LV": "Europe/Riga",
    "LY": "Africa/Tripoli", "MA": "Africa/Casablanca", "MC": "Europe/Monaco", "MD": "Europe/Chisinau",
    "ME": "Europe/Podgorica",
    "MF": "America/Marigot", "MG": "Indian/Antananarivo", "MK": "Europe/Skopje", "ML": "Africa/Bamako",
    "MM": "Asia/Yangon",
    "MO": "Asia/Macau", "MP": "Pacific/Saipan", "MQ": "America/Martinique", "MR": "Africa/Nouakchott",
    "MS": "America/Montserrat",
    "MT": "Europe/Malta", "MU": "Indian/Mauritius", "MV": "Indian/Maldives", "MW": "Africa/Blantyre",
    "MZ": "Africa/Maputo",
    "NA": "Africa/Windhoek", "NC": "Pacific/Noumea", "NE": "Africa/Niamey", "NF": "Pacific/Norfolk",
    "NG": "Africa/Lagos",
    "NI": "America/Managua", "NL": "Europe/Amsterdam", "NO": "Europe/Oslo", "NP": "Asia/Kathmandu",
    "NR": "Pacific/Nauru",
    "NU": "Pacific/Niue", "OM": "Asia/Muscat", "PA": "America/Panama", "PE": "America/Lima",
    "PH": "Asia/Manila",
    "PK": "Asia/Karachi", "PL": "Europe/Warsaw", "PM": "America/Miquelon", "PN": "Pacific/Pitcairn",
    "PR": "America/Puerto_Rico",
    "PW": "Pacific/Palau", "PY": "America/Asuncion", "QA": "Asia/Qatar", "RE": "Indian/Reunion",
    "RO": "Europe/Bucharest",
    "RS": "Europe/Belgrade", "RW": "Africa/Kigali", "SA": "Asia/Riyadh", "SB": "Pacific/Guadalcanal",
    "SC": "Indian/Mahe",
    "SD": "Africa/Khartoum", "SE": "Europe/Stockholm", "SG": "Asia/Singapore", "SH": "Atlantic/St_Helena",
    "SI": "Europe/Ljubljana",
    "SJ": "Arctic/Longyearbyen", "SK": "Europe/Bratislava", "SL": "Africa/Freetown",
    "SM": "Europe/San_Marino", "SN": "Africa/Dakar",
    "SO": "Africa/Mogadishu", "SR": "America/Paramaribo", "SS": "Africa/Juba", "ST": "Africa/Sao_Tome",
    "SV": "America/El_Salvador",
    "SX": "America/Lower_Princes", "SY": "Asia/Damascus", "SZ": "Africa/Mbabane", "TC": "America/Grand_Turk",
    "TD": "Africa/Ndjamena", "TF": "Indian/Kerguelen", "TG": "Africa/Lome", "TH": "Asia/Bangkok",
    "TJ": "Asia/Dushanbe",
    "TK": "Pacific/Fakaofo", "TL": "Asia/Dili", "TM": "Asia/Ashgabat", "TN": "Africa/Tunis",
    "TO": "Pacific/Tongatapu",
    "TR": "Europe/Istanbul", "TT": "America/Port_of_Spain", "TV": "Pacific/Funafuti", "TW": "Asia/Taipei",
    "TZ": "Africa/Dar_es_Salaam", "UG": "Africa/Kampala", "UY": "America/Montevideo", "VA": "Europe/Vatican",
    "VC": "America/St_Vincent", "VE": "America/Caracas", "VG": "America/Tortola", "VI": "America/St_Thomas",
    "VN": "Asia/Ho_Chi_Minh", "VU": "Pacific/Efate", "WF": "Pacific/Wallis", "WS": "Pacific/Apia",
    "YE": "Asia/Aden",
    "YT": "Indian/Mayotte", "ZA": "Africa/Johannesburg", "ZM": "Africa/Lusaka", "ZW": "Africa/Harare",
})  # fmt: skip
"""ISO 3166 code to its one zone, after tzdata's zone.tab; countries with several are left out (Germany's two
agree since 1981).
"""

_COUNTRY_NAMES: Final = MappingProxyType({
    "albania": "AL", "austria": "AT", "bahrain": "BH", "belgium": "BE", "bosnia and herzegovina": "BA",
    "bulgaria": "BG",
    "croatia": "HR", "czech republic": "CZ", "czechia": "CZ", "denmark": "DK", "eire": "IE", "england": "GB",
    "estonia": "EE",
    "finland": "FI", "france": "FR", "germany": "DE", "deutschland": "DE", "great britain": "GB",
    "greece": "GR",
    "hong kong": "HK", "hungary": "HU", "iceland": "IS", "ireland": "IE", "israel": "IL", "italy": "IT",
    "italia": "IT",
    "japan": "JP", "latvia": "LV", "lebanon": "LB", "liechtenstein": "LI", "lithuania": "LT",
    "luxembourg": "LU",
    "malta": "MT", "monaco": "MC", "montenegro": "ME", "netherlands": "NL", "north macedonia": "MK",
    "norway": "NO",
    "österreich": "AT", "poland": "PL", "romania": "RO", "rsa": "ZA", "saudi arabia": "SA", "schweiz": "CH",
    "scotland": "GB",
    "serbia": "RS", "singapore": "SG", "slovakia": "SK", "slovenia": "SI", "south africa": "ZA",
    "suisse": "CH", "svizzera": "CH",
    "sweden": "SE", "switzerland": "CH", "turkey": "TR", "uk": "GB", "united arab emirates": "AE",
    "united kingdom": "GB",
})  # fmt: skip


def zone_of_country(country: str | None) -> ZoneInfo | None:
    """The zone of a country given by ISO code or English name, where it has exactly one; else None."""
    if not isinstance(country, str):
        return None
    code = country.strip().upper()
    return find_zone(COUNTRY_ZONES.get(code) or COUNTRY_ZONES.get(_COUNTRY_NAMES.get(code.lower(), "")))
