"""Time of favorites, for sorting a user's own list."""

import sqlalchemy as sa
from alembic import op

from igemoji_mesh.db.database import UtcDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    column = sa.Column("marked_at", UtcDateTime(), nullable=False, server_default="2025-01-01 00:00:00.000000")
    op.add_column("favorites", column)
    # Of those that are there nobody knows it: they stand in the order in which the templates were made.
    favorites = sa.table("favorites", sa.column("emoji_id"), sa.column("marked_at"))
    emojis = sa.table("emojis", sa.column("id"), sa.column("created_at"))
    made = sa.select(emojis.c.created_at).where(emojis.c.id == favorites.c.emoji_id).scalar_subquery()
    op.execute(favorites.update().where(sa.exists().where(emojis.c.id == favorites.c.emoji_id)).values(marked_at=made))
    op.create_index("ix_favorites_user_id_marked_at_emoji_id", "favorites", ["user_id", "marked_at", "emoji_id"])
