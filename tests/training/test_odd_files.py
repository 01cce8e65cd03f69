"""Files as people have them end in a model, or in one line that names column, row and remedy."""

import re
import shlex
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.running import last_line
from training.cli import main


def semicolons_and_decimal_commas(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "rows.csv"
    frame.to_csv(path, index=False, sep=";", decimal=",")
    return path


def utf_16(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "rows.csv"
    frame.to_csv(path, index=False, encoding="utf-16", sep="\t")
    return path


def dollars_and_thousands(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "rows.csv"
    amounts = {name: frame[name].map("${:,.2f}".format) for name in ("income", "debt")}
    frame.assign(**amounts).to_csv(path, index=False)
    return path


def words_as_outcome(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "rows.csv"
    status = frame["is_default"].map({1: "CHGOFF", 0: "P I F"}).to_numpy(object)
    status[::50] = "CANCLD"
    frame.drop(columns="is_default").assign(MIS_Status=status).to_csv(path, index=False)
    return path


def no_header(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "rows.dat"
    frame.to_csv(path, index=False, header=False)
    return path


def trailing_commas(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "rows.csv"
    header, *rows = frame.to_csv(index=False).splitlines()
    path.write_text("\n".join([header, *(f"{row}," for row in rows)]))
    return path


def an_index_and_a_preamble(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "rows.csv"
    header, *rows = frame.to_csv(index=True).splitlines()
    path.write_text("\n".join(["Loans of 2024", "", header.removeprefix(","), *rows]))
    return path


def months_of_customers(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "rows.parquet"
    parts = [
        frame.head(660).assign(customer=range(660), month=f"2024-{month:02}-15")
        for month in range(1, 7)
    ]
    pd.concat(parts).to_parquet(path)
    return path


def one_cell_of_1e39(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "rows.parquet"
    changed = frame.copy()
    changed.loc[6, "debt"] = 1e39
    changed.to_parquet(path)
    return path


def a_misspelt_optional_column(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "rows.csv"
    frame.rename(columns={"months_since_default": "month_since_default"}).to_csv(path, index=False)
    return path


def a_folder_with_decimals(frame: pd.DataFrame, folder: Path) -> Path:
    debts = frame["debt"].map(lambda debt: Decimal(f"{debt:.2f}"))
    changed = frame.assign(debt=debts, home=frame["home"].astype("category"))
    for i, part in enumerate(np.array_split(changed.index, 3)):
        changed.loc[part].to_parquet(folder / f"part-{i}.parquet")
    return folder


def words_for_absent_values(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "rows.csv"
    frame.to_csv(path, index=False, na_rep="NA")
    return path


def a_column_twice(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "rows.csv"
    path.write_text(frame.to_csv(index=False).replace("age,", "home,", 1))
    return path


STATUS = "--outcome-column MIS_Status"
WORDS = "--outcome CHGOFF=1 --outcome 'P I F=0' --outcome CANCLD=excluded"
TRAINED = [
    (semicolons_and_decimal_commas, "--delimiter ; --decimal ,"),
    (utf_16, "--encoding utf-16 --delimiter '\\t'"),
    (dollars_and_thousands, "--symbol $ --thousands ,"),
    (
        words_as_outcome,
        f"{STATUS} --outcome CHGOFF=1 --outcome 'P I F=0' --outcome CANCLD=excluded",
    ),
    (no_header, "--columns age,income,debt,home,months_since_default,is_default"),
    (trailing_commas, "--extra-cell last"),
    (an_index_and_a_preamble, "--skip-lines 2 --extra-cell first"),
    (months_of_customers, "--group-column customer"),
    (months_of_customers, "--group-column customer --date-column month"),
    (one_cell_of_1e39, ""),
    (a_misspelt_optional_column, "--column months_since_default=month_since_default"),
    (a_misspelt_optional_column, "--without months_since_default"),
    (a_folder_with_decimals, ""),
    (words_for_absent_values, "--missing NA"),
]
REFUSED = [
    (semicolons_and_decimal_commas, "", "no row has as many: they have .* --delimiter ';'"),
    (utf_16, "", "not in the encoding utf-8; declare its own, for example --encoding utf-16"),
    (dollars_and_thousands, "", "an amount with a currency sign .*first 1, 2, 3; declare --symbol"),
    (words_as_outcome, "", "no column is_default"),
    (
        words_as_outcome,
        "--outcome-column MIS_Status",
        "Outcome should be 0 or 1; the cell has text",
    ),
    (no_header, "", "the data has no column age"),
    (trailing_commas, "", "--extra-cell last if each row ends with a delimiter"),
    (an_index_and_a_preamble, "", "--skip-lines"),
    (one_cell_of_1e39, "--max-refused-share 0", "debt: Input should be less .*1 row, first 7"),
    (a_misspelt_optional_column, "", "--column months_since_default=month_since_default"),
    (words_for_absent_values, "", 'the word "NA" .*first .*; declare --missing NA'),
    (a_column_twice, "", "these columns twice: home"),
    (months_of_customers, "--date-column granted", "date_column: the data has no column granted"),
]

Write = Callable[[pd.DataFrame, Path], Path]


def train(path: Path, options: str) -> int:
    words = ["train", "--model", "toy", "--data", str(path), *shlex.split(options)]
    environment = {"CREDIT_MODELS": "tests.support.toy", "MODEL_STORE": "file:///nowhere"}
    return main([*words, "--family", "logistic", "--dry-run"], environment)


@pytest.mark.parametrize(("write", "options"), TRAINED, ids=lambda v: getattr(v, "__name__", v))
def test_a_declared_file_is_trained_on(
    write: Write,
    options: str,
    tmp_path: Path,
    toy_frame: pd.DataFrame,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert train(write(toy_frame, tmp_path), options) == 0
    summary = last_line(capsys.readouterr().out)
    assert summary["metrics"]["auc"] > 0.6
    assert summary["rows_refused"] == (write is one_cell_of_1e39)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case[0].__name__}-{case[1]}")
def test_an_undeclared_file_is_refused_in_one_line_that_says_what_to_declare(
    case: tuple[Write, str, str],
    tmp_path: Path,
    toy_frame: pd.DataFrame,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write, options, message = case
    assert train(write(toy_frame, tmp_path), options) == 2
    [error] = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert re.search(message, error), error
