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
        "(1 row, first 103; declare --missing NA)"
    )


def test_a_blank_outcome_can_be_left_out_by_a_declaration() -> None:
    rule = "Outcome should be one of the declared words"
    faults = [
        RowFault(0, "status", rule, "no value"),
        RowFault(1, "status", rule, 'the word "n/a"'),
        RowFault(2, "status", "Outcome should be 0 or 1", "no value"),
    ]
    assert [fault.remedy for fault in summarise(faults, range(3))] == [
        "to leave them out, declare --outcome =excluded",
        "to leave them out, declare --outcome n/a=excluded",
        "to leave them out, declare --outcome =excluded --outcome 1=1 --outcome 0=0",
    ]


def test_a_word_that_a_shell_would_not_pass_on_is_quoted() -> None:
    [fault] = summarise([RowFault(0, "income", "a rule", 'the word "#N/A"')], range(1))
    assert fault.remedy == "declare --missing '#N/A'"
