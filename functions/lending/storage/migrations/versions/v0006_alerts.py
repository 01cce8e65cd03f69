"""What the daily close compared with the alerts' limits, and what the nightly check found."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"

FOLDER = Path(__file__).parent


def upgrade() -> None:
    """Create both tables, which are only appended to."""
    op.execute((FOLDER / "0006_alerts.sql").read_text())


def downgrade() -> None:
    """Drop both: what was compared and checked is forgotten."""
    op.execute((FOLDER / "0006_down.sql").read_text())
