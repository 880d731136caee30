"""Fields and tables that several commands print."""
