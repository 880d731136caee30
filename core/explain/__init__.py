"""Decisions in words: why and why not, how near a customer is to a trigger, and what a journey does."""
