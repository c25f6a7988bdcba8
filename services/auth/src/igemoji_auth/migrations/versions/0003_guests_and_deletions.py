"""Add guests, whose accounts expire, deletions, and the outbox."""

import sqlalchemy as sa
from alembic import op

from igemoji_mesh.db.database import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("users", sa.Column("expires_at", UtcDateTime))
    op.create_index("ix_users_expires_at", "users", ["expires_at"])
    op.create_table(
        "deletions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(36)),
        sa.Column("requested_at", UtcDateTime, nullable=False),
        sa.Column("completed_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_deletions"),
        sa.UniqueConstraint("user_id", name="uq_deletions_user_id"),
    )
    op.create_index("ix_deletions_completed_at", "deletions", ["completed_at"])
    op.create_table(
        "deletion_parts",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("service", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "service", name="pk_deletion_parts"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("topic", sa.String(100), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_due_at", "outbox", ["due_at"])
