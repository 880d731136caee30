"""Puts campaigns into a workspace as drafts: their triggers, fitted to its channels, and their templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from console.catalogue import Campaign
from console.catalogue.composing import LANGUAGES
from console.catalogue.needs import over
from console.private_files import made_folder, write_file
from console.workspace.reading import Workspace
from core.engine.digest import DIGEST_MEDIA
from core.errors import ManometerError

_STEP: Final = re.compile(r"^\[\[steps\]\]$", re.MULTILINE)
_CHANNELS: Final = re.compile(r"^(\s*channels\s*=\s*)\[([^\]]*)\]", re.MULTILINE)
_DIGEST: Final = re.compile(r"^digest\s*=.*\n", re.MULTILINE)
_NAME: Final = re.compile(r'^name\s*=\s*"([^"]*)"', re.MULTILINE)
_JUMP: Final = re.compile(r'^((?:else|then|on_timeout)\s*=\s*)"([^"]*)"', re.MULTILINE)
_LEFT_OUT: Final = "# left out: the workspace has no channel"


def language_of(workspace: Workspace) -> str:
    """The language that stands in a template's own folder: the first of the workspace's that the catalogue
    speaks, else German.
    """
    spoken = (locale.lower().replace("_", "-").partition("-")[0] for locale in workspace.locales)
    return next((language for language in spoken if language in LANGUAGES), LANGUAGES[0])


def add(campaigns: Iterable[Campaign], workspace: Workspace, *, language: str, force: bool) -> list[str]:
    """Write the files that are not there yet and return them, relative to the workspace; ManometerError,
    nothing written, where one there says something else.
    """
    made: dict[str, str] = {}
    for campaign in campaigns:
        made.update(files_of(campaign, workspace, language))
    made = {path: text for path, text in made.items() if _text(workspace.folder / path) != text}
    there = [path for path in made if (workspace.folder / path).exists()]
    if there and not force:
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        raise ManometerError(
            f"There already: {', '.join(there[:3])}{more}. Nothing was written; --force overwrites them."
        )
    for path, text in made.items():
        _write(workspace.folder / path, text)
    return list(made)


def files_of(campaign: Campaign, workspace: Workspace, language: str) -> Mapping[str, str]:
    """A campaign's files for a workspace by path; ManometerError where nothing could ever be sent."""
    triggers = {
        f"triggers/{name}.toml": fitted(
            name, text, partial(over, workspace, purpose=str(campaign.tables[name]["purpose"]))
        )
        for name, text in campaign.triggers.items()
    }
    return triggers | {f"templates/{path}": text for path, text in campaign.templates(language).items()}


def fitted(name: str, text: str, channel: Callable[[str], str | None]) -> str:
    """A trigger with the workspace's channels in place of the catalogue's; a step that is left with none
    becomes a comment.

    Where the journey went to such a step it ends, and a step over channels that cannot share a message says
    nothing of it.
    """
    head, *steps = _STEP.split(text)
    made = [_step(step, channel) for step in steps]
    if all(step.startswith(_LEFT_OUT) for step in made):
        wanted = " or ".join(sorted({each for step in steps for each in _wanted(step)}))
        raise ManometerError(
            f"{name} needs a channel {wanted}. Add [channels.{_wanted(steps[0])[0]}] to manometer.toml. "
            "Nothing was written."
        )
    gone = {
        found for step, own in zip(steps, made) if own.startswith(_LEFT_OUT) for found in _NAME.findall(step)
    }
    return head + "".join(
        _JUMP.sub(lambda jump: f'{jump[1]}"end"' if jump[2] in gone else jump[0], step) for step in made
    )


def _wanted(step: str) -> list[str]:
    return [each.strip().strip('"') for found in _CHANNELS.finditer(step) for each in found[2].split(",")]


def _step(text: str, channel: Callable[[str], str | None]) -> str:
    left = [
        [own for each in _listed(found[2]) if (own := channel(each)) is not None]
        for found in _CHANNELS.finditer(text)
    ]
    if not all(left):
        lacking = " or ".join(each for each in dict.fromkeys(_wanted(text)) if channel(each) is None)
        lines = [f"{_LEFT_OUT} {lacking}", "[[steps]]", *text.strip("\n").splitlines()]
        return "\n".join([lines[0], *(f"# {line}".rstrip() for line in lines[1:])]) + "\n\n"
    fitting = iter(left)
    if not any(channel(each) is not None for each in DIGEST_MEDIA.intersection(_wanted(text))):
        text = _DIGEST.sub("", text)
    quoted = _CHANNELS.sub(lambda found: f"{found[1]}[{', '.join(_quoted(next(fitting)))}]", text)
    return f"[[steps]]{quoted}"


def _listed(text: str) -> list[str]:
    return [each.strip().strip('"') for each in text.split(",")]


def _quoted(names: Iterable[str]) -> list[str]:
    return [f'"{name}"' for name in dict.fromkeys(names)]


def _text(path: Path) -> str | None:
    """What a file says; None where it cannot be read as text, or is not there."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _write(path: Path, text: str) -> None:
    try:
        made_folder(path.parent)
        write_file(path, text.encode())
    except OSError as error:
        raise ManometerError(f"{path} cannot be written: {error.strerror}. See to its permissions.") from None
