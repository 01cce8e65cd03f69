"""Synthetic data: seeded generators with a known true probability of default for each row."""
