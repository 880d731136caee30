"""Phone numbers as people and programs write them, to E.164, by the phonenumbers library (a port of Google's
libphonenumber).

Any *possible* number is taken, one that has the length of its country's numbers: plans change faster than
libraries. A number in scientific notation is none, since a spreadsheet has dropped its last digits, and so is
one whose digits are all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple
from unicodedata import normalize

from core.sources.cells import bare


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A possible phone number."""

    e164: str
    extension: str | None = None

    @property
    def identity(self) -> str:
        """What the number says of who it is: behind one switchboard each extension is somebody else."""
        return self.e164 if self.extension is None else f"{self.e164};ext={self.extension}"


_LONGEST: Final = 64
_WRITTEN: Final = re.compile(
    r"(?P<number>\+?[0-9 ()./\-\u2010-\u2015\u00b7]{3,})"
    r"(?P<extension>\s*(?:;ext=|,?\s*(?:extension|ext|x|durchwahl|dw|poste|interno|int|app)[.:]?|#)\s*[0-9]{1,7})?",
    re.IGNORECASE,
)
_SCHEMES: Final = re.compile(
    r"tel:|(?:phone|telephone|telefon|téléphone|tél|tel|mobile|mobil|handy)\s*[.:]+", re.IGNORECASE
)
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_WHOLE_FLOAT: Final = re.compile(r"([0-9]{6,15})\.0+")
_LARGEST_EXACT: Final = 2**53
_ROUND: Final = 100_000
"""A float that ends in five zeros has lost its last digits in a spreadsheet."""


def read_phone(value: object, region: str | None) -> PhoneNumber | None:
    """The number of a cell or JSON value; None where it is no possible number, to be kept as unreadable.

    `region` (an ISO 3166 code) is the country of numbers without an international prefix; without it only `+`
    and `00`, which stands for the plus everywhere, are read. `(0)` behind the country's code is passed over.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int) and 0 < value < 10**18:
        return _read(str(value), region)
    if isinstance(value, float) and 0 < value < _LARGEST_EXACT and value.is_integer() and value % _ROUND:
        return _read(str(int(value)), region)
    return _read(value, region) if isinstance(value, str) and len(value) <= _LONGEST else None


@lru_cache(maxsize=16_384)
def _read(cell: str, region: str | None) -> PhoneNumber | None:
    return PhoneNumber(cell) if _E164.fullmatch(cell) and _is_plain(cell) else _read_written(cell, region)


def _is_plain(number: str) -> bool:
    """Whether a number in the form of E.164 is possible as it stands, told from its country's plan alone:
    most numbers have that form, and parsing takes thirty times as long.
    """
    for length in (1, 2, 3):
        plan = _plan(int(number[1 : 1 + length]))
        if plan is not None:
            national = number[1 + length :]
            return (
                len(national) in plan.lengths and not plan.prefix.match(national) and len(set(national)) > 1
            )
    return False


class _Plan(NamedTuple):
    lengths: frozenset[int]
    prefix: re.Pattern[str]  # what parsing would take away from the front of a national number


@lru_cache(maxsize=512)
def _plan(country_code: int) -> _Plan | None:
    import phonenumbers

    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(country_code)
    if regions is None:
        return None
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(country_code, regions[0])
    if metadata is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    return _Plan(
        frozenset(metadata.general_desc.possible_length), re.compile(f"0|{prefix}" if prefix else "0")
    )


def _read_written(cell: str, region: str | None) -> PhoneNumber | None:
    text = normalize("NFKC", _SCHEMES.sub("", bare(cell), count=1)).strip()
    if whole := _WHOLE_FLOAT.fullmatch(text):
        text = whole[1]
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return None
    number = match["number"].strip(" ./-")
    if number.lstrip("(").startswith("00"):
        number = "+" + number.lstrip("(")[2:]
    extension = (match["extension"] or "").replace(";ext=", " ext. ")
    if region is not None and "1" <= number[:1] <= "9" and _may_lack_a_plus(number, region):
        return None
    return _parsed(number + extension, region)


def _may_lack_a_plus(number: str, region: str) -> bool:
    """Whether digits that lack the leading zero of the region are a valid number of another country, the plus
    of which was lost: 41791234567 in a German list.
    """
    import phonenumbers

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.national_prefix != "0":
        return False
    try:
        abroad = phonenumbers.parse("+" + number, None)
    except phonenumbers.NumberParseException:
        return False
    return abroad.country_code != metadata.country_code and phonenumbers.is_valid_number(abroad)


def _parsed(text: str, region: str | None) -> PhoneNumber | None:
    import phonenumbers  # 40 ms, and only those who read a phone number need it

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    # A number that is possible locally only lacks its area code, and is somebody else in each area.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    if len(set(str(number.national_number))) == 1:
        return None
    extension, number.extension = number.extension or None, None
    return PhoneNumber(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), extension)
