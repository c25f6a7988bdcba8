"""Counts that quotas are checked against."""

import datetime
import zlib

import sqlalchemy as sa

from igemoji_inference.adapters.db import tables
from igemoji_inference.domain.model import utc_now
from igemoji_inference.domain.quotas import Usage


def lock_user_shard(connection: sa.Connection, user_id: str) -> None:
    """Wait for other uploads of this user to commit. SQLite has a single writer anyway."""
    number = zlib.crc32(user_id.encode()) % tables.USER_LOCK_SHARDS
    connection.execute(
        sa.select(tables.user_lock_shards).where(tables.user_lock_shards.c.number == number).with_for_update()
    )


def read_usage(connection: sa.Connection, user_id: str, now: datetime.datetime | None = None) -> Usage:
    """Return the usage of a user, and of the queue of all users."""
    at = now or utc_now()
    photos = sa.select(tables.daily_photos.c.photos).where(_of_day(user_id, at.date()))
    return Usage(
        at=at,
        account_is_deleted=is_deleted(connection, user_id),
        open_tasks=_count_open(connection, tables.tasks.c.user_id == user_id),
        photos_today=connection.execute(photos).scalar() or 0,
        queued_tasks=_count_open(connection, sa.true()),
    )


def count_photo(connection: sa.Connection, user_id: str, usage: Usage) -> None:
    """Count one more photo of today, under the lock of the user's shard."""
    day = usage.at.date()
    if usage.photos_today:
        update = tables.daily_photos.update().where(_of_day(user_id, day))
        connection.execute(update.values(photos=usage.photos_today + 1))
    else:
        connection.execute(tables.daily_photos.insert().values(user_id=user_id, day=day, photos=1))


def is_deleted(connection: sa.Connection, user_id: str) -> bool:
    """Return whether the account of a user was deleted."""
    return (
        connection.execute(sa.select(tables.gone_users).where(tables.gone_users.c.user_id == user_id)).one_or_none()
        is not None
    )


def _count_open(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> int:
    count = sa.select(sa.func.count()).select_from(tables.tasks).where(tables.tasks.c.state.in_(tables.OPEN), condition)
    return connection.execute(count).scalar_one()


def _of_day(user_id: str, day: datetime.date) -> sa.ColumnElement[bool]:
    return sa.and_(tables.daily_photos.c.user_id == user_id, tables.daily_photos.c.day == day)
