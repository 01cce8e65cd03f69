"""`python -m functions.access new`: make an API key."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

from pydantic import ValidationError

from functions.access.api_keys import new_key
from functions.access.scopes import Scope
from functions.access.settings import read_pepper
from functions.web.problems import faults_from_validation
from functions.web.settings import reject_wrong_settings
from models.errors import DeclarationError

MAX_DAYS = 3_650


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the line to store on stdout and, once, the key on stderr; 2 for invalid arguments."""
    options = _parser().parse_args(arguments)
    try:
        pepper, faults = read_pepper()
        reject_wrong_settings(faults)
        key, stored = new_key(
            name=options.name,
            scopes=tuple(options.scopes),
            expires=datetime.now(UTC) + timedelta(days=options.days),
            limit=options.limit,
            pepper=pepper,
        )
    except DeclarationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        faults = [f"{fault.path}: {fault.message}" for fault in faults_from_validation(error)]
        print(f"error: {'; '.join(faults)}", file=sys.stderr)
        return 2
    print(stored.model_dump_json(exclude_none=True))
    print(f"The key, shown only once: {key}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m functions.access", description=__doc__)
    commands = parser.add_subparsers(required=True)
    new = commands.add_parser("new", help="make a key; the pepper is read from API_KEY_PEPPER")
    new.add_argument("--name", required=True, help="who holds it")
    new.add_argument("--scopes", nargs="+", required=True, choices=get_args(Scope))
    new.add_argument("--days", type=_days, default=365, help="how long it is valid (365)")
    new.add_argument("--limit", help="a rate of its own, such as 6000/minute")
    return parser


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= MAX_DAYS:
        message = f"must be from 1 to {MAX_DAYS}"
        raise argparse.ArgumentTypeError(message)
    return days


if __name__ == "__main__":
    sys.exit(main())
