"""Why and why not for the console: each trigger's answer for one customer, from the same explanation as the command's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.why import explain_on, gather
from core.customer import full_name
from core.instants import Instant
from core.playbook import Playbook
from core.why import Explanation
from core.words import localized
from screens.service import Cancelled, CancelledError
from screens.service.why import Answer, CheckLine, Verdict
from storage import customers

if TYPE_CHECKING:
    from console.service import LocalService


class Why:
    """Explains from the database of a LocalService."""

    def __init__(self, local: LocalService) -> None:
        self._local = local

    def verdicts(self, customer: str, cancelled: Cancelled) -> Answer:
        """Every trigger's answer for the customer of a key or identity."""
        playbook, now = self._local.in_force().playbook, self._local.now()
        with self._local.asking(cancelled) as connection:
            identifier = customers.resolve(connection, customer)
            state = customers.state_of(connection, identifier)
            decided = customers.last_decided(connection, identifier)
            steps = {row["trigger"]: int(row["step"]) for row in customers.under_way(connection, identifier)}
            known = gather(connection, playbook, identifier, now, now)
            names = dict.fromkeys([*sorted(decided, key=lambda name: -decided[name]), *playbook.roster.by_name])
            verdicts: list[Verdict] = []
            for name in names:
                if cancelled():
                    raise CancelledError
                explanation = explain_on(connection, playbook, known, name)
                verdicts.append(_as_verdict(name, playbook, explanation, decided.get(name), steps.get(name)))
        verdicts.sort(key=_lately)
        return Answer(identifier, state["key"], full_name(state["first_name"], state["last_name"]) or None, tuple(verdicts))


def _as_verdict(name: str, playbook: Playbook, explanation: Explanation, since: Instant | None, step: int | None) -> Verdict:
    trigger = playbook.roster.by_name.get(name)
    title, status = (name, "retired") if trigger is None else (trigger.title, trigger.status)
    trace = tuple(CheckLine(check.check, check.holds, localized(check.detail, playbook.zone)) for check in explanation.trace)
    return Verdict(name, title, status, explanation.verdict, explanation.reason, since, explanation.words, trace, step, explanation.behind)


def _lately(verdict: Verdict) -> tuple[Instant, bool, bool, str]:
    """The latest decision first; then where she is under way, then what is active, then drafts, each by name."""
    return -(verdict.since or 0), verdict.step is None, verdict.status != "active", verdict.trigger
