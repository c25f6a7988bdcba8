"""Tables of the ranking."""

import sqlalchemy as sa

from igemoji_mesh.db.database import UtcDateTime
from igemoji_mesh.db.tables import new_metadata

metadata = new_metadata()

# Every recorded task: a task that is recorded twice counts once.
counted_tasks = sa.Table("counted_tasks", metadata, sa.Column("task_id", sa.String(36), primary_key=True))

uses = sa.Table(
    "uses",
    metadata,
    sa.Column("emoji_id", sa.String(36), primary_key=True),
    sa.Column("user_id", sa.String(36), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Index(None, "user_id"),
)

# Sums of `uses` by day: subtracted from a window when the day leaves it.
daily_counts = sa.Table(
    "daily_counts",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("emoji_id", sa.String(36), primary_key=True),
    sa.Column("uses", sa.Integer, nullable=False),
    sa.Index(None, "emoji_id"),
)

totals = sa.Table(
    "totals",
    metadata,
    sa.Column("emoji_id", sa.String(36), primary_key=True),
    sa.Column("uses", sa.Integer, nullable=False),
    sa.Column("first_used_at", UtcDateTime, nullable=False),
    sa.Column("shown", sa.Boolean, nullable=False),
)

# Running totals by window. Uses are negative, so that one ascending index sorts by most uses, then by first use.
window_counts = sa.Table(
    "window_counts",
    metadata,
    sa.Column("window_name", sa.String(8), primary_key=True),
    sa.Column("emoji_id", sa.String(36), primary_key=True, index=True),
    sa.Column("minus_uses", sa.Integer, nullable=False),
    sa.Column("first_used_at", UtcDateTime, nullable=False),
    sa.Column("shown", sa.Boolean, nullable=False),
    sa.Index("ix_window_counts_order", "window_name", "shown", "minus_uses", "first_used_at", "emoji_id"),
)

# First day whose uses are in `window_counts`.
window_starts = sa.Table(
    "window_starts",
    metadata,
    sa.Column("window_name", sa.String(8), primary_key=True),
    sa.Column("first_day", sa.Date, nullable=False),
)

# Templates that are or were hidden; the catalog may report this before their first use.
visibility = sa.Table(
    "told_shown",
    metadata,
    sa.Column("emoji_id", sa.String(36), primary_key=True),
    sa.Column("shown", sa.Boolean, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
)

# Totals that are not published to the catalog yet.
pending_totals = sa.Table(
    "untold_totals",
    metadata,
    sa.Column("emoji_id", sa.String(36), primary_key=True),
    sa.Column("uses", sa.Integer, nullable=False),
)

# Deleted templates: uses that arrive later are ignored.
forgotten = sa.Table("forgotten", metadata, sa.Column("emoji_id", sa.String(36), primary_key=True))

# Deleted accounts: uses that arrive later are ignored.
deleted_users = sa.Table("gone_users", metadata, sa.Column("user_id", sa.String(36), primary_key=True))
