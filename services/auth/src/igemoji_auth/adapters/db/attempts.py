"""Queries of attempts, which all replicas count in one table."""

import datetime

import sqlalchemy as sa

from igemoji_auth.adapters.db.tables import attempts
from igemoji_mesh.db.database import Database
from igemoji_mesh.ids import new_id


class SqlAttempts:
    """Stores attempts in buckets; each one expires."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, bucket: str, limit: int, now: datetime.datetime, expires_at: datetime.datetime) -> str | None:
        """Count an attempt and return its id; return None if the bucket has `limit` attempts already."""

        def work(connection: sa.Connection) -> str | None:
            connection.execute(attempts.delete().where(attempts.c.expires_at <= now))
            if _full_until(connection, bucket, limit, now) is not None:
                return None
            attempt_id = new_id()
            connection.execute(attempts.insert().values(id=attempt_id, bucket=bucket, expires_at=expires_at))
            return attempt_id

        return await self._database.write(work)

    async def full_until(self, bucket: str, limit: int, now: datetime.datetime) -> datetime.datetime | None:
        """Return when the first attempt in a full bucket expires; None if it is not full."""
        return await self._database.read(lambda connection: _full_until(connection, bucket, limit, now))

    async def remove(self, attempt_id: str) -> None:
        """Remove an attempt."""
        delete = attempts.delete().where(attempts.c.id == attempt_id)
        await self._database.write(lambda connection: connection.execute(delete))


def _full_until(connection: sa.Connection, bucket: str, limit: int, now: datetime.datetime) -> datetime.datetime | None:
    counted = sa.select(sa.func.count(), sa.func.min(attempts.c.expires_at)).where(
        attempts.c.bucket == bucket, attempts.c.expires_at > now
    )
    count, first = connection.execute(counted).one()
    return first if count >= limit else None
