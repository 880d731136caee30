"""How many messages a channel hands over in a day, an hour or a minute: read from a text and written as
one.
"""

from __future__ import annotations

import re
from typing import Final

Capacity = tuple[int, str]
"""So many per `day`, `hour` or `minute`."""
_FORM: Final = re.compile(r"([0-9]{1,9}) ?/ ?(day|hour|minute)")


def parse_capacity(text: str) -> Capacity:
    """The capacity a text such as `20000/day` says; ValueError where it has another form or is nothing."""
    found = _FORM.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        raise ValueError(
            f'"{text[:40]}" is not a capacity. Write a number per day, hour or minute, such as "20000/day".'
        )
    return int(found[1]), found[2]


def format_capacity(capacity: Capacity) -> str:
    """The text that is read as this capacity."""
    return f"{capacity[0]}/{capacity[1]}"
