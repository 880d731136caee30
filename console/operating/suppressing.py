"""Addresses that are not written to any more, as operators add and lift them; for the command line and the
console alike. Instants are ms UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from console.intake.address_lists import RefusedLine, addresses_in
from console.intake.watched_bytes import MAX_RATIO
from core.instants import Instant
from core.sources.listed_addresses import ListedAddress, listed_address
from storage import audit, suppressions
from storage.outbox import dispatch as outbox
from storage.suppressions import Report

TYPED = "operator"
"""The source of an address that an operator wrote."""


@dataclass(frozen=True, slots=True)
class OperatorWord:
    """Who says so when and why; `wakes` where a playbook is in force, so that whoever is concerned is due."""

    at: Instant
    author: str
    reason: str
    wakes: bool


@dataclass(frozen=True, slots=True)
class AddressFile:
    """The lines of a file of addresses that are not blank."""

    path: Path
    read: int
    addresses: Sequence[ListedAddress]
    """Each once."""
    refused: Sequence[RefusedLine]


def read_addresses(path: Path, max_ratio: int = MAX_RATIO) -> AddressFile:
    """The addresses of a file; ManometerError where it cannot be read, or is compressed and comes to more
    than `max_ratio` times its length.
    """
    read, found, refused = 0, dict[ListedAddress, None](), list[RefusedLine]()
    for line in addresses_in(path, max_ratio=max_ratio):
        read += 1
        if isinstance(line, RefusedLine):
            refused.append(line)
        else:
            found[line] = None
    return AddressFile(path, read, tuple(found), refused)


def suppress_file(connection: Connection, file: AddressFile, word: OperatorWord) -> int:
    """Suppress the addresses of a file; how many were not suppressed yet."""
    added = _suppress(connection, file.addresses, file.path.name, word)
    detail = {"added": added, "rejected": len(file.refused)}
    audit.record(connection, word.at, word.author, "suppress", str(file.path), word.reason, detail)
    return added


def suppress_address(connection: Connection, address: ListedAddress, word: OperatorWord) -> bool:
    """Suppress one address; whether it was not yet."""
    added = _suppress(connection, [address], TYPED, word)
    if added:
        detail = {"medium": address.medium}
        audit.record(connection, word.at, word.author, "suppress", address.address, word.reason, detail)
    return added > 0


def lift_addresses(
    connection: Connection, addresses: Collection[str], word: OperatorWord
) -> list[tuple[str, str]]:
    """Allow addresses again, on every medium; which were suppressed, as pairs of medium and address."""
    lifted = suppressions.lift(connection, addresses, word.at)
    details = [(address, {"medium": medium}) for medium, address in lifted]
    audit.record_each(connection, word.at, word.author, "lift", details, word.reason)
    _wake(connection, [address for _, address in lifted], word)
    return lifted


def spellings(written: str) -> set[str]:
    """What an address that somebody wrote may be kept as."""
    kept = (listed_address(written), listed_address(written, "email"), listed_address(written, "sms"))
    return {written, *(each.address for each in kept if each is not None)}


def _suppress(
    connection: Connection, addresses: Sequence[ListedAddress], source: str, word: OperatorWord
) -> int:
    reports = [Report(each.medium, each.address, word.reason, word.at, word.at, source) for each in addresses]
    added = suppressions.suppress(connection, reports, is_said_now=True)
    _wake(connection, [each.address for each in addresses], word)
    return added


def _wake(connection: Connection, addresses: Sequence[str], word: OperatorWord) -> None:
    if addresses and word.wakes:
        outbox.wake(connection, suppressions.owners(connection, addresses), word.at)
