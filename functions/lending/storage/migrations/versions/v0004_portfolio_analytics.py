"""Analytics: origins of loans, cells of segments, month-end snapshots, views for other programs."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"

FOLDER = Path(__file__).parent


def upgrade() -> None:
    """Create what figures are read from, and count the book as it stands."""
    op.execute((FOLDER / "0004_portfolio_analytics.sql").read_text())


def downgrade() -> None:
    """Drop it all: snapshots are lost, and can be made again from the facts."""
    op.execute((FOLDER / "0004_down.sql").read_text())
