"""Add hidden templates."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "told_shown",
        sa.Column("emoji_id", sa.String(36), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("emoji_id", name="pk_told_shown"),
    )
    op.add_column("totals", sa.Column("shown", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.drop_index("ix_totals_uses", "totals")
    op.create_index("ix_totals_shown_uses", "totals", ["shown", "uses"])
