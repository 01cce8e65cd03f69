"""Imported before anything else when a server starts: a cold start is mostly imports."""

import gc
import os

gc.disable()  # imports create nothing that a collection could free
for name, value in {
    # pydantic looks for plugins among all installed packages; none may alter validation here.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
    # google-cloud-storage would read the bucket's metadata for tracing: one more request, and one
    # that the service account is not allowed to make.
    "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA": "true",
}.items():
    os.environ.setdefault(name, value)  # noqa: TID251 -- libraries read these


def finish_imports() -> None:
    """Turn garbage collection on again, and exempt what is loaded by now: it stays."""
    gc.freeze()
    gc.enable()
