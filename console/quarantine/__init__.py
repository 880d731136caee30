"""What is set aside because working on it failed: failures noted with their traces, and what was under way
when a process was killed.
"""
