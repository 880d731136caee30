"""The decisions of Manometer, as pure values and functions. Read this first, then `core/engine/__init__.py`.

    advance(dossier, playbook, until) -> Plan

The dossier holds all that is known of one customer, the playbook what the operators have decided, and the
plan what follows. The packages, from the ground up; each imports only those before it:

- `language`: the conditions that people write, from text to a function of a customer's facts.
- `limits`: windows of time, contact pressure, quiet hours and capacity, without customers.
- `model`: the values. `enrolment` owns where a journey stands (due, deferred or held): every change to that
  is a method there. `when` is what a trigger asks of its kind, and `nearness` how it says how far a customer
  is.
- `playbook`: the playbook, the same looked up the other way round (`index`), and what a new version does to
  those under way (`versions`).
- `engine`: `advance`, which plays a customer's instants in order. `state` is the customer meanwhile, `log`
  the known past. `arrivals` takes in an event, `entry` makes the customer enter a trigger, `goals` says what
  ends that, `steps` decides a step that is due: the `guards` in their order, then `placement` (quiet hours
  and pressure together), then `priority_lookahead` (stronger candidates that can be foreseen). `journey`
  moves an enrolment on from step to step, and `pauses` carries out what the end of a pause means.
- `explain`: decisions, conditions and journeys in words.
- `kinds`: the kinds of trigger, one file each. The engine finds them behind `trigger.when` and names none.
- `forecast`: what many decisions come to. `preview` adds them up, `what_if` changes a playbook for a
  question, `diff` compares two futures, `replayed_future` makes one from the past, `backtest` tries a
  trigger on the past, and `drift` finds why it came otherwise.
- `sources`: reads the records of a source.

Nothing here reads a clock, a file, a database or a dice, or logs. `now` is always an argument. Instants are
whole milliseconds UTC, money whole minor units, points thousandths.
"""
