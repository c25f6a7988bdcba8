"""Tables of the inference service."""

import datetime

import sqlalchemy as sa

from igemoji_inference.domain.model import TaskState
from igemoji_mesh.db.database import UtcDateTime
from igemoji_mesh.db.outbox import outbox_table
from igemoji_mesh.db.tables import new_metadata
from igemoji_mesh.idempotency.keys import idempotency_table

metadata = new_metadata()

NEVER = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

_LONG_TEXT = sa.Text(length=2**24 - 1)
"""MEDIUMTEXT on MySQL: 200 faces do not fit into its TEXT."""

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("user_id", sa.String(36), nullable=False),
    sa.Column("emoji_id", sa.String(36), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("turn_at", UtcDateTime, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("percent", sa.Integer, nullable=False),
    sa.Column("findings", _LONG_TEXT, nullable=False),
    sa.Column("faces", sa.Integer, nullable=False, default=0),
    sa.Column("failure_reason", sa.String(64), nullable=False, default=""),
    sa.Column("failure_message", sa.String(500), nullable=False, default=""),
    sa.Column("photo_key", sa.String(200), nullable=False),
    sa.Column("photo_checksum", sa.String(64), nullable=False),
    sa.Column("pictures", sa.Text, nullable=False),
    sa.Column("result_key", sa.String(200), nullable=False, default=""),
    sa.Column("result_checksum", sa.String(64), nullable=False, default=""),
    sa.Column("content_type", sa.String(64), nullable=False, default=""),
    sa.Column("original_until", UtcDateTime, nullable=True),
    sa.Column("revision", sa.Integer, nullable=False, default=0),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("megapixels", sa.Float, nullable=False),
    sa.Column("request_id", sa.String(64), nullable=False),
    sa.Column("traceparent", sa.String(64), nullable=False),
    sa.Column("lease", sa.String(36), nullable=False, default=""),
    sa.Column("lease_until", UtcDateTime, nullable=False, default=NEVER),
    # With `result_key` in the index, a list of results is counted without reading the rows.
    sa.Index(None, "user_id", "created_at", "id", "result_key"),
    sa.Index(None, "original_until"),
    sa.Index(None, "created_at"),
    sa.Index(None, "state", "turn_at", "id"),
)

task_steps = sa.Table(
    "task_steps",
    metadata,
    sa.Column("task_id", sa.String(36), sa.ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("percent", sa.Integer, nullable=False),
    sa.Column("findings", _LONG_TEXT, nullable=True),
)
"""`findings` is NULL if the step has no new ones."""

shares = sa.Table(
    "shares",
    metadata,
    sa.Column("token_digest", sa.String(64), primary_key=True),
    sa.Column("task_id", sa.String(36), sa.ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Index(None, "task_id"),
    sa.Index(None, "expires_at"),
)
"""Only the SHA-256 of a token is stored: a reader of the database can't use the links."""

gone_users = sa.Table("gone_users", metadata, sa.Column("user_id", sa.String(36), primary_key=True))
"""Deleted accounts: their access tokens stay valid for some minutes, and uploads with them are refused."""

user_lock_shards = sa.Table(
    "upload_gates", metadata, sa.Column("number", sa.Integer, primary_key=True, autoincrement=False)
)
"""Rows to lock: uploads of one user are serialized by the row of the user's shard, so that quotas hold."""

USER_LOCK_SHARDS = 64

daily_photos = sa.Table(
    "daily_photos",
    metadata,
    sa.Column("user_id", sa.String(36), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("photos", sa.Integer, nullable=False),
    sa.Index(None, "day"),
)
"""Number of photos that a user has uploaded in a day; deleting a photo does not lower it."""

outbox = outbox_table(metadata)
queue_outbox = outbox_table(metadata, "queue_outbox")
"""Messages to the broker, apart from calls to services: neither waits while the other is down."""

idempotency_keys = idempotency_table(metadata)

ENDED = (TaskState.DONE, TaskState.FAILED)
OPEN = tuple(state for state in TaskState if not state.ended)
