"""Passes of the engine: one now, or a span of the past again."""
