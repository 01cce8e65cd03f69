"""Prefetching the champion: read from its bucket while the rest of the program is imported.

An instance is started because a request arrived, so this is that request's read, started earlier.
Imported before anything large: it knows only what it must of settings and of the pointer.
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
    """Start to read the default model's champion; None if the store is local or not set."""
    uri = store_uri_from_environment(os.environ)  # noqa: TID251 -- the settings' module imports too much
    if uri is None or uri.startswith("file:"):
        return None
    try:
        store = open_store(uri)  # imports its client here: a thread would contend with the imports
    except DeclarationError:  # which the settings report by name
        return None
    model_name = default_model_from_environment(os.environ)  # noqa: TID251 -- likewise
    bundle_paths = partial(bundle_paths_from_pointer, model_name)
    return PrefetchReader(store, pointer_path(model_name), bundle_paths)


def bundle_paths_from_pointer(model_name: str, data: bytes) -> Iterator[str]:
    """Return the bundles that a pointer names, before it has been validated."""
    pointer = json.loads(data)
    yield bundle_path(model_name, pointer["champion"]["version"])
    if pointer["challenger"]:
        yield bundle_path(model_name, pointer["challenger"]["version"]["version"])
