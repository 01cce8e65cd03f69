import pytest

from training.reading.column_names import PROTECTED_WORDS, has_word, words_from_name


@pytest.mark.parametrize("name", ["MitgliedSeit", "mitglied-seit", "MITGLIED_SEIT"])
def test_a_name_has_the_same_words_however_it_is_written(name: str) -> None:
    assert words_from_name(name) == {"mitglied", "seit"}


def test_a_word_is_no_part_of_another() -> None:
    assert has_word("customer Age", PROTECTED_WORDS)
    assert not has_word("mortgage", PROTECTED_WORDS)
