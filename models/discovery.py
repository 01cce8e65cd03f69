"""Discovery of credit models: the catalogue of this repository and modules from a setting."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable

import models.catalogue
from models.contract import CreditModel, name_from_model
from models.errors import DeclarationError, UnknownModelError


class Catalogue(dict[str, type[CreditModel]]):
    """Credit models by name; a name it lacks raises `UnknownModelError`, which lists the names."""

    def __missing__(self, name: str) -> type[CreditModel]:
        """Report an unknown name in the domain's words."""
        raise UnknownModelError(name, tuple(self))


def credit_models(extra_modules: Iterable[str] = ()) -> Catalogue:
    """Return all credit models by name: the catalogue first, then `extra_modules`.

    Raises
    ------
    DeclarationError
        If a module cannot be imported, declares no credit model, declares a model that cannot be
        built, or uses a name that is already taken.
    """
    own = [f"models.catalogue.{m.name}" for m in pkgutil.iter_modules(models.catalogue.__path__)]
    catalogue = Catalogue()
    for module in [*own, *extra_modules]:
        for model in _models_from_module(module):
            if name_from_model(model) in catalogue:
                message = (
                    f"{module} declares {name_from_model(model)}, which is in the catalogue already"
                )
                raise DeclarationError(message)
            if module not in own:
                _build(model)
            catalogue[name_from_model(model)] = model
    return catalogue


def _build(model: type[CreditModel]) -> None:
    """Build an external contract now, so a fault stops the start and not a later request."""
    try:
        is_built = model.model_rebuild()
    except Exception as error:  # pydantic passes on errors of any type
        message = f"credit model {name_from_model(model)} cannot be built: {error}"
        raise DeclarationError(message) from error
    if is_built is False:
        message = f"credit model {name_from_model(model)} cannot be built"
        raise DeclarationError(message)


def _models_from_module(module_name: str) -> list[type[CreditModel]]:
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # an external module may raise any error at import
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
