"""Experiments: what holds while processes are killed, the power fails, the disk errs and providers lie."""
