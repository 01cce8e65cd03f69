"""Documents that derive from the code: OpenAPI and the settings."""

from typing import Any

from functions.access.protection import protection_from
from functions.batch.app import create_service, create_worker
from functions.batch.settings import BATCH_VARIABLES, settings_from
from functions.web.app_factory import describe


def openapi() -> dict[str, Any]:
    """Build the OpenAPI document."""
    settings = settings_from({})
    service = create_service(settings, create_worker(settings))
    return describe(service, protection_from(settings.access, settings.listening))


def settings_by_concern() -> dict[str, list[dict[str, str]]]:
    """List the variables of batches."""
    return {"Batches": [variable._asdict() for variable in BATCH_VARIABLES]}


DOCUMENTS = {"openapi": openapi, "settings": settings_by_concern}
