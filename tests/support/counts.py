"""How often the endurance and fault suites repeat: the one place that says so.

`make test` uses the reduced counts; `make soak` passes `--soak`, which chooses the full ones.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Repetitions, seconds and rows of the suites that are marked `soak`."""

    is_full: bool
    examples: int  # of a property, unless another line says otherwise
    audit_examples: int  # of a property of the log's verification
    feature_examples: int  # of the property that no row of the future changes a feature
    table_examples: int  # of the property that tables and rows are scored alike
    schema_examples: int  # requests that schemathesis makes for each operation, of 60
    mutations: int  # of a bundle or of a pointer
    kills: int  # of a publisher
    pipeline_kills: int  # of each step of the data pipeline, as a process
    promotion_rounds: int  # of competing promotions
    pointer_swaps: int
    refresh_rounds: int
    stops: int  # of a busy server
    proxied_requests: int  # through each proxy, beside an attacker
    flood_bytes: int  # of headers, over 50 connections
    raw_requests: int  # of mutated bytes
    outage_seconds: int
    load_seconds: int
    replayed_decisions: int
    tree_rows: int
    gate_trials: int  # of each simulated challenger
    sign_pairs: int  # of rows, for each feature with a documented sign
    monitored_years: int  # of a model whose applicants do not change
    monitored_streams: int  # of a model of which something changes
    assessed_loans: int  # of a book whose expected loss is compared loan by loan
    books: int  # random loans with all that happens to them
    loan_books: int  # on a database, each with a dozen random postings
    loan_kills: int  # of a loan book that is being posted to
    portfolio_operations: int  # random ones, after which the cells are what a recount says
    batch_rows: int  # that eight tasks score, some of which are killed
    exported_rows: int  # that a statement of SQL scores, of each model
    grant_rounds: int  # of concurrent grants against one limit
    written_off: int  # loans at once, each of which is paid meanwhile
    borrowers: int  # with up to three such loans, closed day by day; loans posted fact by fact


REDUCED = Counts(
    is_full=False,
    examples=100,
    audit_examples=50,
    feature_examples=40,
    table_examples=200,
    schema_examples=8,
    mutations=200,
    kills=10,
    pipeline_kills=1,
    promotion_rounds=5,
    pointer_swaps=9,
    refresh_rounds=2,
    stops=2,
    proxied_requests=4_000,
    flood_bytes=32 * 2**20,
    raw_requests=3_000,
    outage_seconds=3,
    load_seconds=8,
    replayed_decisions=1_000,
    tree_rows=20_000,
    gate_trials=40,
    sign_pairs=10_000,
    monitored_years=3,
    monitored_streams=8,
    assessed_loans=500,
    books=200,
    loan_books=3,
    loan_kills=20,
    portfolio_operations=200,
    batch_rows=30_000,
    exported_rows=2_000,
    grant_rounds=50,
    written_off=20,
    borrowers=30,
)
FULL = Counts(
    is_full=True,
    examples=10_000,
    audit_examples=1_000,
    feature_examples=1_000,
    table_examples=10_000,
    schema_examples=2_000,
    mutations=1_000,
    kills=200,
    pipeline_kills=25,
    promotion_rounds=100,
    pointer_swaps=81,
    refresh_rounds=20,
    stops=20,
    proxied_requests=100_000,
    flood_bytes=2**30,
    raw_requests=100_000,
    outage_seconds=60,
    load_seconds=1_800,
    replayed_decisions=10_000,
    tree_rows=1_000_000,
    gate_trials=400,
    sign_pairs=1_000_000,
    monitored_years=500,
    monitored_streams=400,
    assessed_loans=10_000,
    books=10_000,
    loan_books=400,
    loan_kills=200,
    portfolio_operations=10_000,
    batch_rows=10_000_000,
    exported_rows=100_000,
    grant_rounds=1_000,
    written_off=1_000,
    borrowers=1_000,
)
_chosen = [REDUCED]


def choose(counts: Counts) -> None:
    """Use these counts; `tests/conftest.py` does, before any test module is imported."""
    _chosen[0] = counts


def counts() -> Counts:
    """The counts in use."""
    return _chosen[0]
