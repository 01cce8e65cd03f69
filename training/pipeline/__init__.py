"""Data for training and monitoring: sources -> lake -> warehouse -> feature tables."""
