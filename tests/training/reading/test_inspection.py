from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.data_file import CsvDialect
from training.reading.inspection import (
    AMBIGUOUS,
    ColumnProfile,
    OutcomeColumn,
    profile_columns,
    remark_on_future,
    suggest_cells,
    suggest_special,
)

N = 400
RANDOM = np.random.default_rng(1)
OUTCOME = RANDOM.binomial(1, 0.3, N).astype(float)
FRAME = pd.DataFrame(
    {
        "loan": [f"L{i}" for i in range(N)],
        "number": range(N),
        "amount": [f"${1000.25 + 7 * (i % 90):,.2f}" for i in range(N)],
        "rate": [f"{i % 10}.5%" for i in range(N)],
        "home": np.where(np.arange(N) % 3 == 0, "own", "rent"),
        "granted": [f"{1 + i % 28}.{1 + i % 12}.2024" for i in range(N)],
        "children": np.where(np.arange(N) % 4 == 0, "n/a", "2"),
        "nothing": "",
        "country": "IN",
        "employer": [f"employer {i % 90}" for i in range(N)],
        "collected": OUTCOME * 5 + RANDOM.random(N),
    }
)


OUTCOME_COLUMN = OutcomeColumn("outcome", OUTCOME)


def profiles(outcome: OutcomeColumn | None = OUTCOME_COLUMN) -> dict[str, ColumnProfile]:
    dialect = suggest_cells(FRAME, CsvDialect())
    calls: list[None] = []
    columns = profile_columns(FRAME, dialect, outcome, lambda: calls.append(None))
    assert len(calls) == len(FRAME.columns)
    return {profile.name: profile for profile in columns}


def test_the_way_cells_are_written_is_suggested() -> None:
    assert suggest_cells(FRAME, CsvDialect()) == CsvDialect(
        thousands=",", symbols=("$", "%"), missing=("", "n/a"), date="%d.%m.%Y"
    )
    german = pd.DataFrame({"amount": ["1.234,50", "0,5", "7"], "days": ["1.234", "1.000", "2"]})
    assert suggest_cells(german, CsvDialect(delimiter=";")) == CsvDialect(
        delimiter=";", decimal=",", thousands="."
    )
    grouped = pd.DataFrame({"amount": ["1,234", "20"]})
    assert suggest_cells(grouped, CsvDialect(delimiter=";")).thousands == ","


def test_a_quoted_decimal_comma_is_suggested_beside_a_comma_as_delimiter() -> None:
    frame = pd.DataFrame({"rate": ["1,5", "12,75", "0,1"], "amount": ["1.234,50", "7", "8"]})
    suggested = suggest_cells(frame, CsvDialect())
    assert (suggested.delimiter, suggested.decimal, suggested.thousands) == (",", ",", ".")


@pytest.mark.parametrize(
    ("date", "texts"),
    [
        ("%d.%m.%y", ["31.12.24", "01.02.23"]),
        ("%b-%Y", ["Dec-2015", "Jan-2016"]),
        ("%b-%y", ["Dec-15", "Jan-16"]),
        ("%Y-%m", ["2015-12", "2016-01"]),
        ("%m/%Y", ["12/2015", "01/2016"]),
        ("%d-%m-%Y", ["31-12-2024", "01-02-2023"]),
        ("%m/%d/%Y %I:%M %p", ["12/31/2024 10:15 AM", "01/02/2023 11:59 PM"]),
        ("%d.%m.%Y %H:%M", ["31.12.2024 10:15", "01.02.2023 23:59"]),
    ],
)
def test_the_form_of_dates_is_suggested(date: str, texts: list[str]) -> None:
    frame = pd.DataFrame({"granted": texts})
    assert suggest_cells(frame, CsvDialect()).date == date


@pytest.mark.parametrize(
    ("texts", "is_ambiguous"),
    [(["03/04/2024", "12/11/2023"], True), (["03/14/2024", "12/11/2023"], False)],
)
def test_days_that_could_be_months_are_remarked_on(texts: list[str], *, is_ambiguous: bool) -> None:
    frame = pd.DataFrame({"granted": texts * 30})
    dialect = suggest_cells(frame, CsvDialect())
    [profile] = profile_columns(frame, dialect, None, lambda: None)
    assert profile.kind == "date"
    assert profile.remarks == ((AMBIGUOUS,) if is_ambiguous else ())


def test_whole_numbers_that_may_be_dates_are_remarked_on_until_it_is_declared() -> None:
    frame = pd.DataFrame({"granted": ["20240131", "20231201"] * 30})
    kinds = []
    for dialect in (CsvDialect(), CsvDialect(date="%Y%m%d")):
        [profile] = profile_columns(frame, dialect, None, lambda: None)
        kinds.append((profile.kind, profile.remarks))
    remark = "dates? then declare --date %Y%m%d"
    assert kinds == [("integer", (remark,)), ("date", ())]


def test_columns_that_identify_group_and_date_rows_are_suggested() -> None:
    rows = 200
    frame = pd.DataFrame(
        {
            "born": pd.date_range("1970-01-01", periods=rows),
            "issue date": pd.date_range("2024-01-01", periods=rows),
            "LoanId": range(rows),
            "amount": np.arange(rows) * 7 + 100,
            "customer": [f"C{i % 90}" for i in range(rows)],
        }
    )
    columns = profile_columns(frame, CsvDialect(), None, lambda: None)
    assert suggest_special(columns, rows) == {
        "id_column": "LoanId",
        "group_column": "customer",
        "date_column": "issue date",
    }
    assert suggest_special([p for p in columns if p.name == "amount"], rows) == {}


@pytest.mark.parametrize(
    ("name", "kind", "missing", "distinct"),
    [
        ("loan", "text", 0, 400),
        ("number", "integer", 0, 400),
        ("amount", "number", 0, 90),
        ("home", "levels", 0, 2),
        ("granted", "date", 0, 84),
        ("children", "integer", 100, 1),
        ("nothing", "empty", 400, 0),
        ("employer", "text", 0, 90),
    ],
)
def test_every_column_has_a_kind(name: str, kind: str, missing: int, distinct: int) -> None:
    profile = profiles()[name]
    assert (profile.kind, profile.missing, profile.distinct) == (kind, missing, distinct)


def test_numbers_have_a_range_and_levels_their_words() -> None:
    assert (profiles()["amount"].low, profiles()["amount"].high) == (1000.25, 1623.25)
    assert profiles()["home"].levels == ("own", "rent")


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        ("loan", "one value per row: an identifier?"),
        ("number", "one value per row: an identifier?"),
        ("nothing", "no row has a value"),
        ("country", "constant"),
        ("employer", "90 words: too many for levels"),
        ("collected", "tells the outcome almost alone: known only afterwards?"),
    ],
)
def test_suspicious_columns_are_remarked_on(name: str, remark: str) -> None:
    assert remark in profiles()[name].remarks


def test_a_column_that_only_defaulters_have_tells_the_outcome() -> None:
    frame = pd.DataFrame({"collections": np.where(OUTCOME == 1, np.arange(N) % 50 + 1.0, np.nan)})
    [profile] = profile_columns(frame, CsvDialect(), OUTCOME_COLUMN, lambda: None)
    assert profile.auc == 1.0
    assert profile.remarks == ("tells the outcome almost alone: known only afterwards?",)


def test_a_few_unreadable_cells_are_counted() -> None:
    frame = pd.DataFrame({"income": ["1", "2", "3", "4"] * 99 + ["not asked"] * 4 + ["Ms Smith"]})
    [profile] = profile_columns(frame, CsvDialect(), None, lambda: None)
    refused = "5 cells are no number; they are refused, or declare --missing 'not asked'"
    assert profile.remarks == (refused,)
    [profile] = profile_columns(
        frame.iloc[-99:], CsvDialect(missing=("not asked",)), None, lambda: None
    )
    assert profile.remarks == ("1 cell is no number; they are refused, or declare them missing",)


@pytest.mark.parametrize("word", ["k. A.", "keine Angabe", "n.d.", "Sin datos", "unbekannt", "n/d"])
def test_words_of_other_languages_for_an_absent_value_are_suggested(word: str) -> None:
    frame = pd.DataFrame({"income": ["1", "2", "3", word] * 9})
    assert suggest_cells(frame, CsvDialect()).missing == ("", word)


def test_sound_columns_have_no_remarks() -> None:
    for name in ("amount", "rate", "home", "granted", "children"):
        assert profiles()[name].remarks == ()


def test_without_an_outcome_nothing_is_compared_with_it() -> None:
    assert {profile.auc for profile in profiles(None).values()} == {None}
    assert profiles()["collected"].auc == 1.0
    itself = profiles(OutcomeColumn("collected", OUTCOME))["collected"]
    assert (itself.auc, itself.remarks) == (None, ("the outcome",))


def profile_one(*cells: object, outcome: OutcomeColumn | None = None) -> ColumnProfile:
    """Profile a column of these cells in the dialect that is suggested for them."""
    frame = pd.DataFrame({"column": list(cells)})
    dialect = suggest_cells(frame, CsvDialect())
    [profile] = profile_columns(frame, dialect, outcome, lambda: None)
    return profile


def test_numbers_of_two_units_are_remarked_on() -> None:
    assert profile_one(*["8.2%", "0.08"] * 50).remarks == (
        "of 100 numbers 50 have %, 50 have no symbol: of different units?",
    )
    assert profile_one(*["$5", "€7", "$9"] * 50).remarks == (
        "of 150 numbers 50 have €, 100 have $: of different units?",
    )
    assert profile_one(*["8.2%", "7.1%", "0"] * 50).remarks == ()


def test_rare_levels_of_noise_do_not_tell_the_outcome() -> None:
    random = np.random.default_rng(5)
    levels = random.integers(0, 1_900, 20_000).astype(str)
    noise = OutcomeColumn("outcome", random.binomial(1, 0.01, 20_000).astype(float))
    profile = profile_one(*(f"level {level}" for level in levels), outcome=noise)
    assert profile.auc == pytest.approx(0.5, abs=0.07)
    two = profile_one(*np.where(random.random(20_000) < 0.5, "a", "b"), outcome=noise)
    assert two.auc == pytest.approx(0.5, abs=0.07)
    outcome = np.where(noise.labels == 1, "written off", "paid")
    assert profile_one(*outcome, outcome=noise).auc == 1.0


def test_the_range_of_dates_shows_years_that_two_digits_put_into_the_future() -> None:
    frame = pd.DataFrame({"granted": ["31/12/40", "15/06/75"]})
    dialect = CsvDialect(date="%d/%m/%y")
    [profile] = profile_columns(frame, dialect, None, lambda: None)
    assert (profile.low, profile.high) == (1_991.0, 25_932.0)  # 1975-06-15 and 2040-12-31
    remarked = remark_on_future(profile, dialect, date(2026, 11, 30))
    assert remarked.remarks == ("dates in the future: write years with four digits",)
    assert remark_on_future(profile, dialect, date(2041, 1, 1)).remarks == ()


def test_a_date_of_birth_never_dates_an_application() -> None:
    frame = pd.DataFrame({"dob": pd.date_range("1970-01-01", periods=50)})
    assert suggest_special(profile_columns(frame, CsvDialect(), None, lambda: None), 50) == {}


def test_a_column_named_as_a_weight_is_suggested_as_one() -> None:
    frame = pd.DataFrame({"gewicht": [1.0, 9.5] * 25, "weight": [0.0, 1.0] * 25})
    columns = profile_columns(frame, CsvDialect(), None, lambda: None)
    assert suggest_special(columns, 50) == {"weight_column": "gewicht"}


def test_digits_with_leading_zeros_are_a_code() -> None:
    assert profile_one("01067", "80331", "80331").remarks == (
        "digits with leading zeros: a code and no number?",
    )
    assert profile_one("0", "0.5", "7").remarks == ()


def test_dates_as_decimals_are_remarked_on() -> None:
    for cells in (["20210105.0", "20231201.0"], [20210105.0, 20231201.0]):
        assert "dates? then declare --date %Y%m%d" in profile_one(*cells * 2).remarks


@pytest.mark.parametrize(
    ("cell", "kind"), [(b"x", "bytes"), ([1, 2], "a list"), (pd.Timedelta(days=3), "a duration")]
)
def test_what_no_field_can_read_is_no_level(cell: object, kind: str) -> None:
    frame = pd.DataFrame({"column": [cell, cell, None]})
    [profile] = profile_columns(frame, CsvDialect(), None, lambda: None)
    assert (profile.kind, profile.missing) == ("other", 1)
    assert profile.remarks == (f"{kind} cannot be read",)


@pytest.mark.parametrize(
    ("thousands", "decimal", "text"),
    [
        ("'", ".", "1'234.50"),
        ("\N{RIGHT SINGLE QUOTATION MARK}", ".", "1\N{RIGHT SINGLE QUOTATION MARK}234.50"),
        (" ", ",", "1 234,50"),
        ("\N{NARROW NO-BREAK SPACE}", ",", "1\N{NARROW NO-BREAK SPACE}234,50"),
        ("\N{NO-BREAK SPACE}", ".", "1\N{NO-BREAK SPACE}234.50"),
    ],
)
def test_thousands_of_other_countries_are_suggested(
    thousands: str, decimal: str, text: str
) -> None:
    suggested = suggest_cells(pd.DataFrame({"amount": [text, "7"]}), CsvDialect())
    assert (suggested.thousands, suggested.decimal) == (thousands, decimal)


def test_errors_of_a_spreadsheet_are_suggested_as_missing() -> None:
    frame = pd.DataFrame({"amount": ["1", "#N/A", "#VALUE!"]})
    assert suggest_cells(frame, CsvDialect()).missing == ("", "#N/A", "#VALUE!")


def test_cells_that_are_no_date_are_counted() -> None:
    assert profile_one(*["2024-01-31"] * 40, "soon").remarks == ("1 cell is no date",)


def test_dates_of_two_forms_are_no_mere_words() -> None:
    frame = pd.DataFrame({"granted": [f"2024-01-{1 + i % 28:02}" for i in range(90)]})
    frame.loc[:40, "granted"] = [f"{1 + i % 28:02}.{1 + i % 12:02}.2023" for i in range(41)]
    [profile] = profile_columns(frame, CsvDialect(), None, lambda: None)
    assert profile.remarks == ("dates of another form than --date? one form holds for a file",)
    assert profile_one("rent", "own").remarks == ()
