"""Migrations: bring a database to the newest version, one process at a time."""

from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from functions.lending.errors import NoUserError

FOLDER = Path(__file__).parent
LOCK = 7_308_604_902_712  # any number, the same in every process that migrates
SERVICE_ROLES = ("lending_branch", "lending_book", "lending_client", "lending_reader")
JOB_ROLES = ("lending_book",)


def upgrade(engine: Engine) -> None:
    """Apply every migration that the database lacks."""
    with engine.begin() as connection:
        # Held until the end of the transaction: a second release waits, then has nothing to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        command.upgrade(_config(connection), "head")


def grant_roles(engine: Engine, user: str, roles: Sequence[str]) -> None:
    """Let a user of the database act as these roles, and own nothing.

    Raises
    ------
    NoUserError
        If the database has no such user.
    """
    with engine.begin() as connection:
        look = text("SELECT 1 FROM pg_roles WHERE rolname = :user")
        if not connection.execute(look, {"user": user}).scalar():
            raise NoUserError(user)
        quote = connection.dialect.identifier_preparer.quote_identifier
        connection.execute(text(f"GRANT {', '.join(roles)} TO {quote(user)}"))


def downgrade(engine: Engine) -> None:
    """Undo every migration."""
    with engine.begin() as connection:
        command.downgrade(_config(connection), "base")


def newest_revision() -> str | None:
    """Return the revision that the code was written for."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
