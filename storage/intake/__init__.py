"""Events and people on their way into the database."""
