import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from models.contract import CreditModel, characteristics
from models.data_file import CsvDialect, DataFile
from models.discovery import credit_models
from models.errors import DataError
from training.reading.inspection import AFTERWARDS, AMBIGUOUS, ColumnProfile
from training.reading.model_draft import Draft, class_name_from_file, write_draft

PROFILES = [
    ColumnProfile(name="Loan ID", kind="text", missing=0, distinct=9, remarks=("an identifier?",)),
    ColumnProfile(
        name="Amount.Requested", kind="number", missing=0, distinct=50, low=0, high=30_000, auc=0.7
    ),
    ColumnProfile(name="yearsEmployed", kind="integer", missing=3, distinct=30, low=-2, high=41),
    ColumnProfile(name="home", kind="levels", missing=0, distinct=2, levels=('the "own"', "rent")),
    ColumnProfile(name="class", kind="integer", missing=0, distinct=5, low=1, high=5, auc=0.4),
    ColumnProfile(name="scale", kind="number", missing=0, distinct=5, low=0, high=0.5),
    ColumnProfile(name="2nd income", kind="number", missing=0, distinct=5, low=0, high=10),
    ColumnProfile(name="Age", kind="integer", missing=0, distinct=40, low=18, high=80),
    ColumnProfile(name="granted", kind="date", missing=0, distinct=40),
    ColumnProfile(name="country", kind="levels", missing=0, distinct=1, remarks=("constant",)),
    ColumnProfile(name="MIS", kind="levels", missing=0, distinct=2, levels=("bad", "good")),
]
DECLARED = DataFile(
    csv=CsvDialect(delimiter=";", decimal=",", symbols=("$",)),
    outcome_column="MIS",
    outcome={"bad": 1, "good": 0},
)


DRAFT = Draft(
    source="loans.csv",
    class_name="DraftLoans",
    label="is_default",
    data_file=DECLARED,
    base_rate=0.21,
    profiles=PROFILES,
)


def write(declared: DataFile = DECLARED) -> str:
    return write_draft(replace(DRAFT, data_file=declared))


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[CreditModel]:
    """The draft, imported as `CREDIT_MODELS` does."""
    (tmp_path / "draft_loans.py").write_text(write())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "draft_loans", raising=False)
    return credit_models(("draft_loans",))["draft_loans"]


def test_a_draft_is_a_model_that_can_be_trained(model: type[CreditModel]) -> None:
    fields = {c.name: c for c in characteristics(model)}
    assert list(fields) == [
        *("amount_requested", "years_employed", "home", "field_class", "field_scale"),
        *("n_2nd_income", "age"),
    ]
    assert model.data_file == DECLARED
    assert (model.policy.approve_below, model.policy.decline_from) == (0.21, 0.42)
    assert fields["age"].protected
    assert fields["years_employed"].optional
    assert fields["amount_requested"].source.names == ("Amount.Requested",)
    assert fields["home"].levels == ('the "own"', "rent")


@pytest.mark.parametrize(
    "name", ["Geschlecht", "Nationalität", "kunden-alter", "GéNERO", "sexo", "DOB", "is_foreign"]
)
def test_protected_characteristics_are_marked_in_several_languages(name: str) -> None:
    profile = ColumnProfile(name=name, kind="levels", missing=0, distinct=2, levels=("a", "b"))
    assert "Protected()" in write_draft(replace(DRAFT, profiles=[*PROFILES, profile]))[-200:]


def test_bounds_leave_room(model: type[CreditModel]) -> None:
    valid = {
        "amount_requested": 60_000.0,
        "years_employed": -5,
        "home": "rent",
        "field_class": 1,
        "field_scale": 0.5,
        "n_2nd_income": 1.0,
        "age": 90,
    }
    model.model_validate(valid)
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        model.model_validate(valid | {"amount_requested": -1.0})


def test_what_is_left_out_and_what_could_have_a_sign_is_said() -> None:
    text = write()
    assert "# Left out: Loan ID (an identifier?)" in text
    assert "# Left out: granted (a date: name it as date_column" in text
    assert "# Left out: country (constant)" in text
    assert "# Riskier as it rises (AUC alone 0.700); declare Risk(+1) if that has a reason." in text
    assert "# Riskier as it falls (AUC alone 0.600); declare Risk(-1)" in text
    assert "MIS:" not in text


def test_a_plain_file_needs_no_declaration_of_its_form() -> None:
    assert "data_file" not in write(DataFile())
    assert "CsvDialect" not in write(DataFile(outcome_column="MIS"))


@pytest.mark.parametrize(
    ("file", "name"),
    [("my-loans 2024.csv", "MyLoans2024"), ("loans.py", "Loans"), ("2024.csv", "Model2024")],
)
def test_a_class_is_named_after_its_file(file: str, name: str) -> None:
    assert class_name_from_file(file) == name


@pytest.mark.parametrize(
    "name", ["amount\n(EUR)", "größe in m²", "int", "cls", "self", "label", "x²"]
)
def test_any_column_gives_a_draft_that_can_be_imported(name: str) -> None:
    for missing in (0, 3):
        profile = ColumnProfile(
            name=name, kind="number", missing=missing, distinct=9, low=0, high=1
        )
        text = write_draft(replace(DRAFT, profiles=[profile, replace(profile, kind="date")]))
        namespace: dict[str, object] = {"__name__": "drafted"}
        exec(compile(text, "draft", "exec"), namespace)  # noqa: S102 -- what an import does


def test_a_file_without_a_field_has_no_draft() -> None:
    with pytest.raises(DataError, match="no column of the data can be a field"):
        write_draft(replace(DRAFT, profiles=PROFILES[:1]))


def test_columns_known_only_afterwards_are_declared_so() -> None:
    leak = ColumnProfile(
        name="recovered", kind="number", missing=0, distinct=9, low=0, high=1, remarks=(AFTERWARDS,)
    )
    text = write_draft(replace(DRAFT, profiles=[*PROFILES, leak]))
    assert 'known_afterwards=("recovered",)' in text
    assert "# Left out: recovered (tells the outcome almost alone" in text


def test_what_inspect_suggests_to_declare_is_no_field_of_the_draft() -> None:
    text = write_draft(replace(DRAFT, suggested={"group_column": "yearsEmployed"}))
    assert "# Left out: yearsEmployed (perhaps the group_column: declare it so" in text
    assert "years_employed" not in text


def test_a_declared_special_column_is_not_declared_to_be_known_only_afterwards() -> None:
    weight = ColumnProfile(
        name="wt", kind="number", missing=0, distinct=9, low=1, high=9, remarks=(AFTERWARDS,)
    )
    declared = replace(DECLARED, weight_column="wt", known_afterwards=("later",))
    text = write_draft(replace(DRAFT, data_file=declared, profiles=[*PROFILES, weight]))
    assert 'known_afterwards=("later",)' in text


def test_no_field_of_a_draft_is_called_like_another_column() -> None:
    number = ColumnProfile(
        name="Annual Income ($)", kind="number", missing=0, distinct=9, low=0, high=9
    )
    text = write_draft(replace(DRAFT, profiles=[number, replace(number, name="annual_income")]))
    assert re.findall(r"^    (\w*annual_income): ", text, re.MULTILINE) == [
        "field_annual_income",
        "annual_income",
    ]


def test_what_no_field_can_read_is_left_out_of_the_draft() -> None:
    column = ColumnProfile(
        name="term", kind="other", missing=0, distinct=2, remarks=("a duration cannot be read",)
    )
    assert "# Left out: term (a duration cannot be read)" in write_draft(
        replace(DRAFT, profiles=[*PROFILES, column])
    )


def test_a_draft_says_that_its_form_of_dates_is_a_guess() -> None:
    column = ColumnProfile(name="granted", kind="date", missing=0, distinct=9, remarks=(AMBIGUOUS,))
    text = write_draft(replace(DRAFT, profiles=[*PROFILES[:8], column]))
    assert f"    # granted: {AMBIGUOUS}\n    data_file: ClassVar" in text
