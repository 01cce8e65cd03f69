"""Commands of the loan book: migrate, open, close; each prints one JSON object."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from functions.lending.analytics.month_ends import MonthEnds, month_end
from functions.lending.cli_risk import add_risk_commands
from functions.lending.closing import DailyClose
from functions.lending.settings import (
    read_database_url,
    read_settings,
    read_webhook_settings,
)
from functions.lending.storage import cells
from functions.lending.storage.database import WHOLE_BOOK, Database, create_pool
from functions.lending.storage.identifiers import identifier_from_text
from functions.lending.storage.opening import open_book_on
from functions.lending.storage.transaction import Job, open_business_date
from models.errors import SuretyError

EXIT_DONE, EXIT_FAILED, EXIT_UNUSABLE = 0, 1, 2
MOST_PROCESSES = 64


def main(arguments: Sequence[str]) -> int:
    """Run a command. 0: done; 1: the database failed, or a check did; 2: it cannot be done."""
    options = build_parser().parse_args(arguments)
    try:
        printed = options.run(options)
    except SuretyError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    except DBAPIError as error:
        print(f"error: the database refused: {type(error.orig).__name__}", file=sys.stderr)
        return EXIT_FAILED
    print(json.dumps(printed, default=str))
    # Of the check of a book, and of a report that was made again.
    is_different = isinstance(printed, dict) and printed.get("different")
    return EXIT_FAILED if is_different else EXIT_DONE


def build_parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m functions.lending", description="Without arguments: serve."
    )
    commands = parser.add_subparsers(required=True)
    _add_migrate_command(commands)
    _add_day_commands(commands)
    decide = commands.add_parser("decide", help="ask again about undecided applications")
    decide.set_defaults(run=_decide)
    importing = commands.add_parser("import", help="read applications from a CSV file")
    importing.set_defaults(run=_import)
    importing.add_argument("--file", type=Path, required=True)
    importing.add_argument("--dry-run", action="store_true", help="check and import nothing")
    importing.add_argument("--partial", action="store_true", help="import the lines without fault")
    seed = commands.add_parser("seed", help="load a generated book into an empty database")
    seed.set_defaults(run=_seed)
    seed.add_argument(
        "--from", dest="folder", type=Path, required=True, help="what training generate wrote"
    )
    seed.add_argument("--date", type=_day, required=True, help="the business day that opens")
    seed.add_argument(
        "--processes", type=_processes, help="that derive a large book; one a processor"
    )
    add_risk_commands(commands, _day)
    _add_webhook_commands(commands)
    for name, run, what in (
        ("export", _export, "print everything that the book holds of one person"),
        ("erase", _erase, "take one person out of the book, once no law keeps the data"),
    ):
        command = commands.add_parser(name, help=what)
        command.set_defaults(run=run)
        command.add_argument("--customer", type=int, required=True, help="the customer's number")
    for name in ("openapi", "settings"):
        commands.add_parser(name, help="print this document").set_defaults(run=_document, name=name)
    return parser


def _add_migrate_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    migrate = commands.add_parser("migrate", help="bring the database to the newest version")
    migrate.set_defaults(run=_migrate)
    for name, part in (("service", "serves"), ("job", "runs jobs")):
        migrate.add_argument(
            f"--{name}-user",
            action="append",
            default=[],
            help=f"a user of the database that {part}: its roles are granted",
        )


def _add_day_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    opening = commands.add_parser("open", help="open the first business day of an empty book")
    opening.set_defaults(run=_open)
    opening.add_argument("--date", type=_day, required=True)
    close = commands.add_parser("close", help="close every business day up to and with a date")
    close.set_defaults(run=_close)
    close.add_argument("--date", type=_day, required=True)
    close.add_argument(
        "--processes", type=_processes, help="where many loans are due; one a processor"
    )
    snapshot = commands.add_parser(
        "snapshot", help="record a month end, once; `close` does it, too"
    )
    snapshot.set_defaults(run=_snapshot)
    snapshot.add_argument("--month", type=_month, required=True, help="such as 2026-01")
    snapshot.add_argument(
        "--check", action="store_true", help="make it again from the facts, and change nothing"
    )
    check = commands.add_parser("check", help="derive every loan again, recount every cell")
    check.set_defaults(run=_check)
    recount = commands.add_parser("recount", help="replace the portfolio cells by a recount")
    recount.set_defaults(run=_recount)


def _add_webhook_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    deliver = commands.add_parser("deliver", help="send the events that are due to every webhook")
    deliver.set_defaults(run=_deliver)
    webhook = commands.add_parser("webhook", help="register a webhook; its secret is shown once")
    webhook.set_defaults(run=_webhook)
    webhook.add_argument("--url", required=True, help="https://host/path, reachable by the public")
    rotate = commands.add_parser("rotate", help="give a webhook a new secret, shown once")
    rotate.set_defaults(run=_rotate)
    rotate.add_argument("--endpoint", type=_item, required=True, help="what `webhook` printed")
    rotate.add_argument("--finish", action="store_true", help="the old secret signs no longer")
    reseal = commands.add_parser("reseal", help="encrypt every secret with the first WEBHOOK_KEYS")
    reseal.set_defaults(run=_reseal)
    replay = commands.add_parser("replay", help="let `deliver` send a message once more")
    replay.set_defaults(run=_replay)
    replay.add_argument("--message", type=_uuid, required=True, help="its webhook-id")


def _migrate(options: argparse.Namespace) -> dict[str, Any]:
    # Alembic takes a third of a second to import, and no other command needs it.
    from functions.lending.storage import migrate  # noqa: PLC0415

    engine = create_pool(read_database_url(), 1)
    users = dict.fromkeys(options.service_user, migrate.SERVICE_ROLES)
    users |= dict.fromkeys(options.job_user, migrate.JOB_ROLES)
    try:
        migrate.upgrade(engine)
        for user, roles in users.items():
            migrate.grant_roles(engine, user, roles)
    finally:
        engine.dispose()
    return {"revision": migrate.newest_revision()}


def _open(options: argparse.Namespace) -> dict[str, Any]:
    with closing(Database(read_database_url(), 1)) as database:
        return {"business_date": open_book_on(database, options.date, datetime.now(UTC))}


def _close(options: argparse.Namespace) -> dict[str, Any]:
    with closing(Database(read_database_url(), 1)) as database:
        processes = options.processes or os.cpu_count() or 1
        now = partial(datetime.now, UTC)
        daily_close = DailyClose(database=database, now=now, processes=processes)
        closed = daily_close.close_through(options.date)
    return {"closed": [asdict(day) for day in closed]}


def _snapshot(options: argparse.Namespace) -> dict[str, Any]:
    with closing(Database(read_database_url(), 1)) as database:
        months = MonthEnds(database=database, now=lambda: datetime.now(UTC))
        if options.check:
            return asdict(months.remake(options.month))
        recorded = months.record_through(options.month)
    return {"recorded": {str(month): loans for month, loans in recorded.items()}}


def _check(_options: argparse.Namespace) -> dict[str, Any]:
    from functions.lending.checking import check_book, record_check  # noqa: PLC0415 -- at night

    with closing(Database(read_database_url(), 1)) as database:
        checked = check_book(database)
        job = Job(database=database, principal="check", now=lambda: datetime.now(UTC))
        job.run(partial(record_check, checked=checked))
        return asdict(checked)


def _recount(_options: argparse.Namespace) -> dict[str, Any]:
    def work(connection: Connection) -> list[str]:
        closed = open_business_date(connection) - timedelta(days=1)
        wrong = list(cells.differences(connection, closed))
        cells.rebuild(connection, closed)
        return wrong

    with closing(Database(read_database_url(), 1)) as database:
        return {"replaced": database.write(WHOLE_BOOK, work, is_repeatable=True)}


def _decide(_options: argparse.Namespace) -> dict[str, Any]:
    from functions.lending.app import open_book  # noqa: PLC0415 -- only this command asks anybody
    from functions.lending.sweep import Sweep  # noqa: PLC0415 -- likewise

    async def sweep() -> dict[str, Any]:
        async with aclosing(open_book(read_settings())) as book:
            return await Sweep(database=book.database, decider=book.decider, now=book.now).decide()

    return asyncio.run(sweep())


def _deliver(_options: argparse.Namespace) -> dict[str, Any]:
    from functions.lending.webhook_delivery import WebhookDelivery  # noqa: PLC0415 -- likewise
    from functions.lending.webhook_sender import send  # noqa: PLC0415 -- likewise

    url, box = read_webhook_settings()
    with closing(Database(url, 1)) as database:
        delivery = WebhookDelivery(
            database=database, send=send, now=lambda: datetime.now(UTC), box=box
        )
        return delivery.deliver()


def _import(options: argparse.Namespace) -> Mapping[str, Any]:
    from functions.lending.applications_file import (  # noqa: PLC0415 -- likewise
        FileImport,
        import_applications,
    )

    with closing(Database(read_database_url(), 1)) as database:
        how = FileImport(options.file, is_dry=options.dry_run, is_partial=options.partial)
        return import_applications(database, how, datetime.now(UTC))


def _webhook(options: argparse.Namespace) -> dict[str, Any]:
    from functions.lending.webhook_delivery import register_endpoint  # noqa: PLC0415 -- likewise

    url, box = read_webhook_settings()
    with closing(Database(url, 1)) as database:
        return register_endpoint(_job(database), options.url, box)


def _rotate(options: argparse.Namespace) -> dict[str, Any]:
    from functions.lending.webhook_delivery import (  # noqa: PLC0415 -- likewise
        finish_rotation,
        rotate_secret,
    )

    url, box = read_webhook_settings()
    with closing(Database(url, 1)) as database:
        if options.finish:
            return finish_rotation(_job(database), options.endpoint)
        return rotate_secret(_job(database), options.endpoint, box)


def _reseal(_options: argparse.Namespace) -> dict[str, Any]:
    from functions.lending.webhook_delivery import reseal_secrets  # noqa: PLC0415 -- likewise

    url, box = read_webhook_settings()
    with closing(Database(url, 1)) as database:
        return reseal_secrets(_job(database), box)


def _replay(options: argparse.Namespace) -> dict[str, Any]:
    from functions.lending.webhook_delivery import replay_message  # noqa: PLC0415 -- likewise

    with closing(Database(read_database_url(), 1)) as database:
        return replay_message(_job(database), options.message)


def _job(database: Database, principal: str = "webhooks") -> Job:
    return Job(database=database, principal=principal, now=lambda: datetime.now(UTC))


def _seed(options: argparse.Namespace) -> dict[str, Any]:
    from functions.lending.seeding import seed_book  # noqa: PLC0415 -- only for new books

    with closing(Database(read_database_url(), 1)) as database:
        now = datetime.now(UTC)
        processes = options.processes or os.cpu_count() or 1
        rows = seed_book(database.engine, options.folder, options.date, now, processes)
        return {"rows": rows}


def _export(options: argparse.Namespace) -> dict[str, Any]:
    from functions.lending.personal_data import export_customer  # noqa: PLC0415 -- seldom

    with closing(Database(read_database_url(), 1)) as database:
        return _job(database, "export").run(partial(export_customer, options.customer))


def _erase(options: argparse.Namespace) -> dict[str, Any]:
    from functions.lending.personal_data import erase_customer  # noqa: PLC0415 -- seldom

    with closing(Database(read_database_url(), 1)) as database:
        return _job(database, "erase").run(partial(erase_customer, options.customer))


def _document(options: argparse.Namespace) -> Any:  # noqa: ANN401 -- JSON
    from functions.lending.documents import DOCUMENTS  # noqa: PLC0415 -- only for people

    return DOCUMENTS[options.name]()


def _item(text: str) -> UUID:
    identifier = identifier_from_text("item", text)
    if identifier is None:
        message = f"must be item_ and 32 digits, as `webhook` printed it, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return identifier


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        message = f"must be 32 digits, as in the header webhook-id, not {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def _month(text: str) -> date:
    try:
        return month_end(date.fromisoformat(f"{text}-01"))
    except ValueError:
        message = f"must be a month such as 2026-01, not {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def _processes(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PROCESSES:
        message = f"must be a number from 1 to {MOST_PROCESSES}, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _day(text: str) -> date:
    if text == "yesterday":  # what a schedule can name, in UTC
        return datetime.now(UTC).date() - timedelta(days=1)
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"must be a date such as 2026-01-31, or yesterday (in UTC), not {text!r}"
        raise argparse.ArgumentTypeError(message) from None
