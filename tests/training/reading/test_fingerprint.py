import numpy as np

from training.reading.fingerprint import Fingerprint

COLUMNS = {"a": np.array([1.0, np.nan, 3.0]), "b": np.array([4.0, 5.0, 6.0])}
LABELS = np.array([0, 1, 0])


def test_the_same_rows_in_other_batches_have_the_same_fingerprint() -> None:
    once, twice = Fingerprint(), Fingerprint()
    once.update(COLUMNS, LABELS)
    for rows in (slice(0, 1), slice(1, 3)):
        columns = {name: column[rows] for name, column in COLUMNS.items()}
        twice.update(columns, LABELS[rows].astype(np.int8))
    assert once.hexdigest() == twice.hexdigest()
    assert len(once.hexdigest()) == 64


def test_another_value_label_or_name_has_another_fingerprint() -> None:
    digests = set()
    for columns, labels in (
        (COLUMNS, LABELS),
        (COLUMNS | {"a": np.array([1.0, 2.0, 3.0])}, LABELS),
        (COLUMNS, 1 - LABELS),
        ({"c": COLUMNS["a"], "b": COLUMNS["b"]}, LABELS),
    ):
        fingerprint = Fingerprint()
        fingerprint.update(columns, labels)
        digests.add(fingerprint.hexdigest())
    assert len(digests) == 4
