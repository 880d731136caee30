"""The names that templates are built on: of their files, and of what their texts may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.language.fields import CUSTOMER_FIELDS
from core.products import LISTS

MEDIUM_FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "email": ("email.html", "email.txt"),
    "sms": ("sms.txt",),
    "webpush": ("webpush.json",),
    "whatsapp": ("whatsapp.json",),
    "print": ("print.json",),
    "webhook": ("webhook.json",),
}
"""The files of each medium, one of which a template must hold."""
SUBJECT: Final = "subject.txt"
DIGEST_FILES: Final = {"email.html": "digest.html", "email.txt": "digest.txt"}
"""What a template may hold in place of these for a message in which another leads."""
TEMPLATE_FILES: Final = frozenset(
    {SUBJECT, *DIGEST_FILES.values(), *(file for files in MEDIUM_FILES.values() for file in files)}
)

VARIABLES: Final = frozenset(
    {"customer", "event", "step", "trigger", "workspace", "unsubscribe_url", "answer_token", "now", "digest"}
)
CUSTOMER_NAMES: Final = frozenset({*CUSTOMER_FIELDS, "trait", *LISTS})
EVENT_NAMES: Final = frozenset({"name", "at", "properties"})
