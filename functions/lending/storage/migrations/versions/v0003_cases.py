"""Cases: answers of external checks, reviews by persons, and what two persons agree on."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"

FOLDER = Path(__file__).parent


def upgrade() -> None:
    """Create the tables, and the columns that decisions and confirmations gain."""
    op.execute((FOLDER / "0003_cases.sql").read_text())


def downgrade() -> None:
    """Drop them: what waits for a second person stays, what was refused goes."""
    op.execute((FOLDER / "0003_down.sql").read_text())
