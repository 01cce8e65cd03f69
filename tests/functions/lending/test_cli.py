"""The commands, as a job runs them."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, tzinfo
from typing import Any, Self

import pytest

from functions.lending import cli
from functions.lending.storage.migrate import newest_revision
from tests.support.lending import client_on, fresh_database
from tests.support.running import REPOSITORY


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "functions.lending", *arguments],
        cwd=REPOSITORY,
        env={"PATH": os.defpath, "PYTHONPATH": str(REPOSITORY)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_empty_database_is_migrated_opened_and_closed_day_by_day(
    postgres: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with fresh_database(postgres) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        with client_on(url) as book:
            assert book("GET", "/health").status_code == 503
            printed = run("migrate", DATABASE_URL=url)
            assert json.loads(printed.stdout) == {"revision": newest_revision()}
            not_open = book("GET", "/api/portfolio/summary")
            assert "no business day is open" in not_open.json()["detail"]
            for command, expected in (
                (["open", "--date", "2026-01-31"], {"business_date": "2026-01-31"}),
                (["open", "--date", "2026-06-30"], {"business_date": "2026-01-31"}),
                (["close", "--date", "2026-01-30"], {"closed": []}),
            ):
                assert cli.main(command) == 0
                assert json.loads(capsys.readouterr().out) == expected
            assert cli.main(["close", "--date", "2026-02-01"]) == 0
            days = json.loads(capsys.readouterr().out)["closed"]
            assert [day["business_date"] for day in days] == ["2026-01-31", "2026-02-01"]
            assert book.ok("GET", "/health")["business_date"] == "2026-02-02"


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_machines_time_zone_changes_nothing(zone: str, database_url: str) -> None:
    done = run("close", "--date", "2026-01-05", DATABASE_URL=database_url, TZ=zone)
    [day] = json.loads(done.stdout)["closed"]
    assert day["business_date"] == "2026-01-05"


def test_a_date_far_ahead_is_refused_as_a_slip(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert cli.main(["close", "--date", "2062-01-05"]) == 2
    assert "more than 366 days after the open day 2026-01-05" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["close", "--date", "tomorrow"])
    assert (
        "must be a date such as 2026-01-31, or yesterday (in UTC), not 'tomorrow'"
        in capsys.readouterr().err
    )


def test_a_schedule_closes_the_day_before(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            assert tz is UTC
            return cls(2026, 1, 6, 1, tzinfo=UTC)

    monkeypatch.setattr(cli, "datetime", Clock)
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert cli.main(["close", "--date", "yesterday"]) == 0
    [day] = json.loads(capsys.readouterr().out)["closed"]
    assert day["business_date"] == "2026-01-05"


def test_a_command_without_a_database_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert cli.main(["migrate"]) == 2
    assert "DATABASE_URL: must be postgresql://user@host/name" in capsys.readouterr().err
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/book")
    assert cli.main(["migrate"]) == 1
    assert "the database refused: OperationalError" in capsys.readouterr().err


def test_a_report_is_made_verified_and_stressed_by_commands(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One loan of 120,000 that no model scored, at 5 % as the command says."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    with client_on(database_url) as book:
        book.disburse()

    def printed(*command: str) -> Any:  # noqa: ANN401 -- JSON
        assert cli.main([*command]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    printed("close", "--date", "2026-01-31")
    report = ("expected-loss", "--date", "2026-01-31")
    made = printed(*report, "--unscored", "0.05")
    assert (made["made"], made["rule_set"], made["loans"], made["unscored"]) == (
        True,
        "ifrs9@1",
        1,
        1,
    )
    assert printed(*report, "--verify")["different"] == 0
    stressed = printed("stress", "--scenario", "rate_up_200bp")
    assert stressed["after"]["expected_loss"] > stressed["before"]["expected_loss"]
    own = printed("stress", "--interest-rate-points", "2")
    assert own["scenario"]["name"] == "own"
    assert own["after"] == stressed["after"]
    for arguments in ((), ("--scenario", "all_three", "--unemployment-rate-points", "1")):
        assert cli.main(["stress", *arguments]) == 2
        assert "needs either --scenario or points of one's own" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        cli.main(["stress", "--unemployment-rate-points", "two"])
    assert "must be percentage points, such as 2 or -0.5, not 'two'" in capsys.readouterr().err
    assert cli.main(["expected-loss", "--date", "2026-02-01"]) == 2
    assert "is not closed: the open day is 2026-02-01" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        cli.main([*report, "--unscored", "5"])
    assert "must be above 0 and below 1, such as 0.05, not '5'" in capsys.readouterr().err
