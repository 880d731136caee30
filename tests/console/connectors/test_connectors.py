"""Connectors: a new one is one file, its settings are checked, and its files are taken in once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from console import connectors
from console.connectors import connector_class, connector_kinds
from console.intake.dropfolder import DropFolder, ImportedFile
from console.intake.files import IntakeSettings
from console.workspace.faults import WorkspaceError
from console.workspace.reading import read_files
from core.instants import parse_instant
from core.sources.connector import SourceSettings
from storage.store import Store
from tests.console.lives import FILES, SETTINGS, act, person

NOON = parse_instant("2025-03-05T11:00:00Z")
NUMBERED = '''
"""Files 1.ndjson, 2.ndjson and so on, taken up to a number that is written down."""

from pathlib import Path

from core.model.configurable import Setting, SettingFault
from core.sources.connector import SourceFile


class NumberedConnector:
    kind = "numbered"
    known_settings = (Setting("exports", "text", "the folder of the numbered files", required=True),)

    @classmethod
    def setting_faults(cls, settings):
        if str(settings["exports"]).startswith("/"):
            yield SettingFault("exports", "`exports` leaves the workspace", "Name a folder within it.")

    @classmethod
    def of(cls, source, workspace, steady):
        return cls(source.name, workspace / str(source.settings["exports"]))

    def __init__(self, name, folder):
        self.place = str(folder)
        self.name, self.folder, self.watermark = name, folder, folder / "taken"

    def ready(self, now):
        taken = int(self.watermark.read_text()) if self.watermark.exists() else 0
        known = sorted(int(path.stem) for path in self.folder.glob("*.ndjson"))
        return [SourceFile(self.folder / f"{each}.ndjson", self.name) for each in known if each > taken]

    def begin(self, file):
        pass

    def acknowledge(self, file):
        self.watermark.write_text(file.path.stem)

    def reject(self, file, reason):
        self.acknowledge(file)
'''


def forget_connectors() -> None:
    connector_kinds.cache_clear()
    connector_class.cache_clear()
    sys.modules.pop("console.connectors.numbered", None)


@pytest.fixture
def numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A connector in one file that is added to the folder of connectors, and the folder of its exports."""
    added, exports = tmp_path / "added", tmp_path / "exports"
    for folder in (added, exports):
        folder.mkdir()
    (added / "numbered.py").write_text(NUMBERED)
    monkeypatch.setattr(connectors, "__path__", [*connectors.__path__, str(added)])
    forget_connectors()
    yield exports
    monkeypatch.undo()
    forget_connectors()


def faults(line: str) -> list[str]:
    files = {**FILES, "manometer.toml": f'{SETTINGS}\n[sources.till]\nkind = "numbered"\n{line}\n'}
    with pytest.raises(WorkspaceError) as refused:
        read_files(files)
    return str(refused.value).splitlines()


def test_what_is_shipped_is_found_by_its_file() -> None:
    assert connector_kinds() == ("folder",)
    assert connector_class("webhook") is None


def test_the_settings_that_a_connector_knows_are_checked(numbered: Path) -> None:
    assert connector_kinds() == ("folder", "numbered")
    assert "It is the folder of the numbered files" in faults("")[0]
    assert "`exports` leaves the workspace" in faults('exports = "/var"')[0]
    assert "exportz" in "\n".join(faults('exports = "exports"\nexportz = 1'))


def test_its_files_are_taken_in_order_and_once_however_often_a_pass_is_begun_anew(
    numbered: Path, tmp_path: Path
) -> None:
    sources = {"till": SourceSettings("till", "numbered", settings={"exports": "exports"})}
    settings = IntakeSettings(ZoneInfo("UTC"), tmp_path / "rejects")
    calls = [person("anna"), act("anna", "Product Viewed", "2025-03-01T10:00:00Z")]
    for number in (2, 10):
        (numbered / f"{number}.ndjson").write_text("".join(json.dumps(call) + "\n" for call in calls))

    with Store.create(tmp_path / "manometer.db") as store:

        def take() -> list[ImportedFile]:
            drop_folder = DropFolder(tmp_path, lambda: 0)
            ready = drop_folder.ready(sources, NOON).files
            return [
                drop_folder.take(store, connector, file, settings, NOON, lambda: False)
                for connector, file in ready
            ]

        assert [(each.file, each.result and each.result.taken) for each in take()] == [
            ("2.ndjson", 2),
            ("10.ndjson", 0),
        ]
        assert take() == []
        (numbered / "11.ndjson").write_text("no call\n")
        assert [each.file for each in take()] == ["11.ndjson"]
