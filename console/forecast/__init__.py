"""Questions about many customers at once: preview, comparison, backtest, drift, and why."""
