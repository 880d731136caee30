"""The few errors a caller cannot go on after; outcomes of a decision are values, not errors.

ManometerError          something a person has to put right; its text says what, where and what to do
├── ConditionError      core.language: a condition that cannot be read
├── ColumnError         core.sources: a column of a file does not show how its values are written
├── WorkspaceError      console.workspace: files of a workspace with faults
├── UsageError          console.cli.errors: the command line asks for something that does not exist
├── NotConfirmedError   console.cli.output: a question was answered with no, or nobody was there to answer
├── OutboxError         storage.outbox.dispatch: the state of a message does not allow what was asked
├── QuarantineError     storage.quarantine: what an operator named is not set aside
├── UnreadableCustomerError  storage.intake.batch: the row of a customer cannot be read
├── UnreadableEventError  storage.event_json: the row of an event cannot be read
├── CpuLimitError       console.quarantine: a piece of work has used up its processor time
├── UnreachableError    console.health.channel_trial: a channel's other side does not answer now
├── RefusedError        console.daemon: the scheduler cannot start here
├── GoneError           console.daemon: what the scheduler works on has gone
└── StoreError          storage.sqlite: the database is missing, too new, or on an unsafe SQLite library
    ├── TransientStoreError   storage.store: it is busy or full; a later try may succeed
    ├── DamagedStoreError     storage.store: its pages contradict each other; a backup is needed
    └── LeaseLostError        storage.leases: another process has taken over; nothing more may be written
"""


class ManometerError(Exception):
    """Something a person has to put right; the text says what happened, to what, and what to do."""

    may_succeed_later = False
    """Nothing has to be put right but the moment: the same may succeed later."""
