"""What screens are made of: widgets, dialogs, keys, and the last gate for text."""
