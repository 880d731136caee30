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
