"""Countries by name in four languages and by code."""

from __future__ import annotations

import subprocess
import sys

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from core.sources.countries import country_code


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("CH", "CH"), ("ch", "CH"), ("CHE", "CH"), ("che", "CH"), (" ch ", "CH"), ("Schweiz", "CH"),
        ("Suisse", "CH"),
        ("SVIZZERA", "CH"), ("Switzerland", "CH"), ("Deutschland", "DE"), ("Allemagne", "DE"),
        ("Germania", "DE"),
        ("DEU", "DE"), ("D", "DE"), ("A", "AT"), ("FL", "LI"), ("Österreich", "AT"), ("Oesterreich", "AT"),
        ("osterreich", "AT"), ("Autriche", "AT"), ("USA", "US"), ("U.S.A.", "US"), ("United States", "US"),
        ("United States of America", "US"), ("Etats-Unis", "US"), ("États-Unis d’Amérique", "US"),
        ("UK", "GB"),
        ("Great Britain", "GB"), ("Großbritannien", "GB"), ("GROSSBRITANNIEN", "GB"), ("England", "GB"),
        ("Northern Ireland", "GB"), ("United Kingdom (UK)", "GB"), ("The Netherlands", "NL"),
        ("Pays-Bas", "NL"),
        ("Holland", "NL"), ("Côte d’Ivoire", "CI"), ("Cote d'Ivoire", "CI"), ("Bosnia and Herzegovina", "BA"),
        ("Bosnia & Herzegovina", "BA"), ("Türkei", "TR"), ("Türkiye", "TR"), ("Turkey", "TR"),
        ("Hong Kong", "HK"),
        ("Korea, Republic of", "KR"), ("Russian Federation", "RU"), ("Czech Republic", "CZ"),
        ("Tschechien", "CZ"),
        ("Česko", "CZ"), ("Myanmar", "MM"), ("Kosovo", "XK"), ("España", "ES"),
        ("Saint Kitts and Nevis", "KN"),
        ("Georgia", "GE"), ("EL", "GR"),
        ("", None), ("756", None), ("1", None), ("Atlantis", None), ("Congo", None), ("Korea", None),
        ("XXX", None),
        ("America", None), ("null", None), ("-", None), (None, None), (41, None), ("x" * 500, None),
        ("Bern", None),
    ],
)  # fmt: skip
def test_a_country_is_known_by_code_and_by_name(cell: object, code: str | None) -> None:
    assert country_code(cell) == code


@pytest.mark.parametrize("language", ["de", "fr", "it", "en"])
def test_every_country_is_known_by_its_name_in_four_languages(language: str) -> None:
    names = Locale(language).territories
    unknown = {
        name: code for code, name in names.items() if len(code) == 2 and country_code(code) == code and
        country_code(name) != code
    }  # fmt: skip
    assert unknown == {}


def test_names_are_loaded_by_the_first_name_only() -> None:
    code = "import sys; from core.sources.countries import country_code; country_code('ch')"
    subprocess.run([sys.executable, "-c", f"{code}; assert 'babel' not in sys.modules"], check=True)


@given(st.text(max_size=40))
def test_any_text_is_a_country_or_none(cell: str) -> None:
    code = country_code(cell)
    assert code is None or country_code(code) == code
