"""Previews that are kept under a name: one small database each, beside the workspace's own, with what was
asked and every decision.

The file is complete or not there: it is written under another name first. What identifies people in it is
their keys alone.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from core.errors import ManometerError
from core.forecast.preview import NAME, Fullness, PressedCustomer, PreviewCell, Totals, fault_of_name
from core.instants import parse_instant
from core.limits.pressure import Contact
from core.model.decisions import Decision, Message, Objection, RuleEvidence
from core.model.reasons import Reason
from core.suggestions import near
from storage.forecasts.previews import Row
from storage.rights import made_folder
from storage.sqlite import dbapi
from storage.unfinished import unfinished_file

FORMAT: Final = 2
WITHOUT_OUTBOX: Final = 1
"""The format of those that do not say what waited in the outbox."""
ENDING: Final = ".preview"
MOST: Final = 200
"""So many previews are kept at most."""
MOST_BYTES: Final = 2 * 2**30
"""So much room all of them may take."""
CHUNK: Final = 500

_COLUMNS: Final = (
    "at", "customer_id", "customer", "rank", "trigger", "step", "channel", "outcome", "reason", "until",
    "late", "rules", "objections",
    "imagined", "cause", "dispatch", "weight", "message", "decided_already",
)  # fmt: skip
_NAMED: Final = ", ".join(f'"{name}"' for name in _COLUMNS)
_NAMED_BEFORE: Final = ", ".join((*(f'"{name}"' for name in _COLUMNS[:-2]), "NULL", "0"))
_SCHEMA: Final = f"""
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE decisions ({_NAMED}, PRIMARY KEY (customer_id, rank)) WITHOUT ROWID;
"""


def path_of(folder: Path, name: str) -> Path:
    """Where the preview of a name is kept; ManometerError where the name will not do."""
    fault = fault_of_name(name)
    if fault is not None:
        raise ManometerError(fault)
    return folder / f"{name}{ENDING}"


def names(folder: Path) -> list[str]:
    """The names of all that are kept, in order."""
    return sorted(
        path.name.removesuffix(ENDING)
        for path in folder.glob(f"*{ENDING}")
        if NAME.fullmatch(path.name.removesuffix(ENDING))
    )


def refuse_taken(folder: Path, name: str, force: bool) -> None:
    """ManometerError where the name is taken, unless it may be, or where too many are kept."""
    path = path_of(folder, name)
    known = names(folder)
    if path.exists() and not force:
        raise ManometerError(
            f"There is a preview {name!r} already. Take another name, or --force to replace it."
        )
    if not path.exists() and len(known) >= MOST:
        raise ManometerError(
            f"{len(known)} previews are kept, as many as there may be. Delete one: `manometer previews "
            "delete NAME`."
        )


def delete(folder: Path, name: str) -> None:
    """Forget one; ManometerError where there is none of that name."""
    refuse_unknown(folder, name).unlink()


def refuse_unknown(folder: Path, name: str) -> Path:
    """The file of a kept preview; ManometerError where there is none of that name."""
    path = path_of(folder, name)
    if not path.is_file():
        known = names(folder)
        hint = near(name, known) or (
            "`manometer previews` lists them."
            if known
            else "None is kept yet: `manometer preview --save NAME`."
        )
        raise ManometerError(f"There is no preview {name!r}. {hint}")
    return path


# ---- writing ----


class Saving:
    """A preview that is being kept; a context manager, which leaves nothing behind unless `finish` was
    called.
    """

    def __init__(self, folder: Path, name: str, *, force: bool = False) -> None:
        refuse_taken(folder, name, force)
        self._path = path_of(folder, name)
        self._making = ExitStack()
        self._temporary = self._path
        self._others = sum(path.stat().st_size for path in folder.glob(f"*{ENDING}") if path != self._path)
        self._force = force
        self._raw: Any = None

    def __enter__(self) -> Saving:
        with _in_words(self._path):
            made_folder(self._path.parent)
            self._temporary, file = self._making.enter_context(unfinished_file(self._path))
            os.close(file)
            self._raw = dbapi.connect(str(self._temporary), isolation_level=None)
            self._raw.executescript(
                "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;" + _SCHEMA
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._raw is not None:
            self._raw.close()
        self._making.close()

    def add(self, rows: Sequence[Row]) -> None:
        """Take more decisions; ManometerError where the room of all previews is used up."""
        if not rows:
            return
        marks = ", ".join("?" * len(_COLUMNS))
        with _in_words(self._path):
            self._raw.execute("BEGIN")
            self._raw.executemany(f"INSERT INTO decisions VALUES ({marks})", rows)  # noqa: S608 - marks
            self._raw.execute("COMMIT")
            if self._others + self._temporary.stat().st_size > MOST_BYTES:
                room = f"{MOST_BYTES // 2**30} GB"
                raise ManometerError(
                    f"All kept previews together would take more than {room}. Delete one: `manometer "
                    "previews delete NAME`."
                )

    def finish(self, about: Mapping[str, Any], totals: Totals) -> None:
        """All are there: keep them with what was asked and the sums."""
        whole = {**about, "format": FORMAT, "totals": _dumped(totals)}
        with _in_words(self._path):
            self._raw.executemany(
                "INSERT INTO about VALUES (?, ?)",
                [(name, orjson.dumps(value).decode()) for name, value in whole.items()],
            )
            self._raw.close()
            self._raw = None
            descriptor = os.open(self._temporary, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
            self._put_in_place()

    def _put_in_place(self) -> None:
        """Under its name, unless that was taken while this one was made."""
        if self._force:
            self._temporary.replace(self._path)
            return
        try:
            self._path.hardlink_to(self._temporary)
        except FileExistsError:
            refuse_taken(self._path.parent, self._path.name.removesuffix(ENDING), force=False)
            raise
        except OSError:  # a file system without links
            refuse_taken(self._path.parent, self._path.name.removesuffix(ENDING), force=False)
            self._temporary.replace(self._path)


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ManometerError(f"{path}: cannot be kept: {error.strerror}.") from None
    except dbapi.Error as error:
        raise ManometerError(f"{path}: cannot be kept: {error}. Make room there, and try again.") from None


# ---- reading ----


class SavedPreview:
    """A kept preview, open for reading; a context manager. `about` is what was asked, as it was given to
    `Saving.finish`.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.path = refuse_unknown(folder, name)
        try:
            self._raw = dbapi.connect(f"{self.path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
            self.about: dict[str, Any] = {
                key: orjson.loads(value) for key, value in self._raw.execute("SELECT name, value FROM about")
            }
            if self.about.get("format") not in (WITHOUT_OUTBOX, FORMAT):
                raise ManometerError(
                    f"{self.path} was kept by another release. Delete it, or read it with that one."
                )
            self.totals = _loaded(self.about.pop("totals"))
            is_first = self.about["format"] == WITHOUT_OUTBOX
            self._named = _NAMED_BEFORE if is_first else _NAMED
            self._anew = "" if is_first else "NOT decided_already"
        except (dbapi.Error, KeyError, TypeError, ValueError):
            raise ManometerError(
                f"{self.path} is damaged or no kept preview. Delete it: `manometer previews delete {name}`."
            ) from None

    def __enter__(self) -> SavedPreview:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def customers(self) -> list[int]:
        """Rows of the customers for whom anything was foreseen, in order, what waited in the outbox apart."""
        where = f" WHERE {self._anew}" if self._anew else ""
        query = f"SELECT DISTINCT customer_id FROM decisions{where} ORDER BY customer_id"  # noqa: S608 - our own
        return [number for (number,) in self._raw.execute(query)]

    def of(self, ids: Sequence[int]) -> dict[int, list[Mapping[str, Any]]]:
        """What was foreseen for these customers, by customer in order of rank; `rules` and `objections` as
        JSON text. What waited in the outbox is none of it.
        """
        anew = f" AND {self._anew}" if self._anew else ""
        query = (
            f"SELECT {self._named} FROM decisions "  # noqa: S608 - names of columns
            f"WHERE customer_id IN (SELECT value FROM json_each(?)){anew} ORDER BY customer_id, rank"
        )
        found: dict[int, list[Mapping[str, Any]]] = {}
        for values in self._raw.execute(query, (orjson.dumps(list(ids)).decode(),)):
            row = dict(zip(_COLUMNS, values))
            found.setdefault(row["customer_id"], []).append(row)
        return found

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """All decisions as `preview --json` lists them, in its order."""
        query = f"SELECT {self._named} FROM decisions ORDER BY at, customer, rank"  # noqa: S608 - names of columns
        for values in self._raw.execute(query):
            row = dict(zip(_COLUMNS, values))
            yield {**row, "late": bool(row["late"]), "imagined": bool(row["imagined"])}


def chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    """Ids in lists of a size that is read at once."""
    found = sorted(set(ids))
    for start in range(0, len(found), CHUNK):
        yield found[start : start + CHUNK]


def decision_of(row: Mapping[str, Any]) -> Decision:
    """The decision that a row was made of, as far as it was kept."""
    rules = tuple(map(_evidence, orjson.loads(row["rules"])))
    objections = tuple(
        Objection(Reason(reason), detail, until) for reason, detail, until in orjson.loads(row["objections"])
    )
    return Decision(
        row["at"], row["trigger"], row["cause"], row["step"], row["channel"], row["outcome"], row["at"],
        None if row["reason"] is None else Reason(row["reason"]), row["until"], bool(row["late"]), rules,
        objections, _message(row),
    )  # fmt: skip


def _evidence(rule: Mapping[str, Any]) -> RuleEvidence:
    counted = tuple(
        Contact(parse_instant(each["at"]), each["channel"], each["trigger"], "", frozenset(), 0, True, "")
        for each in rule["counted"]
    )
    # a number as it was shown: its unit is not said again
    return RuleEvidence(
        rule["rule"],
        "contacts",
        rule["count"],
        rule["limit"],
        parse_instant(rule["from"]),
        parse_instant(rule["to"]),
        counted,
        None,
    )


def _message(row: Mapping[str, Any]) -> Message | None:
    if row["dispatch"] is None:
        return None
    contact = Contact(
        row["at"], row["channel"], row["trigger"], "", frozenset(), row["weight"], True, row["dispatch"]
    )
    return Message("", row["channel"], "", None, row["at"], row["at"], contact)


# ---- sums ----

_COUNTED: Final = (
    "cells",
    "contacts",
    "reached",
    "fullness",
    "held_by",
    "held_customers",
    "joined",
    "moves",
    "beats",
    "imagined",
    "already",
)


def _dumped(totals: Totals) -> dict[str, Any]:
    counted = {
        name: [
            [list(key) if isinstance(key, tuple) else key, number]
            for key, number in getattr(totals, name).items()
        ]
        for name in _COUNTED
    }
    pressed = [[*each[:4], each.fullest and list(each.fullest)] for each in totals.most_pressed(50)]
    return {
        "looked_at": totals.looked_at,
        "customers": totals.customers,
        "decisions": totals.decisions,
        **counted,
        "pressed": pressed,
    }


def _loaded(kept: Mapping[str, Any]) -> Totals:
    counted: dict[str, Any] = {
        name: Counter({_key(name, key): number for key, number in kept.get(name, ())}) for name in _COUNTED
    }
    pressed = [
        PressedCustomer(contacts, points, customer, number, None if full is None else Fullness(*full))
        for contacts, points, customer, number, full in kept["pressed"]
    ]
    return Totals(
        looked_at=kept["looked_at"],
        customers=kept["customers"],
        decisions=kept["decisions"],
        **counted,
        pressed=pressed,
    )


def _key(name: str, key: Any) -> Any:
    if name in ("cells", "imagined", "already"):
        return PreviewCell(*key)
    return tuple(key) if isinstance(key, list) else key
