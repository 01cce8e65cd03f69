import pytest

from models.discovery import credit_models
from models.errors import DeclarationError, UnknownModelError
from tests.support.running import MODELS
from tests.support.toy import Toy


def test_the_catalogue_holds_the_bundled_models() -> None:
    # `make run` trains all of them but the one of the loan book, which `make lending` trains.
    assert sorted(credit_models()) == sorted([*MODELS, "instalment"])


def test_a_module_outside_the_repository_adds_its_models() -> None:
    assert credit_models(["tests.support.toy"])["toy"] is Toy


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("no_such_module", "no_such_module cannot be imported"),
        (".relative", ".relative cannot be imported"),
        (
            "tests.support.broken_model",
            "tests.support.broken_model cannot be imported: name 'nothing'",
        ),
        ("tests.support.unbuildable_model", "unbuildable cannot be built: "),
        ("json", "json declares no CreditModel"),
        ("models.catalogue.application", "application, which is in the catalogue already"),
    ],
)
def test_a_wrong_module_is_refused_by_name(module: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        credit_models([module])


def test_an_unknown_model_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownModelError, match=", ".join(MODELS)):
        credit_models()["mortgage"]
