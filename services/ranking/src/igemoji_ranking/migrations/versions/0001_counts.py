"""Create uses and their sums, and the tables that make counting idempotent."""

import sqlalchemy as sa
from alembic import op

from igemoji_mesh.db.database import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "counted_tasks",
        sa.Column("task_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name="pk_counted_tasks"),
    )
    op.create_table(
        "uses",
        sa.Column("emoji_id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("emoji_id", "user_id", "day", name="pk_uses"),
    )
    op.create_table(
        "daily_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("emoji_id", sa.String(36), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "emoji_id", name="pk_daily_counts"),
    )
    op.create_index("ix_daily_counts_emoji_id", "daily_counts", ["emoji_id"])
    op.create_table(
        "totals",
        sa.Column("emoji_id", sa.String(36), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("first_used_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("emoji_id", name="pk_totals"),
    )
    op.create_index("ix_totals_uses", "totals", ["uses"])
    op.create_table(
        "forgotten",
        sa.Column("emoji_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("emoji_id", name="pk_forgotten"),
    )
