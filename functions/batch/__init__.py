"""Scoring of files: millions of rows in, parts with scores, records and faults out."""
