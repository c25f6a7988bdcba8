"""Queries of deletions: the account is deleted at once, its data in other services through the outbox."""

import datetime
import secrets
from functools import partial

import sqlalchemy as sa

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2
from igemoji.inference.v1 import inference_pb2
from igemoji.ranking.v1 import ranking_pb2
from igemoji_auth.adapters.db.tables import deletion_parts, deletions, password_resets, refresh_tokens, users
from igemoji_auth.domain.errors import AccountGone, DeletionNotFound
from igemoji_auth.domain.model import Deletion
from igemoji_auth.usecases.ports import Now
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.outbox import Outbox

USER_DATA = {
    "inference": inference_pb2.DeleteUserDataRequest,
    "emoji-catalog": emoji_catalog_pb2.DeleteUserDataRequest,
    "ranking": ranking_pb2.DeleteUserDataRequest,
}
"""The services that store data of users, with the requests that delete it."""

RETENTION = datetime.timedelta(days=30)
"""How long the state of a completed deletion can be read."""
GUEST_BATCH = 100


def topic(service: str) -> str:
    """Return the outbox topic of deletions in a service."""
    return f"delete user data: {service}"


class SqlDeletions:
    """Deletes accounts and tracks the deletion of their data in other services."""

    def __init__(self, database: Database, outbox: Outbox, now: Now) -> None:
        self._database = database
        self._outbox = outbox
        self._now = now

    async def delete_account(self, user_id: str) -> Deletion:
        """Delete an account at once; its data in other services follows. Raises AccountGone."""
        deletion = await self._database.write(lambda connection: self._delete(connection, user_id, self._now()))
        if deletion is None:
            raise AccountGone
        return deletion

    async def find(self, deletion_id: str) -> Deletion:
        """Return a deletion. Raises DeletionNotFound."""
        return await self._database.read(lambda connection: _find(connection, deletion_id))

    async def remove_expired(self, now: datetime.datetime) -> None:
        """Delete expired guests, and deletions that were completed before the retention."""
        guests = sa.select(users.c.id).where(users.c.expires_at <= now).limit(GUEST_BATCH)
        for guest_id in await self._database.read(lambda connection: connection.execute(guests).scalars().all()):
            await self._database.write(partial(self._delete, user_id=guest_id, now=now, expired=True))
        old = deletions.delete().where(deletions.c.completed_at <= now - RETENTION)
        await self._database.write(lambda connection: connection.execute(old))

    def _delete(
        self, connection: sa.Connection, user_id: str, now: datetime.datetime, *, expired: bool = False
    ) -> Deletion | None:
        condition = users.c.id == user_id
        if expired:  # the guest may have registered in the meantime
            condition = sa.and_(condition, users.c.expires_at <= now)
        if connection.execute(users.delete().where(condition)).rowcount == 0:
            return None
        for table in (refresh_tokens, password_resets):
            connection.execute(table.delete().where(table.c.user_id == user_id))
        deletion = Deletion(secrets.token_urlsafe(32), now, tuple(sorted(USER_DATA)))
        connection.execute(deletions.insert().values(id=deletion.id, user_id=user_id, requested_at=now))
        for service, kind in USER_DATA.items():
            connection.execute(deletion_parts.insert().values(user_id=user_id, service=service))
            self._outbox.add(connection, topic(service), kind(user_id=user_id))
        return deletion


def mark_done(connection: sa.Connection, user_id: str, service: str, now: datetime.datetime) -> None:
    """Record that a service has deleted the data; the last one completes the deletion, which drops the user id."""
    parts = deletion_parts.c
    connection.execute(deletion_parts.delete().where(parts.user_id == user_id, parts.service == service))
    complete = ~sa.exists().where(parts.user_id == user_id)
    connection.execute(
        deletions.update().where(deletions.c.user_id == user_id, complete).values(completed_at=now, user_id=None)
    )


def _find(connection: sa.Connection, deletion_id: str) -> Deletion:
    row = connection.execute(sa.select(deletions).where(deletions.c.id == deletion_id)).first()
    if row is None:
        raise DeletionNotFound("There is no such deletion, or it was completed long ago.")
    remaining = sa.select(deletion_parts.c.service).where(deletion_parts.c.user_id == row.user_id)
    return Deletion(row.id, row.requested_at, tuple(sorted(connection.execute(remaining).scalars())))
