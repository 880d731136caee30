"""The decisions of Manometer, as pure values and functions. Read this first, then `core/engine.py`.

    advance(dossier, playbook, until) -> Plan

- `dossier`: all that is known of one customer. `playbook`: what the operators have decided. `plan`: what follows.
- `engine` plays a customer's instants in order; `life` is her state while it does, `log` what is known of her past.
- `arrivals` takes in an event; `entry` makes her enter a trigger; `goals` says what ends that; `kinds/` says what causes it.
- `steps` decides one step that is due: `guards` in their order, then `placement` (quiet hours and pressure together), then
  `contest` (stronger candidates that can be foreseen, where the playbook looks ahead).
- Among them: `preference` puts a customer's preferred channel first, `digest` lets steps of one instant share a message.
- `journey` moves an enrolment on; `branches` says which way, and what applies at a step; `pauses` carries out what the end of a
  pause means.
- `windows`, `pressure`, `quiet_hours`, `instants`: time and limits, without customers. `language/`: conditions.
- `customer`, `events`, `dossier`, `triggers`, `playbook`, `decisions`, `reasons`: the values. `roster`: a playbook, indexed.
- Before a decision: `intake` reads a line of a source. After it: `last_look` and `delivery` at hand-over, `preview` adds decisions
  up, `why`, `words` and `journey_words` explain them. Beside decisions: `outbox` (what may be done with a message), `health` (one
  judgement of how it all does), `filters` (what people write into a filter line). `errors`: the few that a caller cannot go on after.

Nothing here reads a clock, a file, a database or a dice, or logs. `now` is always an argument. Instants are whole
milliseconds UTC, money whole minor units, points thousandths.
"""
