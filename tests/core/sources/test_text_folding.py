"""Folding: every way in which people type a name finds every way in which it is written."""

from __future__ import annotations

import pytest

from core.text_folding import folded, shortened, spellings

NAMES = {
    "Müller": ("muller", "mueller", "MÜLLER", "mu\u0308ller", "Mull", "muelle"),
    "Zürich": ("zurich", "zuerich", "züri"),
    "Genève": ("geneve", "GENÈVE", "gene"),
    "Cédric": ("cedric", "cédric"),
    "Weiß": ("weiss", "weiß", "WEISS"),
    "Łódź": ("lodz", "łódź"),
    "Jørgensen": ("jorgensen", "joergensen", "jørgen"),
    "Åsa Lönn": ("asa lonn", "aasa", "loenn"),
    "Lœtitia Æbi": ("loetitia aebi",),
    "Mueller": ("mueller", "müller"),
    "Κώστας": ("κωστας",),
    "O'Neil 3": ("o'neil 3",),
}


@pytest.mark.parametrize(
    ("written", "typed"), [(written, typed) for written, all_typed in NAMES.items() for typed in all_typed]
)
def test_a_name_is_found_however_it_is_typed(written: str, typed: str) -> None:
    assert any(spelling in folded(written) for spelling in spellings(typed))


@pytest.mark.parametrize(
    ("written", "typed"), [("Moser", "möser!"), ("Jo", "joe"), ("Paul", "sue"), ("Muller", "mueller")]
)
def test_what_only_looks_alike_is_not_taken_for_it(written: str, typed: str) -> None:
    assert not any(spelling in folded(written) for spelling in spellings(typed))


def test_a_plain_text_has_one_spelling_and_the_shorter_one_comes_first() -> None:
    assert spellings("Keller") == ("keller",)
    assert folded("Müller") == "muller\nmueller"
    assert shortened("mueller") == "muller"
