"""Documents that derive from the code: OpenAPI and the settings."""

from typing import Any

from functions.access.protection import protection_from
from functions.lending.app import create_service, open_book
from functions.lending.settings import LENDING_VARIABLES, settings_from
from functions.web.app_factory import describe

NOWHERE = {"DATABASE_URL": "postgresql://nobody@localhost/book"}  # it is never connected to


def openapi() -> dict[str, Any]:
    """Build the OpenAPI document."""
    settings = settings_from(NOWHERE)
    book = open_book(settings)
    return describe(create_service(book), protection_from(settings.access, settings.listening))


def settings_by_concern() -> dict[str, list[dict[str, str]]]:
    """List the variables of the loan book."""
    return {"Loan book": [variable._asdict() for variable in LENDING_VARIABLES]}


DOCUMENTS = {"openapi": openapi, "settings": settings_by_concern}
