"""What all responses share: immutable values that ignore members a later server adds."""

from pydantic import BaseModel, ConfigDict


class Response(BaseModel):
    """A response of the service; an error about one does not show it."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
