from training.streaming.engine import IN_MEMORY, Engine


def test_the_words_of_a_command_repeat_the_engine_but_not_its_address() -> None:
    assert IN_MEMORY.to_words() == []
    assert Engine(name="stream").to_words() == ["--engine", "stream"]
    engine = Engine(name="dask", sample_rows=5_000, scheduler="tcp://10.0.0.1:8786")
    assert engine.to_words() == ["--engine", "dask", "--sample-rows", "5000"]
