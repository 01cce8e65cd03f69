"""Store URIs: `file:///path`, `gs://bucket/prefix` and `s3://bucket/prefix`."""

from urllib.parse import SplitResult, unquote, urlsplit

from models.errors import DeclarationError
from models.stores.store import OpenedStore


def open_store(uri: str) -> OpenedStore:
    """Open the store of a URI: `file:///path`, `gs://bucket/prefix` or `s3://bucket/prefix`.

    The client library of a scheme is imported only when the scheme is used.

    Raises
    ------
    DeclarationError
        If the URI has none of these forms.
    """
    parts = _split_uri(uri)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        from models.stores.files import FileStore  # noqa: PLC0415 -- only for its scheme

        return FileStore(unquote(parts.path))
    if parts.scheme == "gs" and parts.netloc:
        from models.stores.google import GoogleStore  # noqa: PLC0415 -- costs 115 ms to import

        return GoogleStore(parts.netloc, parts.path.strip("/"))
    if parts.scheme == "s3" and parts.netloc:
        from models.stores.s3 import S3Store  # noqa: PLC0415 -- only for its scheme

        return S3Store(parts.netloc, parts.path.strip("/"))
    raise DeclarationError(_describe_fault(uri))


def _split_uri(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise DeclarationError(_describe_fault(uri)) from error
    if parts.query or parts.fragment or "\0" in unquote(parts.path):
        raise DeclarationError(_describe_fault(uri))
    return parts


def _describe_fault(uri: str) -> str:
    hint = f"; for a folder write file://{uri}" if uri.startswith("/") else ""
    return f"a store is file:///path, gs://bucket/prefix or s3://bucket/prefix, not {uri!r}{hint}"
