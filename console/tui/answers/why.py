"""Why and why not for the console: each trigger's answer for one customer, from the same explanation as the
command's.
"""

from __future__ import annotations

from console.forecast.why import by_relevance, explain_all
from console.tui.answers.local_workspace import LocalWorkspace
from core.explain.trigger_explanation import TriggerExplanation
from screens.ports import Cancelled, CancelledError
from screens.ports.why import CustomerExplanations
from storage import customers


class WhyAnswers:
    """Explains from the database of a LocalWorkspace."""

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local

    def explanations(self, customer: str, cancelled: Cancelled) -> CustomerExplanations:
        """Every trigger's answer for the customer of a key or identity; ManometerError where there is
        none.
        """
        playbook, now = self._local.in_force().playbook, self._local.now()
        with self._local.asking(cancelled) as connection:
            identifier = customers.resolve(connection, customer)
            person, answers = explain_all(
                connection, playbook, identifier, now, now, self._local.store.path.parent
            )
            found: list[TriggerExplanation] = []
            for each in answers:
                if cancelled():
                    raise CancelledError
                found.append(each)
        return CustomerExplanations(
            identifier, person.key, person.name, tuple(sorted(found, key=by_relevance))
        )
