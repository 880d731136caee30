"""The messages that wait, go and went: for the dispatcher, for operators, and in lists."""
