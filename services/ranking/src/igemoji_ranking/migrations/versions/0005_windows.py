"""Create running totals per window; each window is filled by its first query."""

import sqlalchemy as sa
from alembic import op

from igemoji_mesh.db.database import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "window_counts",
        sa.Column("window_name", sa.String(8), nullable=False),
        sa.Column("emoji_id", sa.String(36), nullable=False),
        sa.Column("minus_uses", sa.Integer(), nullable=False),
        sa.Column("first_used_at", UtcDateTime(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("window_name", "emoji_id", name="pk_window_counts"),
    )
    order = ["window_name", "shown", "minus_uses", "first_used_at", "emoji_id"]
    op.create_index("ix_window_counts_order", "window_counts", order)
    op.create_index("ix_window_counts_emoji_id", "window_counts", ["emoji_id"])
    op.create_table(
        "window_starts",
        sa.Column("window_name", sa.String(8), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("window_name", name="pk_window_starts"),
    )
    op.drop_index("ix_totals_shown_uses", "totals")
