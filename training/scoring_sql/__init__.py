"""Scoring in a warehouse: versions of additive families, written as one SQL statement."""
