"""A clock that is not trusted: what holds it up, and an operator's word that it is right."""

from __future__ import annotations

from screens.cells.deed import Deed, DialogField
from screens.frame import Frame
from screens.widgets.dialogs import confirm

WHY = DialogField("reason", "Why (for the audit log)")


def ask_about_clock(frame: Frame, words: str) -> None:
    """Ask whether the clock is right as it is; `words` say what speaks against it."""
    read_only = frame.host.place.read_only if frame.host.place is not None else None
    if read_only is not None:
        frame.toast(f"The clock cannot be confirmed from here: {read_only}.", bad=True)
        return
    author = frame.host.place.author if frame.host.place is not None else ""
    confirm(
        frame,
        clock_deed(words, author),
        lambda given: frame.act(
            lambda service: service.overview.confirm_clock(given.values["reason"]), frame.toast
        ),
    )


def clock_deed(words: str, author: str) -> Deed:
    """What confirming the clock would set free."""
    return Deed(
        "Is the clock right?",
        [
            f"{words}.",
            "Nothing is decided and sent until it is. Where it is wrong, put it right; that ends this.",
            "Where it is right, what is due is decided and sent by it, and what is over expires.",
        ],
        "The clock is right",
        fields=(WHY,),
        author=author,
    )
