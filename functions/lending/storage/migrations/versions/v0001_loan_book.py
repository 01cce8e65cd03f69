"""The loan book: facts, derived states, the ledger, guards."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

FOLDER = Path(__file__).parent


def upgrade() -> None:
    """Create every table, then what guards them."""
    op.execute((FOLDER / "0001_loan_book.sql").read_text())
    op.execute((FOLDER / "0001_guards.sql").read_text())


def downgrade() -> None:
    """Drop everything; in production there is no way back but a backup."""
    op.execute((FOLDER / "0001_down.sql").read_text())
