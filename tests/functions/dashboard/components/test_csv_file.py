"""CSV files that a spreadsheet opens as they are meant."""

from functions.dashboard.components.csv_file import csv_from_rows


def test_rows_become_lines_below_their_columns() -> None:
    rows = [{"Loan": "loan_1", "Owed": "12,34,567.00"}, {"Loan": "loan_2", "Owed": "5.00"}]
    assert csv_from_rows(rows).decode("utf-8-sig") == (
        'Loan,Owed\r\nloan_1,"12,34,567.00"\r\nloan_2,5.00\r\n'
    )


def test_text_that_a_spreadsheet_would_run_is_marked_as_text() -> None:
    rows = [{"Name": "=HYPERLINK(1)", "Change": "-12.5"}]
    assert csv_from_rows(rows).decode("utf-8-sig") == "Name,Change\r\n'=HYPERLINK(1),-12.5\r\n"
