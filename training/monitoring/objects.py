"""Objects of a model's monitoring: one for each day, never replaced; a second attempt is another.

Whoever reads takes the last attempt of a day. The same content is written once.
"""

import re
from collections.abc import Iterator
from datetime import date

from models.errors import ObjectExistsError
from models.registry.store_paths import dated_name
from models.stores.store import Store

DATED = re.compile(r"(\d{4}-\d{2}-\d{2})-(\d{3})\.\w+")


def create_dated(store: Store, prefix: str, day: date, suffix: str, data: bytes) -> str:
    """Write the object of a day and return its name; the same content again changes nothing."""
    attempt = 1
    while True:
        name = prefix + dated_name(day, attempt, suffix)
        try:
            store.create(name, data)
        except ObjectExistsError:
            if store.read(name).data == data:
                return name
            attempt += 1
        else:
            return name


def list_dated(store: Store, prefix: str, suffix: str, last: date) -> Iterator[tuple[date, str]]:
    """Yield each day until the last one, and the name of its last attempt, oldest first."""
    newest: dict[date, str] = {}
    for name in store.names(prefix):
        match = DATED.fullmatch(name.removeprefix(prefix))
        if match and name.endswith(suffix):
            day = date.fromisoformat(match[1])
            if day <= last:
                newest[day] = name  # names are sorted, so that later attempts come later
    yield from sorted(newest.items())
