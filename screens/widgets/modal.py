"""What a screen over another screen needs so that keys pressed too often take away nothing below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual.await_complete import AwaitComplete

from screens.widgets.too_small import KeepsFocus

if TYPE_CHECKING:
    from textual.screen import Screen


class LeavesOnce(KeepsFocus):
    """The part of a modal screen that leaves once it is there, and once only, though Enter or Esc come before
    or again.

    Textual takes away whichever screen is on top then, and ends where there is none.
    """

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Leave with the result, or do nothing while it is not drawn yet or where another screen is on top
        already.
        """
        screen = cast("Screen[Any]", self)
        if not (screen.is_mounted and screen.is_active):
            return cast("AwaitComplete", AwaitComplete.nothing())  # type: ignore[no-untyped-call]
        return cast("AwaitComplete", super().dismiss(result))  # type: ignore[misc]
