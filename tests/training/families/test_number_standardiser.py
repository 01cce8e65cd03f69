import numpy as np

from training.families.number_standardiser import NumberStandardiser

MATRIX = np.array([[1.0, np.nan, 1.0], [3.0, np.nan, 0.0], [np.nan, np.nan, 1.0], [8.0, np.nan, 0]])
LABELS = np.zeros(4, dtype=np.int64)


def test_numbers_are_imputed_by_their_median_and_standardised_and_others_pass() -> None:
    """1, 3, 3 and 8: mean 3.75, deviation 2.586."""
    standardised = NumberStandardiser(count=2).fit_transform(MATRIX, LABELS)
    np.testing.assert_allclose(standardised[:, 0], (np.array([1, 3, 3, 8]) - 3.75) / 2.58602)
    assert standardised[:, 1].tolist() == [0.0] * 4
    assert standardised[:, 2].tolist() == [1.0, 0.0, 1.0, 0.0]


def test_a_row_of_weight_three_counts_as_three_rows() -> None:
    times = np.array([1, 3, 2, 1])
    weighted = NumberStandardiser(count=2).fit(MATRIX, LABELS, times.astype(np.float64))
    repeated = NumberStandardiser(count=2).fit(np.repeat(MATRIX, times, axis=0), LABELS)
    for name in ("medians_", "means_", "scales_"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name))


def test_without_numbers_everything_passes() -> None:
    indicators = NumberStandardiser().fit_transform(MATRIX[:, 2:], LABELS)
    assert indicators.tolist() == MATRIX[:, 2:].tolist()
