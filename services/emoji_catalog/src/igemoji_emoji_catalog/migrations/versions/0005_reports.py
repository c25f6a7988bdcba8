"""Reports, and the operators' queue."""

import sqlalchemy as sa
from alembic import op

from igemoji_mesh.db.database import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("emoji_id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("comment", sa.String(500), nullable=False),
        sa.Column("reported_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("emoji_id", "user_id", name="pk_reports"),
    )
    op.create_index("ix_reports_emoji_id_reported_at", "reports", ["emoji_id", "reported_at"])
    op.create_index("ix_reports_user_id", "reports", ["user_id"])
    op.create_table(
        "reported_emojis",
        sa.Column("emoji_id", sa.String(36), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("waiting_since", UtcDateTime(), nullable=False),
        sa.Column("decided", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("emoji_id", name="pk_reported_emojis"),
    )
    columns = ["decided", "waiting_since", "emoji_id"]
    op.create_index("ix_reported_emojis_decided_waiting_since_emoji_id", "reported_emojis", columns)
