"""Settings every function has: where it listens; and how any setting is read, checked, documented.

A reader returns the value and the faults it has, so that one error names every faulty variable.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from models.errors import DeclarationError

REPOSITORY = Path(__file__).resolve().parents[2]
MAX_PORT = 65_535

Value = TypeVar("Value")
Faults = list[str]


class Variable(NamedTuple):
    """An environment variable as the documentation lists it; `default` is in words."""

    name: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """The address a server listens on."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Only this machine can reach the server."""
        return is_loopback(self.host)


LISTENING_VARIABLES = (
    Variable("HOST", "`127.0.0.1`; on Cloud Run `0.0.0.0`", "Address the server listens on."),
    Variable(
        "PORT", "scoring `8080`, lending `8081`, retrain `8082`", "Port the server listens on."
    ),
)


def listening_from(environment: Mapping[str, str], default_port: int) -> tuple[Listening, Faults]:
    """Read `HOST` and `PORT`."""
    default_host = "0.0.0.0" if "K_SERVICE" in environment else "127.0.0.1"  # noqa: S104 -- a container must
    port, faults = _parse_port(environment.get("PORT", ""), default_port)
    return Listening(host=environment.get("HOST") or default_host, port=port), faults


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_number(name: str, text: str) -> tuple[float | None, Faults]:
    """Read a number that is not negative; None if the variable is empty."""
    if not text:
        return None, []
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII):
        return None, [f"{name}: must be a number from 0, not {text!r}"]
    return float(text), []


def try_reading(name: str, read: Callable[[], Value], fallback: Value) -> tuple[Value, Faults]:
    """Read a setting whose reader raises `DeclarationError`; the fault names the variable."""
    try:
        return read(), []
    except DeclarationError as error:
        return fallback, [f"{name}: {error}"]


def split_list(text: str) -> tuple[str, ...]:
    """Split a comma-separated list; empty parts are dropped."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def reject_wrong_settings(faults: Sequence[str]) -> None:
    """Refuse an environment that has any fault.

    Raises
    ------
    DeclarationError
        The message names every faulty variable.
    """
    if faults:
        message = "wrong settings: " + "; ".join(faults)
        raise DeclarationError(message)


def _parse_port(text: str, default: int) -> tuple[int, Faults]:
    if not text:
        return default, []
    if not (text.isascii() and text.isdigit() and 0 <= int(text) <= MAX_PORT):
        return default, [f"PORT: must be a number from 0 to {MAX_PORT}, not {text!r}"]
    return int(text), []
