"""What the stories of the stack share: after a step that failed, the later ones are skipped."""

import pytest


@pytest.fixture(scope="module")
def failed_before(request: pytest.FixtureRequest) -> int:
    """How many tests had failed when the story began."""
    return request.session.testsfailed


@pytest.fixture(autouse=True)
def _the_story_so_far(failed_before: int, request: pytest.FixtureRequest) -> None:
    if request.session.testsfailed > failed_before:
        pytest.skip("an earlier step failed")
