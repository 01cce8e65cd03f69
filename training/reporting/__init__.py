"""The sections of a model report: figures, charts and the page."""
