"""The tables of the ranking."""

import sqlalchemy as sa

from igemoji_mesh.db.database import UtcDateTime

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Every task that was told of, so that telling twice counts once.
counted_tasks = sa.Table("counted_tasks", metadata, sa.Column("task_id", sa.String(36), primary_key=True))

uses = sa.Table(
    "uses",
    metadata,
    sa.Column("emoji_id", sa.String(36), primary_key=True),
    sa.Column("user_id", sa.String(36), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Index(None, "user_id"),
)

# Sums of `uses`: what leaves a window with a day.
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

# Running totals by window. A mixed order (most uses first, then by first use) needs all columns to ascend: minus_uses.
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

# From which day on the window's uses are in `window_counts`.
window_starts = sa.Table(
    "window_starts",
    metadata,
    sa.Column("window_name", sa.String(8), primary_key=True),
    sa.Column("first_day", sa.Date, nullable=False),
)

# What the catalogue told of templates that are, or once were, left out: it may come before their first use.
told_shown = sa.Table(
    "told_shown",
    metadata,
    sa.Column("emoji_id", sa.String(36), primary_key=True),
    sa.Column("shown", sa.Boolean, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
)

# Totals that the catalogue has not been told of yet.
untold_totals = sa.Table(
    "untold_totals",
    metadata,
    sa.Column("emoji_id", sa.String(36), primary_key=True),
    sa.Column("uses", sa.Integer, nullable=False),
)

# Templates that are gone: a use that arrives later must not bring them back.
forgotten = sa.Table("forgotten", metadata, sa.Column("emoji_id", sa.String(36), primary_key=True))

# Accounts that are gone: a use of theirs that arrives later does not count.
gone_users = sa.Table("gone_users", metadata, sa.Column("user_id", sa.String(36), primary_key=True))
