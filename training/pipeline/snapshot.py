"""A day's feature rows as a snapshot that the scoring service looks applicants up in."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import ValidationError

from models.contract import CreditModel, find_identifier, name_from_model
from models.errors import DataError, DeclarationError
from models.registry.feature_snapshot import publish_snapshot
from models.stores.store import Store
from training.pipeline.feature_table import CustomerFeatureRow
from training.pipeline.warehouse import Warehouse

MOST_REFUSED = 0.5  # of the rows: a day that is broken must not replace a sound one

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published: rows, and by field how many rows the model's contract refuses."""

    run: str
    rows: int
    refused: int
    refused_by_field: dict[str, int]


def publish_features(
    warehouse: Warehouse, store: Store, model: type[CreditModel], day: date
) -> Publication:
    """Publish the features of everybody at the end of a day, if a request could be made of them.

    Raises
    ------
    DataError
        If the day has no features, if the contract refuses most of them, or if the day is
        published already with others.
    DeclarationError
        If the model has no identifier to look applicants up by.
    """
    identifier = find_identifier(model)
    if identifier is None:
        message = f"{name_from_model(model)} has no identifier: nobody can be looked up"
        raise DeclarationError(message)
    rows = read_rows(warehouse, day)
    if not rows:
        message = f"there are no features of {day}: run features --day {day} first"
        raise DataError(message)
    refused: Counter[str] = Counter()
    valid = dict(_valid_rows(rows, model, identifier, refused))
    if len(rows) - len(valid) > MOST_REFUSED * len(rows):
        by_field = ", ".join(f"{field}: {count}" for field, count in sorted(refused.items()))
        message = (
            f"the contract of {name_from_model(model)} refuses {len(rows) - len(valid)} of "
            f"{len(rows)} rows of {day} ({by_field}); nothing was published"
        )
        raise DataError(message)
    snapshot = publish_snapshot(store, name_from_model(model), day, valid.items())
    return Publication(
        run=snapshot.run,
        rows=snapshot.rows,
        refused=len(rows) - snapshot.rows,
        refused_by_field=dict(sorted(refused.items())),
    )


def read_rows(warehouse: Warehouse, day: date) -> list[Row]:
    """Read the feature rows of the end of a day."""
    as_of = day + timedelta(days=1)
    names = ", ".join(CustomerFeatureRow.model_fields)
    query = f"SELECT {names} FROM customer_features WHERE as_of = CAST('{as_of}' AS DATE)"
    rows: list[Row] = warehouse.connection.read(query).to_pylist()
    return rows


def _valid_rows(
    rows: list[Row], model: type[CreditModel], identifier: str, refused: Counter[str]
) -> Iterator[tuple[str, Row]]:
    """Yield what the contract takes, by identifier; count the fields of what it refuses."""
    names = [name for name in model.model_fields if name != identifier]
    for row in rows:
        fields = {name: row[name] for name in names if row.get(name) is not None}
        try:
            model.model_validate(fields)
        except ValidationError as error:
            refused.update(
                {str(fault["loc"][0]) if fault["loc"] else "row" for fault in error.errors()}
            )
            continue
        yield row[identifier], fields
