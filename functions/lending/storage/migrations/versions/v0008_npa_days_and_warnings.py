"""The day on which a loan becomes non-performing; who follows early warnings up."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"

FOLDER = Path(__file__).parent


def upgrade() -> None:
    """Add the day to loans, and the table of follow-ups."""
    op.execute((FOLDER / "0008_npa_days_and_warnings.sql").read_text())


def downgrade() -> None:
    """Forget both; the day can be derived again."""
    op.execute((FOLDER / "0008_down.sql").read_text())
