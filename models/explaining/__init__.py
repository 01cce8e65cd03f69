"""Explanations of scores and recourse, computed from a scorer."""
