"""Create deleted accounts, and an index of uses by user."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "gone_users",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_gone_users"),
    )
    op.create_index("ix_uses_user_id", "uses", ["user_id"])
