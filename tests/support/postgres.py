"""A real PostgreSQL server from pip, for as long as a test needs it."""

from infra.local.postgres import running_postgres

__all__ = ["running_postgres"]
