"""Migrations in the order in which they are applied; each runs the SQL files beside it."""
