"""What an environment names, before anything is checked; imports nothing, so that it costs none."""

from collections.abc import Mapping


def store_uri_from_environment(environment: Mapping[str, str]) -> str | None:
    """The URI of the model store: ours, else the one Vertex AI names."""
    return environment.get("MODEL_STORE") or environment.get("AIP_STORAGE_URI") or None


def default_model_from_environment(environment: Mapping[str, str]) -> str:
    """The model that is meant where a contract names none."""
    return environment.get("DEFAULT_MODEL") or "application"
