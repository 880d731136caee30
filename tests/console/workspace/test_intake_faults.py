"""Faults in the settings of the intake, as `manometer check` tells them."""

from __future__ import annotations

import pytest

from console.workspace.faults import WorkspaceError
from console.workspace.reading import read_files
from tests.console.workspace.test_workspace import MAIN, PRESSURE, SEGMENTS

PROFILE = """
[profiles.till]
kind = "orders"
[profiles.till.columns]
key = "no"
at = ["day", "time"]
amount = "total"
[profiles.till.identities]
user = "who"
"""


def files(more: str) -> dict[str, str]:
    return {"manometer.toml": MAIN + more, "pressure.toml": PRESSURE, "segments.toml": SEGMENTS}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (PROFILE + '[profiles.till.consents.email]\ncolumn = "x"\n', "unknown key `consents`, which"),
        (PROFILE.replace("at =", "ta ="), "unknown key `columns.ta`"),
        (PROFILE.replace('amount = "total"', ""), "no column says what an order comes to"),
        (PROFILE + "[profiles.till.values]\nx = 1\n", "`values.x` has to be a table"),
        ('[sources.a]\nprofile = "tll"\n' + PROFILE, "there is no profile 'tll'"),
        ('[sources.a]\nprofil = "till"\n' + PROFILE, "a folder has no setting `profil`"),
    ],
)
def test_what_would_be_ignored_is_a_fault(more: str, said: str) -> None:
    with pytest.raises(WorkspaceError) as caught:
        read_files(files(more), templates=True)
    (fault, *_) = [fault for fault in caught.value.faults if said in fault.message]
    assert fault.file == "manometer.toml"
    assert fault.line is not None


def test_sound_profiles_and_sources_are_no_faults() -> None:
    more = '[sources.a]\nprofile = "till"\n[sources.b]\nprofile = "customers"\npath = "x"\n' + PROFILE
    assert read_files(files(more), templates=True).warnings == ()


@pytest.mark.parametrize(
    ("profile", "country", "warned"),
    [
        (PROFILE, "", False),
        (PROFILE + 'phone = "tel"\n', "", True),
        (PROFILE + 'phone = "tel"\n', 'country = "CH"\n', False),
        (PROFILE + '[profiles.till.traits]\nphone = "tel"\n', "", True),
    ],
)
def test_phones_without_a_country_are_a_warning(profile: str, country: str, warned: bool) -> None:
    given = files(profile)
    given["manometer.toml"] = given["manometer.toml"].replace("[workspace]\n", f"[workspace]\n{country}", 1)
    found = read_files(given, templates=True).warnings
    assert ["no country" in warning.message for warning in found] == [True] * warned
