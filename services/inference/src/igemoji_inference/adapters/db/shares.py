"""Share links in the database."""

import datetime
from hashlib import sha256

import sqlalchemy as sa

from igemoji_inference.adapters.db import rows
from igemoji_inference.adapters.db.tables import shares
from igemoji_inference.domain.errors import LinkNotFound, ResultNotReady
from igemoji_inference.domain.model import Share, Task, owned, utc_now
from igemoji_mesh.db.database import Database
from igemoji_mesh.idempotency.replay import Replay


class SqlShareStore:
    """Implementation of the port ShareStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, task_id: str, user_id: str, share: Share, replay: Replay[Share]) -> None:
        """See ShareStore."""

        def add(connection: sa.Connection) -> None:
            task = owned(rows.select_task(connection, task_id), user_id)
            if not task.result_key:
                raise ResultNotReady(task.state)
            connection.execute(shares.delete().where(shares.c.expires_at <= utc_now()))
            row = {"token_digest": _digest(share.token), "task_id": task_id, "expires_at": share.expires_at}
            connection.execute(shares.insert().values(row))
            replay.save(connection, share)

        await self._database.write(add)

    async def revoke(self, task_id: str, user_id: str) -> None:
        """See ShareStore."""

        def revoke(connection: sa.Connection) -> None:
            owned(rows.select_task(connection, task_id), user_id)
            connection.execute(shares.delete().where(shares.c.task_id == task_id))

        await self._database.write(revoke)

    async def find(self, token: str) -> tuple[Task, datetime.datetime]:
        """See ShareStore."""

        def find(connection: sa.Connection) -> tuple[Task, datetime.datetime]:
            link = sa.select(shares).where(shares.c.token_digest == _digest(token))
            row = connection.execute(link).one_or_none()
            task = rows.select_task(connection, row.task_id) if row and row.expires_at > utc_now() else None
            if task is None or row is None:
                raise LinkNotFound
            return task, row.expires_at

        return await self._database.read(find)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
