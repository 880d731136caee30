"""From values to cells: pure functions, tested without a terminal."""
