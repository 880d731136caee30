"""Identities as sources write them, in the one spelling under which they are kept: placeholders are none, a
user id has the namespace of its source, and phone numbers are E.164.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from core.people import USER, IdentityRules
from core.placeholders import identifying_text, is_placeholder
from core.sources.phones import read_phone

LONGEST: Final = 512
LONGEST_PUSH: Final = 2_048


@dataclass(frozen=True, slots=True)
class IdentityReading:
    """How the identities of a source are read."""

    namespace: str = ""
    """Of its user ids; the default one has no name."""
    namespaces: tuple[str, ...] = ()
    """All that have a name, as they are declared."""
    region: str | None = None
    """The ISO code of the country of phone numbers without an international prefix."""
    ignored: frozenset[str] = frozenset()
    """Further placeholders, as `ignored_words` gives them."""

    def text(self, value: object, longest: int = LONGEST) -> str | None:
        """A value by which somebody is known; None where it says nothing."""
        known = _known_text if type(value) is str and len(value) <= _LONGEST_KEPT else identifying_text
        text = known(value, self.ignored)
        return text if text is not None and len(text) <= longest else None

    def user(self, value: object) -> str | None:
        """A user id, as NAMESPACE:ID in a named namespace; None for a placeholder."""
        text = self.text(value)
        if text is None:
            return None
        if self.namespace:
            return f"{self.namespace}:{text}"
        is_taken = bool(self.namespaces) and text.partition(":")[0] in self.namespaces and ":" in text
        return f"{USER}:{text}" if is_taken else text

    def email(self, value: object) -> str | None:
        """A mail address in lower case; None where it is none, or a placeholder."""
        address = normal_email(value)
        return None if address is None or is_placeholder(address, self.ignored) else address

    def phone(self, value: object) -> str | None:
        """A possible phone number in the form of E.164, with its extension; None where it is none."""
        if self.ignored and is_placeholder(value, self.ignored):
            return None
        number = read_phone(value, self.region)
        return None if number is None else number.identity

    def phone_number(self, value: object) -> str | None:
        """The same without its extension, as messages are sent to it."""
        number = self.phone(value)
        return None if number is None else number.partition(";")[0]

    def identity(self, kind: str, value: object) -> str | None:
        """An identity of any kind; None where the value cannot be one."""
        if kind == USER:
            return self.user(value)
        if kind == "email":
            return self.email(value)
        if kind == "phone":
            return self.phone(value)
        return self.text(value, LONGEST_PUSH if kind == "push" else LONGEST)


USUAL: Final = IdentityReading()


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """What a workspace says of identities."""

    rules: IdentityRules = field(default_factory=IdentityRules)
    region: str | None = None
    """The workspace's country, an ISO code."""
    ignored: frozenset[str] = frozenset()
    namespaces: Mapping[str, str] = field(default_factory=dict)
    """Of the user ids of each source that names one."""

    def reading_of(self, source: str) -> IdentityReading:
        """How the identities of a source are read."""
        return IdentityReading(
            self.namespaces.get(source, ""), self.rules.namespaces, self.region, self.ignored
        )


_AROUND: Final = "\ufeff\u200b\u200c\u200d\u2060 \t\r\n"
"""Signs that come along unseen where an address was copied."""
_PART: Final = r'[^\s@,;:<>()\[\]"\\\x00-\x20\x7f]+'
_ADDRESS: Final = re.compile(f"{_PART}@{_PART}")
_LONGEST_KEPT: Final = 64
_known_text: Final = lru_cache(maxsize=16_384)(identifying_text)
"""The same few come again and again."""


def normal_email(value: object) -> str | None:
    """A mail address in lower case without blanks around it; None where it is no single `@` between two
    parts, such as a list of addresses or a name with its address.
    """
    if not isinstance(value, str):
        return None
    address = value.strip(_AROUND).strip().lower()
    return address if len(address) <= 320 and _ADDRESS.fullmatch(address) else None
