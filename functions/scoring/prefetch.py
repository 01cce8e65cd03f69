"""The champion, read from its bucket while the rest of the program is imported.

An instance is started because somebody asks, so this is the first request's read, begun earlier.
Imported before anything large: it knows of settings and of the pointer only what it must.
"""

import json
import os
from collections.abc import Iterator
from functools import partial

from functions.web.environment import default_model_from_environment, store_uri_from_environment
from models.errors import DeclarationError
from models.registry.store_paths import bundle_path, pointer_path
from models.stores.prefetch import PrefetchReader
from models.stores.uri import open_store


def prefetch_champion() -> PrefetchReader | None:
    """Begin to read the default model's champion; nothing if its store is near, or no store."""
    uri = store_uri_from_environment(os.environ)  # noqa: TID251 -- the settings' module imports too much
    if uri is None or uri.startswith("file:"):
        return None
    try:
        store = open_store(uri)  # its client is imported here: in a thread it would be in the way
    except DeclarationError:  # which the settings refuse by name
        return None
    model = default_model_from_environment(os.environ)  # noqa: TID251 -- likewise
    return PrefetchReader(store, pointer_path(model), partial(bundle_paths_from_pointer, model))


def bundle_paths_from_pointer(model: str, pointer: bytes) -> Iterator[str]:
    """Bundles that a pointer names, before anybody has checked it."""
    said = json.loads(pointer)
    yield bundle_path(model, said["champion"]["version"])
    if said["challenger"]:
        yield bundle_path(model, said["challenger"]["version"]["version"])
