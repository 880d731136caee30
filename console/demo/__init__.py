"""The furnished workspace of the demonstration."""
