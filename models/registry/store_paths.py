"""Where things are in a store.

champions/<model>.json                   the only object that is ever replaced, by compare-and-swap
versions/<model>/<version>/bundle.zip    a version exists when this does
versions/<model>/<version>/...           written before it, for people and monitoring
"""

BUNDLE = "bundle.zip"


def pointer_path(model: str) -> str:
    """Where the pointer of a model is."""
    return f"champions/{model}.json"


def versions_prefix(model: str) -> str:
    """Where all versions of a model are."""
    return f"versions/{model}/"


def version_prefix(model: str, version: str) -> str:
    """Where a version's objects are."""
    return f"{versions_prefix(model)}{version}/"


def bundle_path(model: str, version: str) -> str:
    """Where a version's bundle is."""
    return version_prefix(model, version) + BUNDLE
