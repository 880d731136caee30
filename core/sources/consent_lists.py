"""When the state that a list names for a consent is news: the state of a list is not a word said today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from core.instants import Instant
from core.model.customer import ConsentBasis
from core.sources.booleans import BOOLEAN_WORDS, WordLists, read_yes_no
from core.sources.cells import CellError

ConsentState: TypeAlias = Literal["granted", "withdrawn", "objected"]
_STRICTNESS: Final = ("granted", "withdrawn", "objected")


@dataclass(frozen=True, slots=True)
class ListedState:
    """What one line of a list says of one use; instants are milliseconds UTC."""

    state: ConsentState
    said_at: Instant
    """The instant of the line, else of its arrival."""
    dated_at: Instant | None = None
    """The date of the consent itself, where the line has one."""
    is_unasked: bool = False
    """A bare no, which may mean that nobody ever asked."""

    def outweighs(self, other: ListedState) -> bool:
        """Whether it stands against another line on the same use in the same arrival, whichever came first:
        the newer one, of two of one instant the one that allows less.
        """
        return self._weight() > other._weight()

    def _weight(self) -> tuple[Instant, int, bool, Instant]:
        return self.said_at, _STRICTNESS.index(self.state), not self.is_unasked, self.dated_at or 0


@dataclass(frozen=True, slots=True)
class ListedWord:
    """What a list adds to the ledger."""

    state: ConsentState
    occurred_at: Instant
    basis: ConsentBasis


def word_of(listed: ListedState, previous: str | None) -> ListedWord | None:
    """What a line adds to the ledger after what the source's list before this arrival said of the same use;
    None where it adds nothing.

    A state with a date of its own is a word of that date. Without one, only a change is: a yes is `imported`,
    a no that was yes before withdraws as of the line, and so does one that somebody must have said; a bare no
    that was never a yes is the state of a list, and yields to every other word.
    """
    if listed.dated_at is not None:
        return ListedWord(listed.state, listed.dated_at, "listed")
    if previous == listed.state or (previous == "objected" and listed.state == "withdrawn"):
        return None
    is_state = listed.state == "granted" or (listed.is_unasked and previous is None)
    return ListedWord(listed.state, listed.said_at, "imported" if is_state else "listed")


# ---- the words of a list ----

OBJECTIONS: Final = WordLists(
    yes=frozenset({"objected", "objection", "widersprochen", "widerspruch", "robinson"}),
    no=frozenset(),
    unknown=frozenset(),
)


def read_state(said: str, words: WordLists) -> tuple[ConsentState, bool] | None:
    """The state that a cell names, and whether it is a bare no, which may mean that nobody ever asked; None
    where the cell says nothing. CellError for a word in no list.
    """
    answer = read_yes_no(said, words)
    if answer is None:
        return None
    if answer:
        return "granted", False
    return ("objected", False) if _is_in(said, OBJECTIONS) else ("withdrawn", _is_in(said, BOOLEAN_WORDS))


def _is_in(said: str, words: WordLists) -> bool:
    try:
        return read_yes_no(said, words) is not None
    except CellError:
        return False
