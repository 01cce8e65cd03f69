"""Counter-offers: applications at other terms than the customer asked for."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"

FOLDER = Path(__file__).parent


def upgrade() -> None:
    """Let an application say which one it answers."""
    op.execute((FOLDER / "0007_counter_offers.sql").read_text())


def downgrade() -> None:
    """Forget which applications were counter-offers; they stay as applications."""
    op.execute((FOLDER / "0007_down.sql").read_text())
