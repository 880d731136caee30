"""Identities in their one spelling; what is none is none."""

from __future__ import annotations

import pytest

from core.sources.identities import normal_email


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("Ann@X.ch", "ann@x.ch"), ("  ann@x.ch\r\n", "ann@x.ch"), ("\ufeffann@x.ch\u200b", "ann@x.ch"),
        ("\xa0ann@x.ch", "ann@x.ch"), ("ann+tea@x.co.uk", "ann+tea@x.co.uk"),
        ("jörg@müller.ch", "jörg@müller.ch"),
        ("o'neil@x.ie", "o'neil@x.ie"), ("ann@localhost", "ann@localhost"),
        ("ann", None), ("ann@", None), ("@x.ch", None), ("", None), (5, None), (None, None),
        ("ann@x.ch, bo@x.ch", None), ("ann@x.ch;bo@x.ch", None), ("Ann <ann@x.ch>", None),
        ("mailto:ann@x.ch", None), ("ann@bo@x.ch", None), ("ann@x.ch\nbo,", None), ("an\tn@x.ch", None),
        ('",5.00,n\no7,2025-05-01T10:00:00Z,o7@x.ch', None), (f"{'a' * 320}@x.ch", None),
    ],
)  # fmt: skip
def test_an_address_is_one_mailbox_and_nothing_else(written: object, address: str | None) -> None:
    assert normal_email(written) == address
