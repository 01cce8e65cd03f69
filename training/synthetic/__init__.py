"""Seeded sources whose true probability of default is known for every row."""
