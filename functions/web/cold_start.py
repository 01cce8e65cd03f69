"""Imported before anything else where a server starts: a cold start is imports above all."""

import gc
import os

gc.disable()  # imports make nothing that a collection could free
for name, value in {
    # It looks for plugins among all installed packages; none may touch validation here.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
    # It would ask for the bucket's metadata, to trace by: one more request, and one not allowed.
    "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA": "true",
}.items():
    os.environ.setdefault(name, value)  # noqa: TID251 -- libraries read these


def imported() -> None:
    """Collect again, and never look at what is there by now: it stays."""
    gc.freeze()
    gc.enable()
