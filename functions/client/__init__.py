"""A typed client of the scoring function, for callers in Python."""
