"""What the operators have decided, as one value; the same looked up the other way round; and what a new
version changes.
"""
