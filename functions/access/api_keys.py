"""API keys: `sk_<prefix>_<secret>`, of which only a keyed hash is kept, one JSON object a line.

The pepper that keys the hash is kept elsewhere: who reads the lines cannot try keys on them.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from functions.access.principal import Principal, UnauthenticatedError
from functions.access.rate_limit import RATE_FORM, rate_from
from functions.access.scopes import Scope
from functions.web.logs import log
from functions.web.problems import faults_from

KEY = re.compile(r"sk_([0-9a-f]{8})_[A-Za-z0-9_-]{43}", re.ASCII)
NOBODYS_HASH = "0" * 64


def _known_rate(text: str) -> str:
    if rate_from(text) is None:
        message = f"must be {RATE_FORM}"
        raise ValueError(message)
    return text


class StoredKey(BaseModel):
    """What is kept of a key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    prefix: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    expires: AwareDatetime
    limit: Annotated[str, AfterValidator(_known_rate)] | None = None


class Stamp(NamedTuple):
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
    ) -> None:
        self._path = None if is_content(source) else Path(source)
        self._pepper = pepper
        self._now = now
        self._stamp: Stamp | None = None
        self._keys = {} if self._path else _sound_keys(source)

    async def principal(self, credential: str) -> Principal:
        """Who holds this key.

        Raises
        ------
        UnauthenticatedError
            Nobody, or nobody any more.
        """
        self._follow()
        form = KEY.fullmatch(credential)
        stored = self._keys.get(form[1]) if form else None
        # A prefix that nobody has takes as long as a wrong secret.
        kept = stored.hash if stored else NOBODYS_HASH
        is_right = hmac.compare_digest(hash_key(credential, self._pepper), kept)
        if stored is None or not is_right:
            message = "this API key is not accepted"
            raise UnauthenticatedError(message)
        if stored.expires <= self._now():
            message = "this API key has expired"
            raise UnauthenticatedError(message)
        rate = rate_from(stored.limit) if stored.limit else None
        return Principal(f"key {stored.prefix}", frozenset(stored.scopes), rate)

    def _follow(self) -> None:
        """Read the file again if it is another; a faulty line is no key, the others stay."""
        if self._path is None:
            return
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._keys = _sound_keys(text_of(str(self._path)))
            self._stamp = stamp
            log("INFO", "API keys read", keys=len(self._keys))


def new_key(
    *, name: str, scopes: tuple[Scope, ...], expires: datetime, limit: str | None, pepper: bytes
) -> tuple[str, StoredKey]:
    """Make a key: what its holder is given, once, and what is kept."""
    prefix = secrets.token_hex(4)
    key = f"sk_{prefix}_{secrets.token_urlsafe(32)}"
    kept = {"name": name, "prefix": prefix, "scopes": scopes, "expires": expires, "limit": limit}
    return key, StoredKey.model_validate(kept | {"hash": hash_key(key, pepper)})


def hash_key(key: str, pepper: bytes) -> str:
    """HMAC-SHA256 of a whole key, in hexadecimal."""
    return hmac.new(pepper, key.encode(), hashlib.sha256).hexdigest()


def is_content(source: str) -> bool:
    """The keys themselves, rather than the path of a file with them."""
    return source.lstrip().startswith("{")


def text_of(source: str) -> str:
    """The lines that a setting holds or names; none where there is no such file."""
    if is_content(source):
        return source
    try:
        return Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def faults_of(text: str) -> list[str]:
    """What is wrong with which line; no value is repeated."""
    return [fault for _, fault in _read(text) if fault]


def _sound_keys(text: str) -> Mapping[str, StoredKey]:
    found = {}
    for key, fault in _read(text):
        if key:
            found[key.prefix] = key
        else:
            log("ERROR", "a line of the API keys is refused", fault=fault)
    return found


def _read(text: str) -> Iterator[tuple[StoredKey | None, str]]:
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            key = StoredKey.model_validate_json(line)
        except ValidationError as error:
            fault = faults_from(error)[0]
            yield None, f"line {number}: {fault.path or 'JSON'}: {fault.message}"
            continue
        twice = key.prefix in seen
        seen.add(key.prefix)
        yield (None, f"line {number}: its prefix stands above") if twice else (key, "")


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return Stamp(found.st_mtime_ns, found.st_size, found.st_ino)
