"""Visibility and tags of templates."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for column in (
        sa.Column("tags", sa.String(250), nullable=False, server_default=""),
        sa.Column("visibility", sa.String(16), nullable=False, server_default="public"),
        sa.Column("hidden", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("listed", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="1"),
    ):
        op.add_column("emojis", column)
    op.drop_index("ix_emojis_created_at_id", "emojis")
    op.create_index("ix_emojis_listed_created_at_id", "emojis", ["listed", "created_at", "id"])
