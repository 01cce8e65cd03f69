"""What the environment names before anything is checked; imports nothing, so that it costs none."""

from collections.abc import Collection, Mapping


def store_uri_from_environment(environment: Mapping[str, str]) -> str | None:
    """Return the URI of the model store: `MODEL_STORE`, else the one Vertex AI names."""
    return environment.get("MODEL_STORE") or environment.get("AIP_STORAGE_URI") or None


def default_model_from_environment(environment: Mapping[str, str]) -> str:
    """Return the name of the model that is used where a contract names none."""
    return environment.get("DEFAULT_MODEL") or "application"


def parse_default_model(
    environment: Mapping[str, str], names: Collection[str]
) -> tuple[str, list[str]]:
    """Read `DEFAULT_MODEL`, which must be one of the catalogue's names; also return its faults."""
    name = default_model_from_environment(environment)
    if name in names:
        return name, []
    return name, [f"DEFAULT_MODEL: {name!r} is not one of {', '.join(names)}"]
