import numpy as np
import pandas as pd
import pytest

from models.data_file import CsvDialect, DataFile
from models.errors import DataError
from training.reading.special_columns import read_special

FRAME = pd.DataFrame(
    {
        "loan": ["A1", "A2", "A2", None],
        "customer": [7.0, 8.0, 7.0, np.nan],
        "granted": ["2024-01-31", "2024-02-01", "soon", ""],
    }
)


def test_rows_of_one_group_have_the_same_hash() -> None:
    special = read_special(FRAME, DataFile(id_column="loan", group_column="customer"))
    assert special.hashes is not None
    first, second, third, _ = special.hashes.tolist()
    assert first == third != second
    assert special.is_grouped
    text = pd.DataFrame({"customer": ["7", "8"]})
    other = read_special(text, DataFile(group_column="customer")).hashes
    assert other is not None
    assert other.tolist() == [first, second]


def test_rows_without_a_key_and_repeated_identifiers_are_faults() -> None:
    special = read_special(FRAME, DataFile(id_column="loan", group_column="customer"))
    assert [(f.row_index, f.field, f.rule) for f in special.faults] == [
        (3, "loan", "Identifier should be present"),
        (2, "loan", "Row should be there once"),
        (3, "customer", "Identifier should be present"),
    ]


def test_dates_are_read_in_the_declared_format() -> None:
    special = read_special(FRAME, DataFile(date_column="granted"))
    assert special.dates is not None
    assert special.dates[:2].tolist() == [19_753, 19_754]
    assert [(f.row_index, f.rule, f.kind) for f in special.faults] == [
        (2, "Date should be written as %Y-%m-%d", "text"),
        (3, "Date should be written as %Y-%m-%d", "no value"),
    ]
    assert special.select(np.array([True, False, False, False])).dates == [19_753]


def test_without_declared_columns_nothing_is_read() -> None:
    special = read_special(FRAME, DataFile())
    assert (special.hashes, special.dates, special.faults) == (None, None, ())


def test_blanks_are_no_part_of_a_key_and_missing_words_are_no_key() -> None:
    frame = pd.DataFrame({"customer": ["12", " 12 ", "NA", "NA"]})
    declared = DataFile(csv=CsvDialect(missing=("", "NA")), group_column="customer")
    special = read_special(frame, declared)
    assert special.hashes is not None
    assert special.hashes[0] == special.hashes[1]
    assert [fault.row_index for fault in special.faults] == [2, 3]


def test_a_weight_that_is_no_positive_number_is_a_fault() -> None:
    frame = pd.DataFrame({"stands_for": ["10", "0", "-1", "inf", "1e7", "n/a", "many", "0.5"]})
    csv = CsvDialect(missing=("", "n/a"))
    special = read_special(frame, DataFile(csv=csv, weight_column="stands_for"))
    rule = "Weight should be a number from 1e-06 to 1,000,000"
    assert [(f.row_index, f.field, f.rule) for f in special.faults] == [
        (i, "stands_for", rule) for i in range(1, 7)
    ]
    kinds = [*["a number"] * 2, "an infinite number", "a number", "no value", "text"]
    assert [f.kind for f in special.faults] == kinds
    some = special.select(np.array([True, *[False] * 6, True])).weights
    assert some is not None
    assert some.tolist() == [10.0, 0.5]


@pytest.mark.parametrize(
    "declared", [DataFile(id_column="customer"), DataFile(group_column="customer")]
)
def test_keys_that_are_texts_in_one_file_and_numbers_in_another_are_refused(
    declared: DataFile,
) -> None:
    parts = [pd.DataFrame({"customer": ["00000012"]}), pd.DataFrame({"customer": [12]})]
    frame = pd.concat(parts, ignore_index=True)
    with pytest.raises(DataError, match="customer: some keys are texts and others are numbers"):
        read_special(frame, declared)
