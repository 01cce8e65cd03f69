import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from models.catalogue import german_credit
from models.catalogue.german_credit import GermanCredit
from tests.support import toy as toy_module
from tests.support.toy import Toy
from training.reading.options import DataOptions
from training.reporting import reproduction
from training.reporting.reproduction import (
    build_command,
    describe_reproduction,
    find_commit,
    hash_declaration,
)
from training.run import TrainingJob

JOB = TrainingJob(
    model=Toy,
    data=DataOptions(values={"data": "rows.csv"}),
    seed=7,
    threads=2,
    max_refused_share=0.01,
)


def test_a_model_outside_the_catalogue_is_named_in_the_command() -> None:
    assert build_command(JOB).startswith(
        "CREDIT_MODELS=tests.support.toy python -m training train --model toy --data rows.csv"
    )
    own = replace(JOB, model=GermanCredit)
    assert build_command(own).startswith("python -m training train --model german_credit")


def test_the_hash_of_the_declaration_is_that_of_its_file() -> None:
    for model, module in ((Toy, toy_module), (GermanCredit, german_credit)):
        path = Path(str(module.__file__))
        assert hash_declaration(model) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_declaration_without_a_file_has_no_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Toy, "__module__", "typed.at.a.prompt")
    assert hash_declaration(Toy) is None


def test_a_machine_without_git_has_no_commit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert len(str(find_commit())) >= 40
    monkeypatch.setattr(reproduction, "REPOSITORY", tmp_path)
    assert find_commit() is None
    monkeypatch.setenv("PATH", "")
    assert describe_reproduction(JOB)["commit"] is None
