"""What is seen: screens, widgets, and the pure layer that turns values into cells."""
