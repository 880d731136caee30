"""The schema: its tables, their versions, and how values become rows."""
