"""What all responses share: immutable values that ignore members a later server adds."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Response(BaseModel):
    """A response of the service; an error about one does not show it."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read the body of a response; a `ValidationError` says that it is another one."""
        return cls.model_validate_json(content)


class OpenDocument(Response):
    """A document whose members the contract leaves open; `members` has all of them."""

    model_config = ConfigDict(extra="allow")

    @property
    def members(self) -> dict[str, Any]:
        """Return the document as it was sent."""
        return dict(self.model_extra or {})


class FileContent(Response):
    """A file, as it was sent."""

    content: bytes

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Take the body as it is."""
        return cls(content=content)
