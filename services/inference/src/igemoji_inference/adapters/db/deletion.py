"""Deletion of rows: by their owner, by retention, or with a deleted account; and the references of objects."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa

from igemoji_inference.adapters.db import leases, quotas, rows
from igemoji_inference.adapters.db.tables import ENDED, daily_photos, gone_users, tasks
from igemoji_inference.domain.model import Task
from igemoji_mesh.db.database import Database


class SqlDeletionStore:
    """Implementation of the port DeletionStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, task_id: str) -> Task | None:
        """See DeletionStore."""
        return await self._database.read(lambda connection: rows.select_task(connection, task_id))

    async def tasks_of(self, user_id: str, limit: int) -> Sequence[Task]:
        """See DeletionStore."""
        return await self._database.read(
            lambda connection: rows.select_tasks(connection, tasks.c.user_id == user_id, limit)
        )

    async def delete_tasks(self, task_ids: Sequence[str]) -> None:
        """See DeletionStore."""
        await self._database.write(lambda connection: rows.delete_tasks(connection, task_ids))

    async def close_account(self, user_id: str) -> None:
        """See DeletionStore."""

        def close(connection: sa.Connection) -> None:
            if not quotas.is_deleted(connection, user_id):
                connection.execute(gone_users.insert().values(user_id=user_id))
            connection.execute(daily_photos.delete().where(daily_photos.c.user_id == user_id))

        await self._database.write(close)

    async def expired_originals(self, now: datetime.datetime, limit: int) -> Sequence[tuple[str, str]]:
        """See DeletionStore."""
        expired = (tasks.c.original_until <= now, tasks.c.state.in_(ENDED))
        query = sa.select(tasks.c.id, tasks.c.photo_key).where(*expired).limit(limit)
        return await self._database.read(lambda connection: connection.execute(query).all())

    async def forget_original(self, task_id: str) -> None:
        """See DeletionStore."""
        forget = tasks.update().where(tasks.c.id == task_id).values(original_until=None)
        await self._database.write(lambda connection: connection.execute(forget))

    async def expired_tasks(self, before: datetime.datetime, limit: int) -> Sequence[tuple[str, str, str]]:
        """See DeletionStore."""
        expired = (tasks.c.created_at < before, tasks.c.state.in_(ENDED))
        query = sa.select(tasks.c.id, tasks.c.photo_key, tasks.c.result_key).where(*expired).limit(limit)
        return await self._database.read(lambda connection: connection.execute(query).all())

    async def forget_photo_counts(self, before: datetime.date) -> None:
        """See DeletionStore."""
        forget = daily_photos.delete().where(daily_photos.c.day < before)
        await self._database.write(lambda connection: connection.execute(forget), isolation="READ COMMITTED")

    async def refers_to(self, key: str) -> bool:
        """See DeletionStore."""
        refers = _photo_is_needed if key.startswith("photos/") else leases.has_result
        return await self._database.read(lambda connection: refers(connection, key))


def _photo_is_needed(connection: sa.Connection, key: str) -> bool:
    """Return whether the task of an original has not ended, or may be revised."""
    task = rows.select_task(connection, key.removeprefix("photos/"))
    return task is not None and (not task.state.ended or task.original_until is not None)
