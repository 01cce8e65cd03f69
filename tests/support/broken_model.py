"""A module that fails at import, for the test of `CREDIT_MODELS`."""

nothing  # type: ignore[name-defined]  # noqa: B018, F821
