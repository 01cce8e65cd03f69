"""Settings of external checks: where each one is asked, and with which credential."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from functions.lending.checks.declarations import (
    SHIPPED,
    CheckDeclaration,
    read_declarations,
    require_model_fields,
)
from functions.web.settings import Faults, Variable, is_loopback, split_list, try_reading

URL = re.compile(r"(https?)://([A-Za-z0-9.-]+)(:\d{1,5})?(/[^\s,]*)?")

CHECK_VARIABLES = (
    Variable(
        "CHECK_URLS",
        "none: no external check is asked",
        "Addresses of external checks, separated by commas: "
        "`bureau=https://host/path,fraud=https://host/path`; https, or http on loopback. Every "
        "check with an address must answer before an application is decided.",
    ),
    Variable(
        "CHECK_KEYS",
        "none",
        "Bearer credentials of external checks, separated by commas: `bureau=key`. Never printed.",
    ),
    Variable(
        "CHECKS_FILE",
        "the file that is shipped",
        "A TOML file that declares other external checks: see [the loan book](loan-book.md).",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalCheck:
    """A declared check, and where it is asked."""

    declaration: CheckDeclaration
    url: str
    key: str | None = field(repr=False)

    @property
    def name(self) -> str:
        """Its name, in settings, rows and causes."""
        return self.declaration.name


def checks_from(
    environment: Mapping[str, str], model_name: str
) -> tuple[tuple[ExternalCheck, ...], Faults]:
    """Read which checks are asked; without an address nothing is read."""
    urls, url_faults = _pairs("CHECK_URLS", environment)
    keys, key_faults = _pairs("CHECK_KEYS", environment)
    path = environment.get("CHECKS_FILE")
    if not urls and not path:
        surplus = [f"CHECK_KEYS: {name} has no address in CHECK_URLS" for name in keys]
        return (), [*url_faults, *key_faults, *surplus]
    declarations, file_faults = _declarations(path)
    faults = [*url_faults, *key_faults, *file_faults]
    if file_faults:
        return (), faults
    names = {declaration.name for declaration in declarations}
    faults += [f"CHECK_URLS: no check is named {name}" for name in urls if name not in names]
    faults += [f"CHECK_KEYS: {name} has no address in CHECK_URLS" for name in keys.keys() - urls]
    faults += [fault for name, url in urls.items() for fault in _url_faults(name, url)]
    checks = tuple(
        ExternalCheck(declaration=declaration, url=urls[name], key=keys.get(name))
        for declaration in declarations
        if (name := declaration.name) in urls
    )
    faults += [fault for check in checks for fault in _field_faults(check, model_name)]
    return checks, faults


def _declarations(path: str | None) -> tuple[tuple[CheckDeclaration, ...], Faults]:
    nothing: tuple[CheckDeclaration, ...] = ()
    file = Path(path) if path else SHIPPED
    return try_reading("CHECKS_FILE", partial(read_declarations, file), nothing)


def _field_faults(check: ExternalCheck, model_name: str) -> Faults:
    test = partial(require_model_fields, check.declaration, model_name)
    return try_reading("CHECKS_FILE", test, None)[1]


def _pairs(name: str, environment: Mapping[str, str]) -> tuple[dict[str, str], Faults]:
    """Read `name=value` pairs; a fault repeats no value, which may be a secret."""
    parts = [part.partition("=") for part in split_list(environment.get(name, ""))]
    pairs = {key: value for key, _, value in parts if key and value}
    if len(pairs) != len(parts):
        return {}, [f"{name}: must be name=value pairs separated by commas, each name once"]
    return pairs, []


def _url_faults(name: str, url: str) -> Faults:
    match = URL.fullmatch(url)
    if match and (match[1] == "https" or is_loopback(match[2])):
        return []
    return [f"CHECK_URLS: {name} must be https://host/path, or http:// on loopback"]
