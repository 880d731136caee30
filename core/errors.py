"""The few errors a caller cannot go on after; outcomes of a decision are values, not errors.

ManometerError          something a person has to put right; its text says what, where and what to do
├── ConditionError      core.language: a condition that cannot be read
├── WorkspaceError      console.workspace: files of a workspace with faults
└── StoreError          storage: the database is missing, too new, or on an unsafe SQLite library
"""


class ManometerError(Exception):
    """Something a person has to put right; the text says what happened, to what, and what to do."""
