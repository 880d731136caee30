"""Who may use what lies in a workspace: whoever may use its folder, and nobody else. Modes as numbers.

Rights that came from the umask of whoever was first kept the service's account out of what an operator had
made, and the other way round. So the folder says it, as a shared repository of Git does.
"""

from __future__ import annotations

from typing import Final

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
_GROUP: Final = 0o070
_GROUP_OF_FILE: Final = 0o060
_KEEPS_GROUP: Final = 0o2000
_OTHERS_WRITE: Final = 0o002


def of_file(folder: int, *, same_group: bool = True) -> int:
    """The mode of a new file, by the mode of its folder; for the owner alone where everybody may write
    there, or where the file is of another group than the folder.
    """
    shared = same_group and not folder & _OTHERS_WRITE
    return PRIVATE_FILE | (folder & _GROUP_OF_FILE if shared else 0)


def of_folder(folder: int, *, same_group: bool = True) -> int:
    """The same of a new folder, which hands its group on where the one around it does."""
    shared = same_group and not folder & _OTHERS_WRITE
    return PRIVATE_FOLDER | (folder & (_GROUP | _KEEPS_GROUP) if shared else 0)
