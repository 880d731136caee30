"""Muster Mode, the imaginary Swiss fashion retailer of the demonstration: its workspace, and a generator of
its customers' past.
"""
