"""Sort columns, search terms and favorites."""

import sqlalchemy as sa
from alembic import op

from igemoji_emoji_catalog.domain.model import Emoji, Maker
from igemoji_emoji_catalog.domain.search import index_terms, search_text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for column in (
        sa.Column("uses", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("favorites", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("search_text", sa.String(1000), nullable=False, server_default=""),
    ):
        op.add_column("emojis", column)
    op.create_index("ix_emojis_listed_uses_id", "emojis", ["listed", "uses", "id"])
    op.create_index("ix_emojis_listed_favorites_id", "emojis", ["listed", "favorites", "id"])
    op.create_table(
        "favorites",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("emoji_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "emoji_id", name="pk_favorites"),
    )
    op.create_index("ix_favorites_emoji_id", "favorites", ["emoji_id"])
    terms = op.create_table(
        "emoji_terms",
        sa.Column("term", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("emoji_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("term", "emoji_id", name="pk_emoji_terms"),
        sqlite_with_rowid=False,
    )
    _index_what_is_there(terms)


def _index_what_is_there(terms: sa.Table) -> None:
    connection = op.get_bind()
    names = ("id", "name", "owner_id", "owner_alias", "tags", "listed", "created_at", "search_text")
    emojis = sa.table("emojis", *(sa.column(name) for name in names))
    for row in connection.execute(sa.select(emojis)).all():
        tags = tuple(row.tags.split("\n")) if row.tags else ()
        emoji = Emoji(row.id, row.name, Maker(row.owner_id, row.owner_alias), {}, row.created_at, tags=tags)
        connection.execute(emojis.update().where(emojis.c.id == row.id).values(search_text=search_text(emoji)))
        if row.listed:
            connection.execute(terms.insert(), [{"term": term, "emoji_id": row.id} for term in index_terms(emoji)])
