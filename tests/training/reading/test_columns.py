from typing import Annotated

import pytest
from pydantic import Field

from models.annotations import FromColumn, Reason, Risk
from models.data_file import DataFile
from models.errors import DataError
from tests.support.toy import Toy
from training.reading.columns import ColumnMap, map_columns
from training.reading.options import DataOptions

NAMES = ["age", "income", "debt", "home", "months_since_default", "is_default"]


class Foreign(Toy):
    """The toy model on data with other names."""

    debt: Annotated[
        float,
        Field(ge=0, le=1e6),
        FromColumn("Amount.Requested", "AMT", factor=0.01),
        Risk(+1),
        Reason("T2", "Debt is high"),
    ]


def foreign(*names: str, **chosen: str) -> ColumnMap:
    others = [name for name in NAMES if name != "debt"]
    return map_columns(Foreign, [*others, *names], DataFile(), chosen, ())


def test_a_field_may_have_other_names_in_the_data() -> None:
    for name in ("debt", "Amount.Requested", "AMT"):
        assert foreign(name).fields["debt"] == name
    assert foreign("AMT", "D", debt="D").fields["debt"] == "D"
    assert foreign("AMT").used() == {*NAMES, "AMT"} - {"debt"}


def test_two_columns_for_one_field_are_never_chosen_between() -> None:
    with pytest.raises(DataError, match=r"columns debt and AMT; name .* --column debt=debt"):
        foreign("AMT", "debt")


def test_a_misspelt_column_is_suggested_and_not_taken() -> None:
    names = ["months_since_defualt" if n == "months_since_default" else n for n in NAMES]
    with pytest.raises(DataError) as error:
        map_columns(Toy, names, DataFile(), {}, ())
    assert str(error.value) == (
        "the data has no column months_since_default: if months_since_defualt is meant, declare "
        "--column months_since_default=months_since_defualt; if nobody has it, declare "
        "--without months_since_default"
    )


@pytest.mark.parametrize(
    ("declared", "chosen", "without", "message"),
    [
        (DataFile(), {"height": "age"}, (), "--column height: the model has no such field"),
        (DataFile(), {"debt": "zz"}, (), "--column debt=zz: the data has no column zz"),
        (DataFile(), {}, ("height",), "--without height: the model has no such field"),
        (DataFile(), {}, ("income",), "--without income: the field is required"),
        (DataFile(), {"debt": "income"}, (), "the column income is declared for income and debt"),
        (DataFile(outcome_column="home"), {}, (), "home is declared for home and is_default"),
        (DataFile(outcome_column="status"), {}, (), "the data has no column status: the data has"),
        (DataFile(known_afterwards=("debt",)), {}, (), "debt reads the column debt, which is decl"),
        (
            DataFile(known_afterwards=("months_since_defualt",)),
            *({}, (), "months_since_defualt; is months_since_default meant"),
        ),
        (DataFile(group_column="who"), {}, (), "group_column: the data has no column who"),
    ],
)
def test_declarations_that_do_not_fit_the_data_are_named(
    declared: DataFile, chosen: dict[str, str], without: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        map_columns(Toy, NAMES, declared, chosen, without)


def test_columns_that_were_read_as_one_name_their_delimiter() -> None:
    with pytest.raises(DataError, match="one column, age;income;debt; declare --delimiter ';'"):
        map_columns(Toy, ["age;income;debt"], DataFile(), {}, ())


def test_an_outcome_of_another_spelling_is_suggested_by_its_own_option() -> None:
    names = [*NAMES[:-1], "Is_Default"]
    with pytest.raises(DataError, match="declare --outcome-column Is_Default"):
        map_columns(Toy, names, DataFile(), {}, ())


def test_a_column_known_only_afterwards_may_be_lacking_but_is_remarked_on() -> None:
    mapped = map_columns(Toy, NAMES, DataFile(known_afterwards=("recovered",)), {}, ())
    assert mapped.remarks == ("known_afterwards: the data has no column recovered",)


def test_a_special_column_that_the_data_lacks_can_be_switched_off() -> None:
    declared = DataFile(weight_column="wt", known_afterwards=("incomee",))
    with pytest.raises(DataError, match="column wt; if it needs none, declare --weight-column ''"):
        map_columns(Toy, NAMES, declared, {}, ())
    values = {"weight-column": "", "known-afterwards": [""]}
    switched_off = DataOptions(values=values).declare(declared)
    assert switched_off == DataFile()
    assert map_columns(Toy, NAMES, switched_off, {}, ()).special == {}
