"""An address as a person or a list writes it, with the medium that it belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from core.sources.segment import address_for, consent_channel

_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()/.\u00a0\u202f-]{4,30}")
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class ListedAddress:
    """One address, with the medium that it belongs to."""

    medium: str
    address: str


def listed_address(written: str, named: str = "") -> ListedAddress | None:
    """The address in the spelling under which it is kept; None where it is none. `named` is the medium that
    stands beside it; without one what has an @ is a mail address, and a number a phone.
    """
    value = written.strip().strip('"')
    medium = consent_channel(named) or ("email" if "@" in value else "sms")
    is_phone = medium not in ("sms", "whatsapp") or _PHONE.fullmatch(value) is not None
    address = address_for(medium, value) if value and is_phone else None
    return None if address is None else ListedAddress(medium, address)


def no_address(written: str, named: str = "") -> str:
    """Why something written is no address."""
    value, said = written.strip().strip('"'), consent_channel(named)
    wanted = "neither a mail address nor a phone number" if said is None else f"no address for {said}"
    return f"{value[:_SHOWN]!r} is {wanted}" if value else "no address"
