"""What is asked about a future or a past: previews, comparisons, what-ifs, backtests and drift, as sums of
plans.
"""
