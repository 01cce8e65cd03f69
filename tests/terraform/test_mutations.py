"""`make infra-mutations` is too long for every run; that its lines still exist is not."""

import pytest

from tests.support.running import REPOSITORY
from tests.terraform.mutated_lines import MUTATIONS, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.sound[:40])
def test_a_line_to_break_is_there(mutation: Mutation) -> None:
    text = (REPOSITORY / mutation.file).read_text()
    assert mutation.apply(text) != text


def test_there_are_lines_of_every_kind() -> None:
    assert len(MUTATIONS) >= 100
    assert len({mutation.kind for mutation in MUTATIONS}) >= 6
