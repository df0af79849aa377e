"""Evidence: metrics, statistics, leaks."""
