import pytest

from models.errors import DataError
from training.streaming.engine import IN_MEMORY, Engine, require_use


def test_the_words_of_a_command_repeat_the_engine_but_not_its_address() -> None:
    assert IN_MEMORY.to_words() == []
    assert Engine(name="stream").to_words() == ["--engine", "stream"]
    engine = Engine(name="dask", sample_rows=5_000, scheduler="tcp://10.0.0.1:8786")
    assert engine.to_words() == ["--engine", "dask", "--sample-rows", "5000"]


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        (Engine(sample_rows=5_000), "--sample-rows: --engine memory has no sample"),
        (Engine(name="stream", scheduler="tcp://h:1"), "--scheduler: --engine stream has none"),
    ],
)
def test_a_setting_that_the_engine_does_not_use_is_refused(engine: Engine, message: str) -> None:
    with pytest.raises(DataError, match=message):
        require_use(engine)
    assert require_use(IN_MEMORY) is IN_MEMORY
