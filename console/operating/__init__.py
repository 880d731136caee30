"""What operators do to what waits: pausing and resuming, approving and rejecting."""
