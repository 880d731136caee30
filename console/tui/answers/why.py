"""Why and why not for the console: each trigger's answer for one customer, from the same explanation as the
command's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.forecast import why
from console.forecast.why import explain_all
from core.explain.words import localized
from core.playbook.playbook import Playbook
from screens.ports import Cancelled, CancelledError
from screens.ports.why import CheckLine, CustomerVerdicts, Verdict
from storage import customers

if TYPE_CHECKING:
    from console.tui.answers import LocalService


class WhyAnswers:
    """Explains from the database of a LocalService."""

    def __init__(self, local: LocalService) -> None:
        self._local = local

    def verdicts(self, customer: str, cancelled: Cancelled) -> CustomerVerdicts:
        """Every trigger's answer for the customer of a key or identity."""
        playbook, now = self._local.in_force().playbook, self._local.now()
        with self._local.asking(cancelled) as connection:
            identifier = customers.resolve(connection, customer)
            person, answers = explain_all(connection, playbook, identifier, now, now)
            found: list[why.TriggerExplanation] = []
            for each in answers:
                if cancelled():
                    raise CancelledError
                found.append(each)
        verdicts = tuple(_as_verdict(each, playbook) for each in sorted(found, key=why.by_relevance))
        return CustomerVerdicts(identifier, person.key, person.name, verdicts)


def _as_verdict(answer: why.TriggerExplanation, playbook: Playbook) -> Verdict:
    found = answer.explanation
    trace = tuple(
        CheckLine(check.check, check.holds, localized(check.detail, playbook.zone)) for check in found.trace
    )
    return Verdict(
        answer.trigger, answer.title, answer.status, found.verdict, found.reason, answer.since, found.words,
        trace,
        found.step, found.behind, found.short, found.foretold,
    )  # fmt: skip
