"""The console in a terminal: the app, its preferences, and the answers to what its screens ask."""
