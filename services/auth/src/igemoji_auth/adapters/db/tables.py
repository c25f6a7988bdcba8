"""Tables of the auth database."""

import sqlalchemy as sa

from igemoji_mesh.db.database import UtcDateTime
from igemoji_mesh.db.outbox import outbox_table
from igemoji_mesh.db.tables import new_metadata
from igemoji_mesh.idempotency.keys import idempotency_table

metadata = new_metadata()

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("email", sa.String(254)),
    sa.Column("email_key", sa.String(254), unique=True),
    sa.Column("alias", sa.String(20), nullable=False),
    sa.Column("alias_key", sa.String(20), nullable=False, unique=True),
    sa.Column("password_hash", sa.String(60)),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, index=True),
)

attempts = sa.Table(
    "tries",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("bucket", sa.String(64), nullable=False, index=True),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
)

signing_keys = sa.Table(
    "signing_keys",
    metadata,
    sa.Column("kid", sa.String(36), primary_key=True),
    sa.Column("private_pem", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("signs_from", UtcDateTime, nullable=False),
)

refresh_tokens = sa.Table(
    "refresh_tokens",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("family_id", sa.String(36), nullable=False, index=True),
    sa.Column("user_id", sa.String(36), nullable=False, index=True),
    sa.Column("salt", sa.String(64), nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
    sa.Column("used_at", UtcDateTime),
)

password_resets = sa.Table(
    "password_resets",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(36), nullable=False, index=True),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
)

deletions = sa.Table(
    "deletions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(36), unique=True),
    sa.Column("requested_at", UtcDateTime, nullable=False),
    sa.Column("completed_at", UtcDateTime, index=True),
)

deletion_parts = sa.Table(
    "deletion_parts",
    metadata,
    sa.Column("user_id", sa.String(36), primary_key=True),
    sa.Column("service", sa.String(36), primary_key=True),
)

outbox = outbox_table(metadata)

idempotency_keys = idempotency_table(metadata)
