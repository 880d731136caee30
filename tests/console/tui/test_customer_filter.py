"""The filter of customers, before any is looked for."""

from __future__ import annotations

import pytest

from console.tui.customer_filter import read_customer_filter
from core.errors import ManometerError
from core.filters import FilterWord


def test_fields_identities_and_segments_can_be_asked_for() -> None:
    asked = read_customer_filter("loyalty:L-777 city:Bern segment:loyal", ("loyal",))
    assert asked == (
        FilterWord("L-777", "loyalty"),
        FilterWord("Bern", "city"),
        FilterWord("loyal", "segment"),
    )


@pytest.mark.parametrize(
    ("segments", "said"),
    [
        (("loyal",), "There is no segment 'zzz'. Segments: loyal."),
        ((), "There is no segment 'zzz'. segments.toml names them."),
    ],
)
def test_an_unknown_segment_is_said_with_those_there_are(segments: tuple[str, ...], said: str) -> None:
    with pytest.raises(ManometerError) as raised:
        read_customer_filter("segment:zzz", segments)
    assert str(raised.value) == said
