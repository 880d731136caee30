"""A copy of a database as it stands, beside it or elsewhere."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from storage.sqlite import StoreError, dbapi
from storage.store import Store


def copy_database(store: Store, target: Path) -> None:
    """One snapshot of the database as a new file, readable by its owner only; StoreError where there is no
    room for it, or it cannot be read.
    """
    try:
        target.touch(mode=0o600, exist_ok=False)
        source = dbapi.connect(f"file:{quote(str(store.path.resolve()))}?mode=ro", uri=True)
        copy = dbapi.connect(str(target))
        try:
            source.backup(copy, pages=1_024)
        finally:
            copy.close()
            source.close()
    except (dbapi.Error, OSError) as error:
        raise StoreError(
            f"{target}: the copy of the database cannot be made: {error}. It needs as much room as the "
            "database does; TMPDIR names another place."
        ) from error
