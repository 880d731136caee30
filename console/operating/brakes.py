"""Letting go a channel that is left alone, and a trigger that is held for what it would send; each with its
audit line. Instants are ms UTC.
"""

from __future__ import annotations

from core.errors import ManometerError
from core.instants import Instant
from storage import audit, brakes, quarantine, surges
from storage.store import Store


def release_channel(store: Store, name: str, author: str, at: Instant, reason: str) -> str:
    """Use a channel again at once, with nothing held against it; why it had been left alone. ManometerError
    where it is not.
    """
    with store.writing() as connection:
        was = brakes.release(connection, name)
        if was is not None:
            audit.record(connection, at, author, "release channel", name, reason, {"was": was})
            return was
        aside = quarantine.channels_aside(connection).get(name)
    if aside is not None:
        raise ManometerError(f"{name} is set aside. `manometer quarantine release {aside.id}` ends that.")
    raise ManometerError(f"{name} is not left alone. `manometer channels` lists which are.")


def release_trigger(store: Store, name: str, author: str, at: Instant, reason: str) -> int:
    """Let go all that is held of a trigger; how many messages. ManometerError where nothing is."""
    with store.writing() as connection:
        number = surges.release(connection, name, at)
        if number:
            audit.record(connection, at, author, "release trigger", name, reason, {"messages": number})
    if not number:
        raise ManometerError(f"Nothing of {name!r} is held. `manometer surges` lists the triggers that are.")
    return number
