"""A warehouse in a dataset of BigQuery."""

import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as parquet_files
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from models.errors import DataError
from training.pipeline.conflicts import retry_conflicts
from training.pipeline.dialects import Dialect
from training.pipeline.warehouse import Warehouse

STAGED_FOR = timedelta(days=1)  # what a killed run leaves is gone after it
# The names that BigQuery's interface has for the types of the warehouse.
DUCKDB_TYPES: Mapping[str, str] = {
    "STRING": "VARCHAR",
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
}
FIELD_TYPES: Mapping[pa.DataType, str] = {
    pa.string(): "STRING",
    pa.int64(): "INT64",
    pa.float64(): "FLOAT64",
    pa.bool_(): "BOOL",
    pa.date32(): "DATE",
}


@dataclass(frozen=True, slots=True)
class BigQueryConnection:
    """A client, and the dataset of its tables."""

    client: bigquery.Client = field(repr=False)
    dataset: str
    dialect: Dialect = "bigquery"

    def run(self, statements: Sequence[str]) -> None:
        """Run statements as one transaction. A single statement is one by itself.

        What another run's changes abort is run again.
        """
        script = statements[0]
        if len(statements) > 1:
            body = ";\n".join(statements)
            script = f"BEGIN TRANSACTION;\n{body};\nCOMMIT TRANSACTION;"
        retry_conflicts(lambda: self._query(script))

    def read(self, query: str) -> pa.Table:
        """Run one query and return its rows."""
        return self._query(query).to_arrow(create_bqstorage_client=False)

    @contextmanager
    def stage(self, name: str, rows: pa.Table) -> Iterator[str]:
        """Load rows into a table of a name that no other run has, and drop it afterwards."""
        staged = f"{name}_{uuid.uuid4().hex}"
        reference = self.client.dataset(self.dataset).table(staged)
        schema = [bigquery.SchemaField(f.name, FIELD_TYPES[f.type]) for f in rows.schema]
        table = bigquery.Table(reference, schema=schema)
        table.expires = datetime.now(UTC) + STAGED_FOR
        self.client.create_table(table)
        try:
            self._fill(reference, schema, rows)
            yield staged
        finally:
            self.client.delete_table(reference, not_found_ok=True)

    def list_columns(self) -> dict[str, dict[str, str]]:
        """Return the columns of every table with their types, as DuckDB calls them."""
        tables = {}
        for item in self.client.list_tables(self.dataset):
            fields = self.client.get_table(item.reference).schema
            kinds = {f.name: DUCKDB_TYPES.get(f.field_type, f.field_type) for f in fields}
            tables[item.table_id] = kinds
        return tables

    def _fill(
        self,
        reference: bigquery.TableReference,
        schema: Sequence[bigquery.SchemaField],
        rows: pa.Table,
    ) -> None:
        buffer = io.BytesIO()
        parquet_files.write_table(rows, buffer)
        buffer.seek(0)
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            schema=schema,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        )
        self.client.load_table_from_file(buffer, reference, job_config=config).result()

    def _query(self, statement: str) -> bigquery.table.RowIterator:
        default = self.client.dataset(self.dataset)
        config = bigquery.QueryJobConfig(default_dataset=default)
        return self.client.query(statement, job_config=config).result()


@contextmanager
def open_bigquery(project: str, dataset: str, options: Mapping[str, str]) -> Iterator[Warehouse]:
    """Open a dataset, with the credentials that the process has.

    Raises
    ------
    DataError
        If there are no credentials, or BigQuery refuses a statement.
    """
    try:
        client = bigquery.Client(project=project, location=options.get("location"))
    except (GoogleAuthError, OSError) as error:
        message = f"WAREHOUSE_URL: no credentials for BigQuery: {error}"
        raise DataError(message) from error
    try:
        yield Warehouse(BigQueryConnection(client, dataset))
    except GoogleAPIError as error:
        message = f"WAREHOUSE_URL: BigQuery refuses a statement: {error}"
        raise DataError(message) from error
    finally:
        client.close()
