"""What previews, comparisons and drift read, and what is kept of them."""
