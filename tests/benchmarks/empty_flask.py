"""The least a function can do: what our figures are set beside."""


def empty(_request: object) -> dict[str, bool]:
    """Answer with a constant."""
    return {"ok": True}
