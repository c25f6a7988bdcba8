"""Counts that quotas are checked against."""

import datetime
import zlib

import sqlalchemy as sa

from igemoji_inference.adapters.db.tables import (
    OPEN,
    USER_LOCK_SHARDS,
    daily_photos,
    gone_users,
    tasks,
    user_lock_shards,
)
from igemoji_inference.domain.model import utc_now
from igemoji_inference.domain.quotas import Usage


def lock_user_shard(connection: sa.Connection, user_id: str) -> None:
    """Wait for other uploads of this user to commit. SQLite has a single writer anyway."""
    number = zlib.crc32(user_id.encode()) % USER_LOCK_SHARDS
    connection.execute(sa.select(user_lock_shards).where(user_lock_shards.c.number == number).with_for_update())


def read_usage(connection: sa.Connection, user_id: str, now: datetime.datetime | None = None) -> Usage:
    """Return the usage of a user, and of the queue of all users."""
    at = now or utc_now()
    photos = sa.select(daily_photos.c.photos).where(_of_day(user_id, at.date()))
    return Usage(
        at=at,
        account_is_deleted=is_deleted(connection, user_id),
        open_tasks=_count_open(connection, tasks.c.user_id == user_id),
        photos_today=connection.execute(photos).scalar() or 0,
        queued_tasks=_count_open(connection, sa.true()),
    )


def count_photo(connection: sa.Connection, user_id: str, usage: Usage) -> None:
    """Count one more photo of today, under the lock of the user's shard."""
    day = usage.at.date()
    if usage.photos_today:
        update = daily_photos.update().where(_of_day(user_id, day))
        connection.execute(update.values(photos=usage.photos_today + 1))
    else:
        connection.execute(daily_photos.insert().values(user_id=user_id, day=day, photos=1))


def is_deleted(connection: sa.Connection, user_id: str) -> bool:
    """Return whether the account of a user was deleted."""
    return connection.execute(sa.select(gone_users).where(gone_users.c.user_id == user_id)).one_or_none() is not None


def _count_open(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> int:
    count = sa.select(sa.func.count()).select_from(tasks).where(tasks.c.state.in_(OPEN), condition)
    return connection.execute(count).scalar_one()


def _of_day(user_id: str, day: datetime.date) -> sa.ColumnElement[bool]:
    return sa.and_(daily_photos.c.user_id == user_id, daily_photos.c.day == day)
