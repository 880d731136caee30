"""The answers to what the screens ask, from a workspace of this machine: one file for each port."""
