"""Alembic's folder: where it starts, and the versions."""
