"""Object names in a model store.

champions/<model>.json                   the pointer: the only object that is ever replaced
versions/<model>/<version>/bundle.zip    the bundle: a version exists if this object exists
versions/<model>/<version>/...           reports for people and monitoring, written before it
"""

BUNDLE = "bundle.zip"


def pointer_path(model_name: str) -> str:
    """Return the object name of a model's pointer."""
    return f"champions/{model_name}.json"


def versions_prefix(model_name: str) -> str:
    """Return the prefix of all versions of a model."""
    return f"versions/{model_name}/"


def version_prefix(model_name: str, version: str) -> str:
    """Return the prefix of the objects of one version."""
    return f"{versions_prefix(model_name)}{version}/"


def bundle_path(model_name: str, version: str) -> str:
    """Return the object name of a version's bundle."""
    return version_prefix(model_name, version) + BUNDLE
