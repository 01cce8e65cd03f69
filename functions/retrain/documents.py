"""Documents that derive from the code: OpenAPI and the settings."""

from typing import Any

from functions.access.protection import protection_from
from functions.retrain.app import create_service
from functions.retrain.settings import TRAINING_VARIABLES, settings_from
from functions.web.app_factory import describe


def openapi() -> dict[str, Any]:
    """Build the OpenAPI document."""
    settings = settings_from({})
    return describe(create_service(settings), protection_from(settings.access, settings.listening))


def settings_by_concern() -> dict[str, list[dict[str, str]]]:
    """List the variables of retraining."""
    return {"Retraining": [variable._asdict() for variable in TRAINING_VARIABLES]}


DOCUMENTS = {"openapi": openapi, "settings": settings_by_concern}
