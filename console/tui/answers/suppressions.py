"""Suppressed addresses for the screens: what is listed, and what operators add and lift."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.operating.suppressing import (
    AddressFile,
    OperatorWord,
    lift_addresses,
    read_addresses,
    suppress_address,
    suppress_file,
)
from core.errors import ManometerError
from core.explain.words import counted
from core.filters import read_words
from core.model.suppressed import FIELDS, SuppressedAddress
from core.sources.listed_addresses import listed_address, no_address
from screens.ports import Cancelled
from screens.ports.suppressions import ListEffect
from storage import suppressions

if TYPE_CHECKING:
    from console.tui.answers.local_workspace import LocalWorkspace


class SuppressionsAnswers:
    """Answers the questions of `screens.ports.suppressions`, and carries out what operators decide."""

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local

    def ids(self, text: str, cancelled: Cancelled) -> array[int]:
        """The rows that a filter line leaves, the newest first."""
        words = read_words(text, FIELDS)
        with self._local.asking(cancelled) as connection:
            return suppressions.ids(connection, words)

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, SuppressedAddress]:
        """These rows."""
        with self._local.asking(cancelled) as connection:
            return {row.id: row for row in suppressions.rows(connection, ids)}

    def owner(self, address: str, cancelled: Cancelled) -> int | None:
        """The customer who is known by an address."""
        with self._local.asking(cancelled) as connection:
            return next(iter(suppressions.owners(connection, [address])), None)

    def read_file(self, path: str, cancelled: Cancelled) -> ListEffect:
        """What a file of addresses would add."""
        file = _file(path)
        with self._local.asking(cancelled) as connection:
            owners = suppressions.owners(connection, [each.address for each in file.addresses])
        refused = tuple(f"line {each.line}: {each.reason}" for each in file.refused)
        return ListEffect(str(file.path), file.read, len(file.addresses), refused, len(owners))

    def add_file(self, path: str, reason: str) -> str:
        """Suppress the addresses of a file."""
        file, word = _file(path), self._word(reason)
        with self._local.acting() as connection:
            added = suppress_file(connection, file, word)
        self._local.note_command("suppressions", "add", str(file.path.resolve()), reason=reason)
        known = len(file.addresses) - added
        told = f", {known:,} {'was' if known == 1 else 'were'} known" if known else ""
        return f"{counted(added, 'address')} suppressed{told}."

    def add(self, address: str, reason: str) -> str:
        """Suppress one address."""
        found, word = listed_address(address), self._word(reason)
        if found is None:
            raise ManometerError(f"{no_address(address)}. Nothing was changed.")
        with self._local.acting() as connection:
            is_new = suppress_address(connection, found, word)
        if not is_new:
            return f"{found.address} was suppressed for that reason already."
        self._local.note_command("suppressions", "add", "--address", found.address, reason=reason)
        return f"{found.address} gets nothing any more."

    def lift(self, ids: Sequence[int], reason: str) -> str:
        """Allow the addresses of these rows again."""
        word = self._word(reason)
        with self._local.acting() as connection:
            addresses = {row.address for row in suppressions.rows(connection, ids)}
            lifted = {address for _, address in lift_addresses(connection, addresses, word)}
        if not lifted:
            return "Somebody has lifted them meanwhile: nothing was changed."
        self._local.note_command("suppressions", "lift", *sorted(addresses), reason=reason)
        one = next(iter(lifted)) if len(lifted) == 1 else counted(len(lifted), "address")
        return f"{one} may be written to again."

    def _word(self, reason: str) -> OperatorWord:
        wakes = self._local.in_force().playbook.version > 0
        return OperatorWord(self._local.now(), self._local.place.author, reason, wakes)


def _file(path: str) -> AddressFile:
    """The file that somebody named; `~` is the home of the account."""
    file = read_addresses(Path(path).expanduser())
    if not file.addresses:
        first = f" Line {file.refused[0].line}: {file.refused[0].reason}." if file.refused else ""
        raise ManometerError(f"{path}: there is no address in it.{first} Nothing was changed.")
    return file
