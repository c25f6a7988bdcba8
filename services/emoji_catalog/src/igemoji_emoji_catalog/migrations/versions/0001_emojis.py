"""Templates, their pictures, and the outbox."""

import sqlalchemy as sa
from alembic import op

from igemoji_mesh.db.database import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "emojis",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("owner_id", sa.String(36), nullable=False),
        sa.Column("owner_alias", sa.String(64), nullable=False),
        sa.Column("built_in", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(64)),
        sa.Column("etag", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_emojis"),
    )
    op.create_index("ix_emojis_created_at_id", "emojis", ["created_at", "id"])
    op.create_index("ix_emojis_owner_id_created_at_id", "emojis", ["owner_id", "created_at", "id"])
    op.create_table(
        "emoji_images",
        sa.Column("emoji_id", sa.String(36), nullable=False),
        sa.Column("expression", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["emoji_id"], ["emojis.id"], name="fk_emoji_images_emoji_id"),
        sa.PrimaryKeyConstraint("emoji_id", "expression", name="pk_emoji_images"),
    )
    op.create_index("ix_emoji_images_digest", "emoji_images", ["digest"])
    op.create_table(
        "released_pictures",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_released_pictures"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("topic", sa.String(100), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_due_at", "outbox", ["due_at"])
