"""Portfolio cells: rows whose sums are the figures of the book, kept by triggers."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"

FOLDER = Path(__file__).parent


def upgrade() -> None:
    """Create the cells and what keeps them, and count the book as it stands."""
    op.execute((FOLDER / "0002_portfolio_cells.sql").read_text())


def downgrade() -> None:
    """Drop the cells: figures are then those of the code before them."""
    op.execute((FOLDER / "0002_down.sql").read_text())
