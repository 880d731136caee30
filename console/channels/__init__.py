"""Channel adapters: one file a kind, found in this folder by its name. A new one is a file with a class and a
test.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from core.discovery import class_of, kinds_in
from core.errors import ManometerError
from core.model.delivery import ChannelAdapter
from core.playbook.playbook import Channel
from core.suggestions import near


@lru_cache(maxsize=1)
def adapter_kinds() -> tuple[str, ...]:
    """What a channel's `kind` can be; looks at file names only and imports none of them."""
    return kinds_in(__path__)


@lru_cache(maxsize=32)
def adapter_class(kind: str) -> type[ChannelAdapter]:
    """The adapter of that kind; ManometerError where there is none."""
    if kind not in adapter_kinds():
        hint = near(kind, adapter_kinds()) or f"There are: {', '.join(adapter_kinds())}."
        raise ManometerError(f"manometer.toml: there is no channel adapter of kind '{kind}'. {hint}")
    return class_of(__name__, kind)


def open_adapter(
    channel: Channel, folder: Path, adapter: type[ChannelAdapter] | None = None
) -> ChannelAdapter:
    """The adapter of a channel of the workspace in that folder, of the class of its kind unless another is
    given; use it as a context manager, one batch at a time.

    ManometerError where its settings cannot be used.
    """
    made_by = adapter or adapter_class(channel.kind)
    for fault in made_by.setting_faults(channel.settings):
        if not fault.is_warning:
            raise ManometerError(
                f"manometer.toml: [channels.{channel.name}]: {fault.message}. {fault.remedy}"
            )
    return made_by(channel, folder)  # type: ignore[call-arg]
