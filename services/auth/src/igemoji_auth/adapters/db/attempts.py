"""Tries as rows, so that all replicas count the same ones."""

import datetime

import sqlalchemy as sa

from igemoji_auth.adapters.db.tables import tries
from igemoji_mesh.db.database import Database
from igemoji_mesh.ids import new_id


class SqlTries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, bucket: str, most: int, now: datetime.datetime, expires_at: datetime.datetime) -> str | None:
        def work(connection: sa.Connection) -> str | None:
            connection.execute(tries.delete().where(tries.c.expires_at <= now))
            if _full_until(connection, bucket, most, now) is not None:
                return None
            try_id = new_id()
            connection.execute(tries.insert().values(id=try_id, bucket=bucket, expires_at=expires_at))
            return try_id

        return await self._database.write(work)

    async def full_until(self, bucket: str, most: int, now: datetime.datetime) -> datetime.datetime | None:
        return await self._database.read(lambda connection: _full_until(connection, bucket, most, now))

    async def take_back(self, try_id: str) -> None:
        delete = tries.delete().where(tries.c.id == try_id)
        await self._database.write(lambda connection: connection.execute(delete))


def _full_until(connection: sa.Connection, bucket: str, most: int, now: datetime.datetime) -> datetime.datetime | None:
    counted = sa.select(sa.func.count(), sa.func.min(tries.c.expires_at)).where(
        tries.c.bucket == bucket, tries.c.expires_at > now
    )
    count, first = connection.execute(counted).one()
    return first if count >= most else None
