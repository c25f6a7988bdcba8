"""What owners do with what is theirs besides making it: share it, delete it."""

import asyncio
import datetime
import secrets
from collections.abc import Iterator
from hashlib import sha256

import sqlalchemy as sa

from igemoji_inference.adapters.db import quotas
from igemoji_inference.adapters.db import tasks as store
from igemoji_inference.domain.model import LinkNotFound, ResultNotReady, Share, Task
from igemoji_inference.usecases.tasks import LINK_LASTS, Queue, owned
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.idempotency.keys import keep_answer
from igemoji_mesh.objects import checksums
from igemoji_mesh.objects.port import ObjectMissing, ObjectStore

TOKEN_BYTES = 16
BATCH = 100


class Belongings:
    def __init__(self, database: Database, objects: ObjectStore, queue: Queue) -> None:
        self._database = database
        self._objects = objects
        self._queue = queue

    async def share(self, task_id: str, days: int, *, by: str) -> Share:
        """A new link to a finished photo. Raises TaskNotFound or ResultNotReady."""
        share = Share(secrets.token_urlsafe(TOKEN_BYTES), utc_now() + datetime.timedelta(days=days))

        def add(connection: sa.Connection) -> None:
            task = owned(store.get_task(connection, task_id), by)
            if not task.result_key:
                raise ResultNotReady(task.state)
            connection.execute(store.shares.delete().where(store.shares.c.expires_at <= utc_now()))
            row = {"token_digest": _digest(share.token), "task_id": task_id, "expires_at": share.expires_at}
            connection.execute(store.shares.insert().values(row))
            keep_answer(connection, share)

        await self._database.write(add)
        return share

    async def unshare(self, task_id: str, *, by: str) -> None:
        """Revokes every link to a photo. Raises TaskNotFound."""

        def remove(connection: sa.Connection) -> None:
            owned(store.get_task(connection, task_id), by)
            connection.execute(store.shares.delete().where(store.shares.c.task_id == task_id))

        await self._database.write(remove)

    async def shared(self, token: str) -> tuple[Task, datetime.datetime]:
        """The task that a link leads to, and until when. Raises LinkNotFound."""

        def find(connection: sa.Connection) -> tuple[Task, datetime.datetime]:
            row = connection.execute(
                sa.select(store.shares).where(store.shares.c.token_digest == _digest(token))
            ).one_or_none()
            task = store.get_task(connection, row.task_id) if row and row.expires_at > utc_now() else None
            if task is None or row is None:
                raise LinkNotFound
            return task, row.expires_at

        return await self._database.read(find)

    async def shared_image(self, token: str, *, as_link: bool = False) -> tuple[Task, Iterator[bytes] | str]:
        """The photo that a link leads to, in chunks; or `as_link`, where a browser can have it from the object store.

        Raises LinkNotFound, ObjectDamaged.
        """
        task, _ = await self.shared(token)
        if as_link and (link := self._objects.link(task.result_key, LINK_LASTS)):
            return task, link
        try:
            return task, await asyncio.to_thread(checksums.stream, self._objects, task.result_key, task.result_checksum)
        except ObjectMissing:
            raise LinkNotFound from None

    async def delete(self, task_id: str, *, by: str) -> None:
        """Removes a task with all that belongs to it. Raises TaskNotFound."""
        task = await self._database.read(lambda connection: store.get_task(connection, task_id))
        await self._remove([owned(task, by)])

    async def delete_all(self, user_id: str) -> None:
        """Removes all tasks of a user, and lets nothing more of theirs in. To do it twice is no fault."""

        def close(connection: sa.Connection) -> None:
            gone = store.gone_users
            if connection.execute(sa.select(gone).where(gone.c.user_id == user_id)).one_or_none() is None:
                connection.execute(gone.insert().values(user_id=user_id))
            quotas.forget_user(connection, user_id)

        await self._database.write(close)
        while tasks := await self._database.read(lambda connection: store.tasks_of(connection, user_id, BATCH)):
            await self._remove(tasks)

    async def _remove(self, tasks: list[Task]) -> None:
        """Rows first: what still works on a task then writes for nobody, and removes what it wrote."""

        def forget(connection: sa.Connection) -> None:
            for task in tasks:
                store.forget_task(connection, task.id)

        await self._database.write(forget)
        for task in tasks:
            self._queue.cancel(task.id)
            for key in (f"photos/{task.id}", task.result_key):
                if key:
                    await asyncio.to_thread(self._objects.delete, key)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
