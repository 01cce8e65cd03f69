from typing import Any

import pytest

from models.data_file import CsvDialect, DataFile
from models.errors import DeclarationError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"delimiter": ";;"}, "delimiter must be one character, got ';;'"),
        ({"quote": ""}, "quote must be one character"),
        ({"decimal": ",", "thousands": ","}, "decimal must differ from thousands"),
        ({"thousands": "."}, "decimal must differ"),
        ({"symbols": ("5",)}, "symbols must have no digit, sign, point or comma"),
        ({"symbols": ("-",)}, "symbols must have no digit"),
        ({"skip_lines": -1}, "skip_lines must be at least 0, got -1"),
        ({"columns": ("a", "b", "a")}, "columns names a column twice"),
        ({"extra_cell": "middle"}, "extra_cell must be none, first or last, got 'middle'"),
        ({"encoding": "utf-7000"}, "encoding Python has no encoding 'utf-7000'"),
    ],
)
def test_a_dialect_that_cannot_be_read_is_refused_by_name(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DeclarationError, match=f"data_file: {message}"):
        CsvDialect(**changes)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        ({"bad": 2, "good": 0}, "maps each word to 1"),
        ({"bad": 1, "other": None}, "needs at least one word for 1"),
    ],
)
def test_outcome_words_must_allow_both_outcomes(outcome: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=f"data_file: outcome {message}"):
        DataFile(outcome=outcome)
