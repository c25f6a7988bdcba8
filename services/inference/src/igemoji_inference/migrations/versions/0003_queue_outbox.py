"""Outbox for messages to the broker, and sizes of photos: small and large ones have separate queues."""

import sqlalchemy as sa
from alembic import op

from igemoji_mesh.db.database import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "queue_outbox",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("topic", sa.String(length=100), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_outbox")),
    )
    op.create_index(op.f("ix_queue_outbox_due_at"), "queue_outbox", ["due_at"], unique=False)
    op.add_column("tasks", sa.Column("megapixels", sa.Float(), nullable=False, server_default="0"))
