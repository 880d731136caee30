"""The decisions of Manometer, as pure values and functions. Read this first, then `core/engine/__init__.py`.

    advance(dossier, playbook, until) -> Plan

- `dossier`: all that is known of one customer. `playbook`: what the operators have decided. `plan`: what
  follows.
- `engine` plays a customer's instants in order; `life` is her state while it does, `log` what is known of her
  past.
- `arrivals` takes in an event; `entry` makes her enter a trigger; `goals` says what ends that; `kinds/` says
  what causes it.
- `steps` decides one step that is due: `guards` in their order, then `placement` (quiet hours and pressure
  together), then `contest` (stronger candidates that can be foreseen, where the playbook looks ahead).
- Among them: `preference` puts a customer's preferred channel first, `digest` lets steps of one instant share
  a message.
- `journey` moves an enrolment on; `branches` says which way, and what applies at a step; `pauses` carries out
  what the end of a pause means; `versions` says what a changed playbook means for those under way.
- `windows`, `pressure`, `quiet_hours`, `capacity`, `instants`, `anniversaries`: time and limits, without
  customers. `language/`: conditions, `predicate`: one of them, ready to be asked.
- `customer`, `events`, `dossier`, `consent`, `triggers`, `playbook`, `decisions`, `reasons`: the values.
  `roster`: a playbook, indexed.
- Before a decision: `intake` reads a line of a source. After it: `last_look` and `delivery` at hand-over,
  `products` for what the templates show; `why`, `causes` (how far from entering), `words` and `journey_words`
  explain it.
- Many decisions: `preview` adds them up, `what_if` changes a playbook for a question, `diff` compares two
  futures, `imagined` makes one from the past, `backtest` tries a trigger on the past, `drift` finds why it
  came otherwise, `approval` what approving fills.
- Beside decisions: `outbox` (what may be done with a message), `health` (one judgement of how it all does),
  `filters` (what people write into a filter line), `folding` (names as people type them). `errors`: the few
  that a caller cannot go on after.

Nothing here reads a clock, a file, a database or a dice, or logs. `now` is always an argument. Instants are
whole milliseconds UTC, money whole minor units, points thousandths.
"""
