"""Run the dashboard on this machine over everything it needs: what `make dashboard` does.

An embedded PostgreSQL keeps a seeded book; scoring, the loan book, batches and retraining check the
tokens of a local issuer, and the dashboard signs people in there. All of it ends with this command.
"""

import argparse
import base64
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, NoReturn

from infra.local.book_history import apply_for_loans, first_month, record_history
from infra.local.lending import LENDING_LOG, book_folder, local_today, prepare, train_model
from infra.local.oidc_issuer import (
    AUDIENCE,
    CLIENT_ID,
    CLIENT_SECRET,
    Issuer,
    running_issuer,
)
from infra.local.postgres import running_postgres
from infra.local.run import (
    REPOSITORY,
    SERVICE_LOG,
    Process,
    RunError,
    say,
    start,
    wait_until_live,
)

DASHBOARD_LOG = REPOSITORY / "var" / "log" / "dashboard.log"
NOTICE = "This sign-in is local: a chooser of roles for this machine alone."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where each server of the stack listens, on loopback."""

    dashboard: int
    lending: int
    scoring: int
    batch: int
    retrain: int
    issuer: int


def main() -> int:
    """Serve until interrupted; 1 if something fails."""
    options = _parse_options()
    ports = Ports(
        dashboard=options.port,
        lending=options.lending_port,
        scoring=options.scoring_port,
        batch=options.batch_port,
        retrain=options.retrain_port,
        issuer=options.issuer_port or options.port + 1,
    )
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        with (
            running_postgres(options.folder, "stop") as url,
            running_issuer(ports.issuer) as issuer,
        ):
            os.environ |= {"DATABASE_URL": url, **beside(options.folder)}
            is_new = prepare_with_history(options.customers, local_today())
            with running_stack(ports, issuer) as processes:
                if is_new:
                    token = issuer.token("local", {"roles": ["admin"]})
                    apply_for_loans(f"http://localhost:{ports.lending}", token)
                address = f"http://localhost:{ports.dashboard}"
                print(f"\nThe dashboard is on {address}; stop with Ctrl-C.", flush=True)
                say(f"Its log: {DASHBOARD_LOG.relative_to(REPOSITORY)}")
                wait_for_any(processes)
    except KeyboardInterrupt:
        return 0
    except (RunError, OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--lending-port", type=int, default=8081)
    parser.add_argument("--scoring-port", type=int, default=8080)
    parser.add_argument("--batch-port", type=int, default=8083)
    parser.add_argument("--retrain-port", type=int, default=8082)
    parser.add_argument("--issuer-port", type=int, help="the dashboard's and one by default")
    parser.add_argument("--customers", type=int, default=1000, help="of a book that is seeded")
    parser.add_argument("--folder", type=Path, default=book_folder(), help="where the book is")
    return parser.parse_args()


def beside(book: Path) -> dict[str, str]:
    """Return what the servers keep beside the book."""
    return {
        "BATCH_STORE": book.with_name("batches").as_uri(),
        "WEBHOOK_KEYS": webhook_key(book.with_name("webhook.key")),
    }


def webhook_key(path: Path) -> str:
    """Return the key that seals the secrets of webhooks: made once, kept beside the book."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    return path.read_text()


def prepare_with_history(customers: int, today: date) -> bool:
    """Bring the book to today; give a new one a past, and return whether it is new."""
    is_new = prepare(customers, today, first_month(today))
    if is_new:
        record_history(today)
    return is_new


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


@contextlib.contextmanager
def running_stack(ports: Ports, issuer: Issuer) -> Iterator[Mapping[str, Process]]:
    """Start the functions and the dashboard over them, each as soon as it can answer."""
    os.environ.update(environment(ports, issuer))
    DASHBOARD_LOG.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:

        def serve(module: str, port: int, log_path: Path) -> Process:
            log: IO[bytes] = stack.enter_context(log_path.open("ab"))
            process = stack.enter_context(start(module, port=port, log=log))
            wait_until_live(f"http://localhost:{port}", process)
            return process

        scoring = serve("functions.scoring", ports.scoring, SERVICE_LOG)
        train_model(f"http://localhost:{ports.scoring}", os.environ["SCORING_KEY"])
        yield {
            "scoring": scoring,
            "the loan book": serve("functions.lending", ports.lending, LENDING_LOG),
            "batches": serve("functions.batch", ports.batch, SERVICE_LOG),
            "retraining": serve("functions.retrain", ports.retrain, SERVICE_LOG),
            "the dashboard": serve("functions.dashboard", ports.dashboard, DASHBOARD_LOG),
        }


def environment(ports: Ports, issuer: Issuer) -> dict[str, str]:
    """Return what the servers read: tokens of the issuer, and where each other is."""
    scoring = f"http://localhost:{ports.scoring}"
    return {
        "AUTH": "jwt",
        "JWT_ISSUER": issuer.url,
        "JWT_AUDIENCE": AUDIENCE,
        "JWT_JWKS": f"{issuer.url}/jwks",
        "RATE_LIMIT": "off",
        "SCORING_URL": scoring,
        "SCORING_KEY": issuer.token("loan-book", {"roles": ["officer"]}),
        "LENDING_URL": f"http://localhost:{ports.lending}",
        "DASHBOARD_SCORING_URL": scoring,
        "DASHBOARD_BATCH_URL": f"http://localhost:{ports.batch}",
        "DASHBOARD_RETRAIN_URL": f"http://localhost:{ports.retrain}",
        "DASHBOARD_URL": f"http://localhost:{ports.dashboard}",
        "OIDC_METADATA_URL": f"{issuer.url}/.well-known/openid-configuration",
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "COOKIE_SECRET": secrets.token_hex(),
        "SIGN_IN_NOTICE": NOTICE,
        "LENDER_NAME": "Example Lender",
        "LENDER_ADDRESS": "1 Example Street, Bengaluru 560001",
        "LENDER_AGENCY": "Reserve Bank of India, Mumbai",
        "NOTICE_TEMPLATE": "in_fair_practices",
    }


def wait_for_any(processes: Mapping[str, Process]) -> NoReturn:
    """Wait until one of the processes ends.

    Raises
    ------
    RunError
        Always: none ends by itself.
    """
    while True:
        for name, process in processes.items():
            if process.poll() is not None:
                message = f"{name} has ended; the logs are in {DASHBOARD_LOG.parent}"
                raise RunError(message)
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
