"""The values that decisions are made on and of. Nothing here decides anything."""
