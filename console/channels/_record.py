"""A message as one JSON object: what the file channel writes on a line, and the webhook channel sends where
no template says otherwise.
"""

from __future__ import annotations

from typing import Any

from core.instants import format_instant
from core.model.delivery import Outbound


def record(outbound: Outbound) -> dict[str, Any]:
    """All that a reader may need; instants as ISO texts in UTC."""
    return {
        "id": outbound.message_id,
        "key": outbound.key,
        "customer": outbound.customer,
        "channel": outbound.channel,
        "medium": outbound.medium,
        "address": outbound.address,
        "trigger": outbound.trigger,
        "step": outbound.step,
        "subject": outbound.subject,
        "parts": dict(outbound.parts),
        "planned_at": format_instant(outbound.planned_at),
        "sent_at": format_instant(outbound.sent_at),
    } | also(outbound)


def also(outbound: Outbound) -> dict[str, Any]:
    """`digest`: the steps of other journeys in the message; left out where there are none."""
    return (
        {"digest": [{"trigger": trigger, "step": step} for trigger, step in outbound.also]}
        if outbound.also
        else {}
    )
