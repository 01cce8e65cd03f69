"""Typed client of the scoring function: `Surety` and `AsyncSurety` in `clients`."""
