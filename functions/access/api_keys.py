"""API keys: `sk_<prefix>_<secret>`, stored only as keyed hashes, one JSON object a line.

The pepper that keys the hashes is stored elsewhere: whoever reads the lines cannot test keys.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from functions.access.principal import Principal, UnauthenticatedError
from functions.access.rate_limit import RATE_FORM, rate_from_text
from functions.access.scopes import Scope
from functions.web.logs import log
from functions.web.problems import faults_from_validation

KEY = re.compile(r"sk_([0-9a-f]{8})_[A-Za-z0-9_-]{43}", re.ASCII)
NOBODYS_HASH = "0" * 64
SETTLE_SECONDS = 1.0  # a file is read once it has not changed for that long: it may be half-written


def _require_rate(text: str) -> str:
    if rate_from_text(text) is None:
        message = f"must be {RATE_FORM}"
        raise ValueError(message)
    return text


class StoredKey(BaseModel):
    """One line of the key file: everything about a key but its secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    prefix: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    expires: AwareDatetime
    limit: Annotated[str, AfterValidator(_require_rate)] | None = None


class FileStamp(NamedTuple):
    """What changes when a file does."""

    modified_ns: int
    size: int
    inode: int


class KeyRing:
    """The keys of a file, followed as it changes, or those of a text."""

    def __init__(
        self,
        source: str,
        pepper: bytes,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = None if is_content(source) else Path(source)
        self._pepper = pepper
        self._now = now
        self._clock = clock
        self._keys: Mapping[str, StoredKey] | None = None if self._path else _load(source)
        self._stamp: FileStamp | None = None
        self._seen: FileStamp | None = None
        self._seen_at = 0.0

    async def authenticate(self, credential: str) -> Principal:
        """Return the holder of a key.

        Raises
        ------
        UnauthenticatedError
            If the key is unknown or has expired.
        """
        keys = self._current_keys()
        match = KEY.fullmatch(credential)
        stored = keys.get(match[1]) if match else None
        # An unknown prefix takes as long as a wrong secret.
        expected = stored.hash if stored else NOBODYS_HASH
        is_valid = hmac.compare_digest(hash_key(credential, self._pepper), expected)
        if stored is None or not is_valid:
            message = "this API key is not accepted"
            raise UnauthenticatedError(message)
        if stored.expires <= self._now():
            message = "this API key has expired"
            raise UnauthenticatedError(message)
        rate = rate_from_text(stored.limit) if stored.limit else None
        return Principal(f"key {stored.prefix}", frozenset(stored.scopes), rate)

    def _current_keys(self) -> Mapping[str, StoredKey]:
        """Return the keys, read again from a file that has changed and settled."""
        if self._path is None:
            return self._keys or {}
        stamp = _read_stamp(self._path)
        if stamp != self._seen:
            self._seen, self._seen_at = stamp, self._clock()
        if self._keys is None or (stamp != self._stamp and self._is_settled(stamp)):
            self._stamp = stamp
            self._keys = _load(str(self._path))
        return self._keys

    def _is_settled(self, stamp: FileStamp | None) -> bool:
        age = self._now().timestamp() - stamp.modified_ns / 1e9 if stamp else 0.0
        # A file system may have another clock: then what counts is how long we have seen it so.
        return max(age, self._clock() - self._seen_at) >= SETTLE_SECONDS


def new_key(
    *, name: str, scopes: tuple[Scope, ...], expires: datetime, limit: str | None, pepper: bytes
) -> tuple[str, StoredKey]:
    """Make a key: what its holder is given, once, and what is stored."""
    prefix = secrets.token_hex(4)
    key = f"sk_{prefix}_{secrets.token_urlsafe(32)}"
    fields = {"name": name, "prefix": prefix, "scopes": scopes, "expires": expires, "limit": limit}
    return key, StoredKey.model_validate(fields | {"hash": hash_key(key, pepper)})


def hash_key(key: str, pepper: bytes) -> str:
    """Compute HMAC-SHA256 of a key, in hexadecimal."""
    return hmac.new(pepper, key.encode(), hashlib.sha256).hexdigest()


def is_content(source: str) -> bool:
    """Whether a setting holds the keys themselves, rather than the path of a file."""
    return source.lstrip().startswith("{")


def read_keys(source: str) -> str:
    """Return the lines that a setting holds, or those of the file it names.

    Raises
    ------
    OSError, UnicodeDecodeError
        If the file cannot be read as UTF-8; a byte order mark is no part of its text.
    """
    return source if is_content(source) else Path(source).read_text(encoding="utf-8-sig")


def faults_from_keys(text: str) -> list[str]:
    """List what is wrong with which line; no value is repeated."""
    return [fault for _, fault in _parse(text) if fault]


def _load(source: str) -> Mapping[str, StoredKey]:
    """Read the keys; an invalid line is no key, and of a file that cannot be read no line is."""
    try:
        keys = _parse_valid_keys(read_keys(source))
    except (OSError, UnicodeDecodeError) as error:
        message = "the file of API keys cannot be read: no key is accepted"
        log("ERROR", message, cause=type(error).__name__)
        return {}
    log("INFO" if keys else "ERROR", "API keys read", keys=len(keys))
    return keys


def _parse_valid_keys(text: str) -> Mapping[str, StoredKey]:
    keys = {}
    for key, fault in _parse(text):
        if key:
            keys[key.prefix] = key
        else:
            log("ERROR", "a line of the API keys is refused", fault=fault)
    return keys


def _parse(text: str) -> Iterator[tuple[StoredKey | None, str]]:
    prefixes: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            key = StoredKey.model_validate_json(line)
        except ValidationError as error:
            fault = faults_from_validation(error)[0]
            yield None, f"line {number}: {fault.path or 'JSON'}: {fault.message}"
            continue
        is_duplicate = key.prefix in prefixes
        prefixes.add(key.prefix)
        yield (None, f"line {number}: duplicate prefix") if is_duplicate else (key, "")


def _read_stamp(path: Path) -> FileStamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return FileStamp(status.st_mtime_ns, status.st_size, status.st_ino)
