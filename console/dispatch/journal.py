"""The hand-over journal: what a pass has claimed, begun and ended, for whoever takes over after it was
killed.

One file a dispatcher in `DATABASE.handover/`, locked for as long as its pass runs, and removed once all it
claimed is marked in the database. Its lines are written at once and never forced to the disk: they outlive
the process, not the machine, so that a journal counts only within the boot that its first line names. The
threads of a pass share it. One that has grown long gives way to one with the lines of what is not marked.

    manometer-handover 1 BOOT OWNER
    claimed MESSAGE ATTEMPT STATE-BEFORE       before the claim is committed
    begun MESSAGE [MADE-AT BASE TEXT]          before its first byte leaves; what it says, packed, in base64
    ended MESSAGE [MARK, BOUNCED-ADDRESS]      once its result is known, as JSON
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final, Self

from console.dispatch.outcomes import MessageOutcome
from console.dispatch.process_identity import boot_id
from console.private_files import made_folder, opened_or_made
from core.errors import ManometerError
from storage.outbox.dispatch import Bounced, Claimed, Left, OutcomeMark
from storage.outbox.texts import KeptText

FORM: Final = "manometer-handover 1"
DRAFT: Final = ".draft"
"""How the name of a journal ends that is about to take the place of a long one."""
LONGEST: Final = 1 << 20
"""Bytes after which a journal is shortened, unless it is told otherwise."""
TRIES: Final = 20
"""How often to ask for a journal that somebody looks through, with 50 ms in between."""
_UNFIT: Final = re.compile(r"[^A-Za-z0-9.-]+")
_WAITING: Final = frozenset({"planned", "due"})
_ENDS: Final = _WAITING | {"sent", "failed", "uncertain", "cancelled", "expired"}


class JournalError(ManometerError):
    """The journal cannot be kept, so nothing may be handed over."""


class Journal:
    """The journal of one pass, locked; use it as a context manager. `left` is what the pass before it under
    the same name left behind.
    """

    def __init__(self, path: Path, file: int, owner: str, longest: int = LONGEST) -> None:
        self._path = path
        self._file = file
        self._owner = owner
        self._longest = longest
        self._writing = Lock()
        self._open: dict[int, list[str]] = {}  # lines of the messages that were claimed and are not marked
        self._is_started = False
        self.size = 0
        """Bytes that were written since it was started."""

    @classmethod
    def open(cls, database: Path, owner: str, longest: int = LONGEST) -> Self | None:
        """The journal of that dispatcher; None while another pass has it. JournalError where it cannot be
        made. It is long after `longest` bytes.
        """
        folder = folder_of(database)
        path = folder / f"{_UNFIT.sub('-', owner)[:200]}.journal"
        try:
            made_folder(folder)
            for _ in range(TRIES):
                file = _locked(path, os.O_RDWR | os.O_APPEND, make=True)
                if file is not None:
                    return cls(path, file, owner, longest)
                time.sleep(0.05)
        except OSError as error:
            raise _unfit(path, error) from None
        return None

    def left(self) -> dict[str, Left | None]:
        """What an earlier pass under this name left behind: nothing or one entry."""
        return dict(_read(self._file))

    def start(self) -> None:
        """Begin it anew: all that stands in it is marked."""
        try:
            os.ftruncate(self._file, 0)
        except OSError as error:
            raise _unfit(self._path, error) from None
        self.size = 0
        self._is_started = True
        self._write([(None, self._head())])

    def _head(self) -> str:
        return f"{FORM} {boot_id()} {self._owner}"

    def claimed(self, messages: Sequence[Claimed]) -> None:
        """To be called before the claim is committed; JournalError where it cannot be written."""
        if messages:
            self._write([(each.id, f"claimed {each.id} {each.attempts} {each.was}") for each in messages])

    def begun(self, message: Claimed, text: KeptText | None = None) -> None:
        """To be called before its first byte leaves; JournalError where it cannot be written, and then
        nothing may leave.
        """
        said = "" if text is None else f" {text.made_at} {text.base} {b64encode(text.packed).decode()}"
        self._write([(message.id, f"begun {message.id}{said}")])

    def ended(self, outcome: MessageOutcome) -> None:
        """The result; where it cannot be written it is known to this process still."""
        values = [[getattr(outcome.mark, name) for name in OutcomeMark.__slots__], outcome.bounced]
        message = outcome.message.id
        with suppress(JournalError):
            self._write([(message, f"ended {message} {json.dumps(values, separators=(',', ':'))}")])

    def marked(self, messages: Iterable[int]) -> None:
        """These need no memory any more: what became of them is committed."""
        with self._writing:
            for message in messages:
                self._open.pop(message, None)
            if self.size > self._longest:
                self._shorten()

    def _write(self, noted: Sequence[tuple[int | None, str]]) -> None:
        """All of it or nothing: lines, each with the message it is of."""
        raw = "".join(f"{line}\n" for _, line in noted).encode()
        with self._writing:
            try:
                self._append(raw)
            except OSError as error:
                with suppress(OSError):
                    os.ftruncate(self._file, self.size)
                raise _unfit(self._path, error) from None
            self.size += len(raw)
            for message, line in noted:
                if message is not None:
                    self._open.setdefault(message, []).append(line)

    def _shorten(self) -> None:
        """Put a new file with the lines of what is not marked in its place, whole and locked before it is
        there; where that fails the long one goes on.
        """
        lines = [self._head(), *(line for each in self._open.values() for line in each)]
        raw = "".join(f"{line}\n" for line in lines).encode()
        if len(raw) > self.size // 2:
            return
        draft = self._path.with_suffix(DRAFT)
        with suppress(OSError):
            file = opened_or_made(draft, os.O_RDWR | os.O_TRUNC | os.O_APPEND)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.write(file, raw) != len(raw):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                draft.replace(self._path)
            except OSError:
                os.close(file)
                raise
            os.close(self._file)
            self._file, self.size = file, len(raw)

    def _append(self, raw: bytes) -> None:
        if os.write(self._file, raw) != len(raw):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it where all is marked, else leave it to whoever takes over; the lock ends."""
        if not self._open and (self._is_started or os.fstat(self._file).st_size == 0):
            with suppress(OSError):
                self._path.unlink()
        os.close(self._file)
        self._file = -1  # a channel that was left behind must not write into a file of the same number


def folder_of(database: Path) -> Path:
    """Where the journals of a database are."""
    return database.with_name(f"{database.name}.handover")


@contextmanager
def left_behind(database: Path) -> Iterator[dict[str, Left | None]]:
    """By owner, what passes that are over have left: None where nothing in it can be believed.

    Their journals are held meanwhile, and removed where the block ends well.
    """
    _remove_drafts(folder_of(database))
    held: list[tuple[Path, int]] = []
    found: dict[str, Left | None] = {}
    try:
        for path in sorted(folder_of(database).glob("*.journal")):
            with suppress(OSError):  # gone meanwhile, or not for us to read: its claims wait for their lease
                file = _locked(path, os.O_RDONLY)
                if file is not None:
                    held.append((path, file))
                    found |= dict(_read(file))
        yield found
        for path, _ in held:
            with suppress(OSError):
                path.unlink()
    finally:
        for _, file in held:
            os.close(file)


def _remove_drafts(folder: Path) -> None:
    """What is about to take the place of a journal is locked; any other was left by a kill."""
    for path in folder.glob(f"*{DRAFT}"):
        with suppress(OSError):
            file = _locked(path, os.O_RDONLY)
            if file is not None:
                path.unlink()
                os.close(file)


def _locked(path: Path, flags: int, *, make: bool = False) -> int | None:
    """The file, with a lock that ends with it; None where somebody else has it, or it was removed
    meanwhile.
    """
    file = opened_or_made(path, flags) if make else os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file), path.stat()):
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None


def _unfit(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"{path}: cannot be written: {error.strerror}. Nothing is sent meanwhile; make room, or see to the "
        "folder's rights."
    )


# ---- reading ----


def _read(file: int) -> Iterator[tuple[str, Left | None]]:
    """The owner and what it noted; nothing where no line was finished, since the first stands there before
    any claim.
    """
    with open(file, "rb", closefd=False) as lines:
        lines.seek(0)
        whole = lines.read().split(b"\n")[:-1]  # what follows the last line end was torn off
    head = whole[0].decode("utf-8", "replace").split(" ", 3) if whole else []
    if len(head) != 4 or " ".join(head[:2]) != FORM:
        return
    believed = head[2] == boot_id() != "-"
    yield head[3], _believed(whole[1:]) if believed else None


def _believed(lines: Sequence[bytes]) -> Left | None:
    """None where somebody else has written into it: any claim may have been begun then."""
    notes = _Notes()
    try:
        for line in lines:
            notes.read(line.decode())
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return Left(notes.claims, notes.begun, notes.ended, notes.bounces, notes.texts)


@dataclass(slots=True)
class _Notes:
    """What the lines read so far say."""

    claims: dict[int, tuple[int, str]] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    ended: dict[int, OutcomeMark] = field(default_factory=dict)
    bounces: dict[int, Bounced] = field(default_factory=dict)
    texts: dict[int, KeptText] = field(default_factory=dict)

    def read(self, line: str) -> None:
        """ValueError, TypeError or LookupError where a line is not of this form."""
        match line.split(" ", 2):
            case ["claimed", number, rest]:
                attempt, was = rest.split(" ")
                self._claim(int(number), int(attempt), _one_of(was, _WAITING))
            case ["begun", number, *said]:
                self._begin(self._claimed(number), *said)
            case ["ended", number, rest]:
                self._end(self._claimed(number), *json.loads(rest))
            case _:
                raise ValueError(line)

    def _claim(self, message: int, attempt: int, was: str) -> None:
        """A message may be claimed again in the same pass: what stands above is in the database then."""
        self.claims[message] = (attempt, was)
        self.begun.discard(message)
        self.texts.pop(message, None)
        self.ended.pop(message, None)
        self.bounces.pop(message, None)

    def _begin(self, message: int, said: str | None = None) -> None:
        """Journals of earlier releases do not say what a message says."""
        self.begun.add(message)
        if said is not None:
            *numbers, packed = said.split(" ")
            made_at, base = (int(number) for number in numbers if number.isdecimal() and len(number) < 20)
            if max(made_at, base) >= 1 << 63:
                raise ValueError(said)
            self.texts[message] = KeptText(made_at, base, b64decode(packed, validate=True))

    def _claimed(self, number: str) -> int:
        _ = self.claims[int(number)]
        return int(number)

    def _end(self, message: int, fields: Any, bounced: Any) -> None:
        self.ended[message] = _mark(message, fields)
        self.bounces.pop(message, None)
        if bounced is not None:
            medium, address, *is_soft = bounced  # journals of earlier releases tell of dead ones alone
            self.bounces[message] = Bounced(str(medium), str(address), is_soft == [True])


def _mark(message: int, fields: Any) -> OutcomeMark:
    found = OutcomeMark(*fields)
    texts = (found.reason, found.error, found.subject, found.address, found.provider_id, found.digest)
    instants = (found.sent_at, found.lands_at, found.not_before)
    fits = (
        found.id == message
        and type(found.customer_id) is int
        and type(found.attempted) is type(found.in_doubt) is bool
    )
    if (
        not fits
        or not all(isinstance(text, str | None) for text in texts)
        or not all(type(at) in (int, type(None)) for at in instants)
    ):
        raise ValueError(fields)
    _one_of(found.state, _ENDS)
    return found


def _one_of(state: Any, states: frozenset[str]) -> str:
    if state not in states:
        raise ValueError(state)
    return str(state)
