from training.reading.faults import DataFault, RowFault, summarise


def test_faults_are_counted_by_rule_and_kind_with_their_first_rows() -> None:
    faults = [RowFault(i, "income", "Input should be a number", "text") for i in (9, 1, 4, 2)]
    faults.append(RowFault(3, "income", "Input should be a number", 'the word "NA"'))
    faults.append(RowFault(3, "income", "Input should be a number", 'the word "NA"'))
    first, second = summarise(faults, range(100, 110))
    assert first == DataFault(
        "income: Input should be a number; the cell has text", 4, first_rows=(101, 102, 104)
    )
    assert second.describe() == (
        'income: Input should be a number; the cell has the word "NA" '
        "(1 rows, first 103; declare --missing NA)"
    )
