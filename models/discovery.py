"""Finding credit models: the catalogue of this repository and modules named by a setting."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Mapping

import models.catalogue
from models.contract import CreditModel, name_from_model
from models.errors import DeclarationError, UnknownModelError


def credit_models(extra_modules: Iterable[str] = ()) -> Mapping[str, type[CreditModel]]:
    """All credit models by name: those of the catalogue, then those of `extra_modules`.

    Raises
    ------
    DeclarationError
        If a module cannot be imported, declares no credit model or one that cannot be built, or
        takes a name twice.
    """
    own = [f"models.catalogue.{m.name}" for m in pkgutil.iter_modules(models.catalogue.__path__)]
    found: dict[str, type[CreditModel]] = {}
    for module in [*own, *extra_modules]:
        for model in _declared_in(module):
            if name_from_model(model) in found:
                message = (
                    f"{module} declares {name_from_model(model)}, which is in the catalogue already"
                )
                raise DeclarationError(message)
            if module not in own:
                _build(model)
            found[name_from_model(model)] = model
    return found


def _build(model: type[CreditModel]) -> None:
    """Build someone else's contract now: a fault in it is a wrong setting, not a failed request."""
    try:
        built = model.model_rebuild()
    except Exception as error:  # pydantic raises what its parts raise
        message = f"credit model {name_from_model(model)} cannot be built: {error}"
        raise DeclarationError(message) from error
    if built is False:
        message = f"credit model {name_from_model(model)} cannot be built"
        raise DeclarationError(message)


def find_model(catalogue: Mapping[str, type[CreditModel]], name: str) -> type[CreditModel]:
    """Look a model up by name.

    Raises
    ------
    UnknownModelError
        If there is none; the message lists those there are.
    """
    if name not in catalogue:
        raise UnknownModelError(name, tuple(catalogue))
    return catalogue[name]


def _declared_in(module_name: str) -> list[type[CreditModel]]:
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a module of someone else's may raise anything at import
        message = f"credit model module {module_name} cannot be imported: {error}"
        raise DeclarationError(message) from error
    declared = [
        value
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, CreditModel) and value.__module__ == module_name
    ]
    if not declared:
        message = f"credit model module {module_name} declares no CreditModel"
        raise DeclarationError(message)
    return declared
