"""Yes and no, and words of consent, in the languages of the trade."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from core.errors import ManometerError
from core.sources.cells import CellError, bare, shown
from core.text_folding import spellings


@dataclass(frozen=True, slots=True)
class WordLists:
    """The words that mean yes, those that mean no, and those that say nothing; in small letters without
    accents, and with one blank for `-` and `_`.
    """

    yes: frozenset[str]
    no: frozenset[str]
    unknown: frozenset[str]

    def with_words(
        self, yes: Iterable[str] = (), no: Iterable[str] = (), unknown: Iterable[str] = ()
    ) -> WordLists:
        """These lists with further words of the settings, each taken out of the list it stood in;
        ManometerError for a word given twice.
        """
        given = [_spelled(words) for words in (yes, no, unknown)]
        twice = (given[0] & given[1]) | (given[0] & given[2]) | (given[1] & given[2])
        if twice:
            raise ManometerError(f"the word {min(twice)!r} stands in two of the lists yes, no and unknown.")
        everything = frozenset[str]().union(*given)
        yes_words, no_words, unknown_words = (
            old - everything | new for old, new in zip((self.yes, self.no, self.unknown), given, strict=True)
        )
        return WordLists(yes_words, no_words, unknown_words)


def read_yes_no(value: object, words: WordLists) -> bool | None:
    """True or False for a cell or JSON value, None where it says nothing (blank, null, or a word of
    `unknown`); CellError for a word in no list.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)):
        value = "1" if value == 1 else "0" if value == 0 else str(value)
    if not isinstance(value, str):
        raise CellError(f"{shown(value)} is neither a yes nor a no")
    return _read(value, words)


@lru_cache(maxsize=4_096)
def _read(cell: str, words: WordLists) -> bool | None:
    word = _normal(cell)
    if not word or word in words.unknown:
        return None
    if word in words.yes or word in words.no:
        return word in words.yes
    raise CellError(f"{shown(cell)} is neither a yes nor a no")


def _normal(word: str) -> str:
    return _with_blanks(spellings(bare(word))[0])


def _spelled(words: Iterable[str]) -> frozenset[str]:
    return frozenset(_with_blanks(spelling) for word in words for spelling in spellings(bare(word)))


def _with_blanks(spelling: str) -> str:
    return " ".join(spelling.replace("-", " ").replace("_", " ").split()) or spelling


def _words(text: str) -> frozenset[str]:
    return _spelled(text.split(","))


BOOLEAN_WORDS: Final = WordLists(
    yes=_words("""
        1, 1.0, x, ✓, ✔, ☑, yes, y, true, t, on, enabled, checked, ja, j, wahr, an, ein, aktiviert, oui, o,
        vrai, activé, sì, si, s, vero, attivo, sí, verdadero, waar, aan, sim, verdadeiro, tak, prawda, ano,
        pravda, sant, sand, igen
    """),
    no=_words("""
        0, 0.0, ✗, ✘, ☐, no, n, false, f, off, disabled, unchecked, nein, falsch, aus, deaktiviert, non, faux,
        désactivé, falso, disattivo, nee, onwaar, uit, não, nie, fałsz, ne, nepravda, nej, falskt, falsk,
        nem
    """),
    unknown=_words("""
        -, ?, n/a, na, null, none, nan, undefined, unknown, not set, not specified, unbekannt, keine angabe,
        k. a., k.a., inconnu, non renseigné, sconosciuto, desconocido, onbekend
    """),
)  # fmt: skip
CONSENT_WORDS: Final = BOOLEAN_WORDS.with_words(
    yes=_words("""
        subscribed, subscriber, opt-in, optin, opted in, double opt-in, double optin, single opt-in,
        single optin, granted, accepted, agreed, allowed, consented, confirmed, active, angemeldet,
        abonniert, zugestimmt, eingewilligt, einwilligung, erlaubt, bestätigt, aktiv,
        inscrit, abonné, accepté, consenti, actif, iscritto,
        accettato, suscrito, aceptado, activo, ingeschreven, geabonneerd, actief
    """),
    no=_words("""
        unsubscribed, unsub, opt-out, optout, opted out,
        withdrawn, revoked, denied, declined, refused, rejected, objected,
        cleaned, suppressed, blocked, blacklisted, blocklisted, bounced, complained, inactive, deactivated,
        abgemeldet, abbestellt, abgelehnt, widerrufen, widersprochen, gesperrt, inaktiv, désinscrit,
        désabonné, refusé, inactif, disiscritto, cancellato, rifiutato, inattivo, baja, dado de baja,
        rechazado, inactivo, uitgeschreven, afgemeld, inactief
    """),
    unknown=_words("""
        pending, unconfirmed, not subscribed, never subscribed, nonsubscribed, non subscribed,
        non-subscriber, transactional, ausstehend, unbestätigt, en attente, in attesa, pendiente
    """),
)  # fmt: skip
"""Of lists of mail tools. `cleaned` (Mailchimp), `suppressed` (Klaviyo) and the like are a no: the tool must
not write to the address any more. `pending` and `never subscribed` are no word of the customer.
"""
