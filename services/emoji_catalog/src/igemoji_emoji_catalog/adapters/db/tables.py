"""Tables of the catalog."""

import sqlalchemy as sa

from igemoji_emoji_catalog.domain.search import MAX_TEXT
from igemoji_mesh.db.database import UtcDateTime
from igemoji_mesh.db.outbox import outbox_table
from igemoji_mesh.db.tables import new_metadata
from igemoji_mesh.idempotency.keys import idempotency_table

metadata = new_metadata()

emojis = sa.Table(
    "emojis",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(50), nullable=False),
    sa.Column("owner_id", sa.String(36), nullable=False),
    sa.Column("owner_alias", sa.String(64), nullable=False),
    sa.Column("built_in", sa.Boolean, nullable=False),
    # BuiltInTemplate.source of a built-in template.
    sa.Column("source", sa.String(64)),
    sa.Column("etag", sa.String(64), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    # One per line.
    sa.Column("tags", sa.String(250), nullable=False),
    sa.Column("visibility", sa.String(16), nullable=False),
    # Hidden by an operator.
    sa.Column("hidden", sa.Boolean, nullable=False),
    # Emoji.listed, for indexes.
    sa.Column("listed", sa.Boolean, nullable=False),
    # Number of changes: tells the ranking which of two messages is newer.
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("uses", sa.Integer, nullable=False),
    sa.Column("favorites", sa.Integer, nullable=False),
    # domain.search.search_text.
    sa.Column("search_text", sa.String(MAX_TEXT), nullable=False),
    sa.Index(None, "listed", "created_at", "id"),
    sa.Index(None, "listed", "uses", "id"),
    sa.Index(None, "listed", "favorites", "id"),
    sa.Index(None, "owner_id", "created_at", "id"),
)

emoji_images = sa.Table(
    "emoji_images",
    metadata,
    sa.Column("emoji_id", sa.ForeignKey("emojis.id"), primary_key=True),
    sa.Column("expression", sa.String(16), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False, index=True),
)

# domain.search.index_terms of listed templates.
emoji_terms = sa.Table(
    "emoji_terms",
    metadata,
    sa.Column("term", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("emoji_id", sa.String(36), primary_key=True),
    sqlite_with_rowid=False,
)

favorites = sa.Table(
    "favorites",
    metadata,
    sa.Column("user_id", sa.String(36), primary_key=True),
    sa.Column("emoji_id", sa.String(36), primary_key=True, index=True),
    sa.Column("marked_at", UtcDateTime, nullable=False),
    sa.Index(None, "user_id", "marked_at", "emoji_id"),
)

reports = sa.Table(
    "reports",
    metadata,
    sa.Column("emoji_id", sa.String(36), primary_key=True),
    sa.Column("user_id", sa.String(36), primary_key=True, index=True),
    sa.Column("reason", sa.String(16), nullable=False),
    sa.Column("comment", sa.String(500), nullable=False),
    sa.Column("reported_at", UtcDateTime, nullable=False),
    sa.Index(None, "emoji_id", "reported_at"),
)

# The operators' queue: a row per template with reports.
reported_emojis = sa.Table(
    "reported_emojis",
    metadata,
    sa.Column("emoji_id", sa.String(36), primary_key=True),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("waiting_since", UtcDateTime, nullable=False),
    sa.Column("decided", sa.Boolean, nullable=False),
    sa.Index(None, "decided", "waiting_since", "emoji_id"),
)

# Renamed makers and deleted accounts, from auth: access tokens may carry an old alias, or a deleted account.
makers = sa.Table(
    "makers",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("alias", sa.String(64), nullable=False),
    sa.Column("renamed_at", UtcDateTime, nullable=False),
    sa.Column("gone", sa.Boolean, nullable=False),
)

# Pictures released by a template: the sweep deletes those to which no template refers.
released_pictures = sa.Table("released_pictures", metadata, sa.Column("digest", sa.String(64), primary_key=True))

outbox = outbox_table(metadata)

idempotency_keys = idempotency_table(metadata)
