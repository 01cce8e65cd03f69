"""What a source delivers."""

from training.pipeline.delivery import MISSING, Address, batch_from_rows


def test_rows_become_columns_and_what_a_row_lacks_is_no_null() -> None:
    batch = batch_from_rows([{"a": 1, "b": None}, {"a": 2}])
    assert batch.columns == {"a": [1, 2], "b": [None, MISSING]}
    assert batch.rows == 2


def test_no_rows_have_no_columns() -> None:
    assert batch_from_rows([]).columns == {}


def test_an_address_is_never_printed() -> None:
    address = Address("bank", "postgresql://user:secret@host/db", "token")
    assert repr(address) == "Address(source='bank')"
