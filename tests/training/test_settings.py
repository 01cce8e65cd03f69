import os

from training.settings import REPOSITORY, settings_from_environment


def test_without_variables_models_are_published_below_var() -> None:
    settings = settings_from_environment({})
    assert settings.model_store == (REPOSITORY / "var" / "store").as_uri()
    assert settings.credit_models == ()
    assert settings.threads == len(os.sched_getaffinity(0))


def test_variables_set_the_store_and_the_modules() -> None:
    settings = settings_from_environment({"MODEL_STORE": "gs://b/p", "CREDIT_MODELS": "a.b,c"})
    assert (settings.model_store, settings.credit_models) == ("gs://b/p", ("a.b", "c"))


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    empty = settings_from_environment({"MODEL_STORE": "", "CREDIT_MODELS": ""})
    assert empty == settings_from_environment({})
