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
        "PORT",
        "scoring `8080`, lending `8081`, retrain `8082`, batch `8083`, dashboard `8501`",
        "Port the server listens on.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """Which project the log names traces of, and where spans are sent; neither by default."""

    project: str | None = None
    endpoint: str | None = None
    service_name: str = "surety"


TRACING_VARIABLES = (
    Variable(
        "TRACE_PROJECT",
        "none",
        "Google Cloud project of the traces: a request's lines in the log then name its trace, "
        "so that Cloud Logging shows them with it.",
    ),
    Variable(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "none",
        "Where a span of each request is sent, as OTLP in JSON: an OpenTelemetry collector, such "
        "as `http://localhost:4318/v1/traces`.",
    ),
    Variable("OTEL_SERVICE_NAME", "`K_SERVICE`, or `surety`", "The service's name in its spans."),
)


def tracing_from(environment: Mapping[str, str]) -> tuple[Tracing, Faults]:
    """Read where traces go."""
    endpoint = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or None
    project = environment.get("TRACE_PROJECT") or None
    faults = []
    if endpoint and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", endpoint):
        rule = "must be an address such as http://localhost:4318/v1/traces"
        faults.append(f"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {rule}, not {endpoint!r}")
    if project and not re.fullmatch(r"[a-z][a-z0-9:.-]+", project):
        faults.append(f"TRACE_PROJECT: must be a project's ID, not {project!r}")
    platform_name = environment["K_SERVICE"] if "K_SERVICE" in environment else "surety"  # noqa: SIM401 -- Cloud Run's, and no setting
    name = environment.get("OTEL_SERVICE_NAME") or platform_name
    return Tracing(project=project, endpoint=endpoint, service_name=name), faults


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
