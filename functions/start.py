"""Imported before anything else by what the containers run: a cold start is imports above all."""

import gc
import os

# Imports make nothing that a collection could free.
gc.set_threshold(50_000, 20, 50)
# Pydantic looks for plugins among all installed packages; none may touch validation here.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # noqa: TID251 -- pydantic reads it
