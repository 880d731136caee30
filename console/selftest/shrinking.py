"""The fewest acts that still fail: parts are left out as long as something fails without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.selftest.acts import Act

Fails = Callable[[Sequence[Act]], bool]


def shrunk(acts: Sequence[Act], fails: Fails) -> list[Act]:
    """Acts of which none can be left out; `fails` says whether some still fail. Delta debugging: halves
    first, then ever smaller parts (Zeller and Hildebrandt, 2002).
    """
    kept, parts = list(acts), 2
    while len(kept) >= 2:
        size = max(1, len(kept) // parts)
        for start in range(0, len(kept), size):
            fewer = kept[:start] + kept[start + size :]
            if fewer and fails(fewer):
                kept, parts = fewer, max(2, parts - 1)
                break
        else:
            if size == 1:
                return kept
            parts = min(len(kept), 2 * parts)
    return kept
