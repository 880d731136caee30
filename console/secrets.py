"""Secrets that settings name and never hold: read from the environment or a file, at the moment somebody
needs them.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from core.errors import ManometerError

LONGEST: Final = 64 * 1024
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
"""Where systemd puts the credentials of a service; a file named without a folder is looked for there first.
"""
_LOGGER: Final = logging.getLogger("manometer.secrets")


def read_secret(reference: object, what: str, folder: Path) -> str:
    """The secret behind `{env = NAME}` or `{file = PATH}`, without the line end; ManometerError saying what
    to do where it is missing.

    `what` names it for people, such as `channels.email: password`; a relative path is looked for among the
    service's credentials, then in `folder`.
    """
    match reference:
        case {"env": str(name)}:
            return _from_environment(name, what)
        case {"file": str(path)}:
            return _from_file(_place(path, folder), what)
    raise ManometerError(
        f'{what} does not say where the secret is. Write {{ env = "NAME" }} or {{ file = "PATH" }}.'
    )


def read_secrets(references: object, what: str, folder: Path) -> tuple[str, ...]:
    """The secrets of one reference or a list of them, in order."""
    several = references if isinstance(references, list) else [references]
    return tuple(read_secret(reference, what, folder) for reference in several)


def _from_environment(name: str, what: str) -> str:
    secret = os.environ.get(name, "")
    if not secret:
        raise ManometerError(
            f"{what}: the variable {name} is not set. Set it in the environment of the process that sends."
        )
    return secret


def _place(path: str, folder: Path) -> Path:
    given = os.environ.get(CREDENTIALS)
    if given and Path(path).name == path and (Path(given) / path).exists():
        return Path(given) / path
    return folder / Path(path).expanduser()


def _from_file(path: Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            _warn_if_open(path, os.fstat(file.fileno()).st_mode, what)
            secret = file.read(LONGEST).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ManometerError(f"{what}: {path} is not UTF-8. Write the secret as text.") from None
    except OSError as error:
        raise ManometerError(
            f"{what}: {path} cannot be read: {error.strerror}. Put the secret there, readable by this "
            "account."
        ) from None
    if not secret:
        raise ManometerError(f"{what}: {path} is empty. Put the secret there.")
    return secret


def _warn_if_open(path: Path, mode: int, what: str) -> None:
    """Log that others can read the file. Systemd guards its credentials by other means than the mode."""
    if os.environ.get(CREDENTIALS) == str(path.parent):
        return
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        reason = f"{what}: others can read {path}. Run `chmod 600` on it."
        fields = {"what": what, "file": str(path), "reason": reason}
        _LOGGER.warning(
            "manometer: warning: %s",
            reason,
            extra={"event": "readable_secret", "once": True, "fields": fields},
        )


def is_reference(value: object) -> bool:
    """Whether a value of the settings says where a secret is."""
    return (
        isinstance(value, Mapping)
        and len(value) == 1
        and all(
            key in ("env", "file") and isinstance(text, str) and bool(text) for key, text in value.items()
        )
    )
