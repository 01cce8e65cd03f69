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
from functions.web.problems import faults_from
from functions.web.settings import refuse_wrong
from models.errors import DeclarationError


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the line to store on stdout and, once, the key on stderr; 2 when told wrong."""
    asked = _parser().parse_args(arguments)
    faults: list[str] = []
    try:
        pepper = read_pepper(faults)
        refuse_wrong(faults)
        key, stored = new_key(
            name=asked.name,
            scopes=tuple(asked.scopes),
            expires=datetime.now(UTC) + timedelta(days=asked.days),
            limit=asked.limit,
            pepper=pepper,
        )
    except DeclarationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        wrong = "; ".join(f"{fault.path}: {fault.message}" for fault in faults_from(error))
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    print(stored.model_dump_json(exclude_none=True))
    print(f"The key, shown this once: {key}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m functions.access", description=__doc__)
    commands = parser.add_subparsers(required=True)
    new = commands.add_parser("new", help="make a key; the pepper is read from API_KEY_PEPPER")
    new.add_argument("--name", required=True, help="whose it is")
    new.add_argument("--scopes", nargs="+", required=True, choices=get_args(Scope))
    new.add_argument("--days", type=_days, default=365, help="how long it is good for (365)")
    new.add_argument("--limit", help="a rate of its own, such as 6000/minute")
    return parser


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= 3_650:  # noqa: PLR2004 -- ten years
        raise ValueError
    return days


if __name__ == "__main__":
    sys.exit(main())
