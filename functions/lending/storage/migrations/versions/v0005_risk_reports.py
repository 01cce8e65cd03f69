"""Reports of provisions and expected loss, with what they were made from."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"

FOLDER = Path(__file__).parent


def upgrade() -> None:
    """Create the tables of reports."""
    op.execute((FOLDER / "0005_risk_reports.sql").read_text())


def downgrade() -> None:
    """Drop them, with every report that was made."""
    op.execute((FOLDER / "0005_down.sql").read_text())
