"""Deletions of accounts: the account at once, what it left elsewhere through the outbox."""

import datetime
import secrets
from functools import partial

import sqlalchemy as sa

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2
from igemoji.inference.v1 import inference_pb2
from igemoji.ranking.v1 import ranking_pb2
from igemoji_auth.adapters.db.tables import deletion_parts, deletions, password_resets, refresh_tokens, users
from igemoji_auth.domain.model import Deletion
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.outbox import Outbox

USER_DATA = {
    "inference": inference_pb2.DeleteUserDataRequest,
    "emoji-catalog": emoji_catalog_pb2.DeleteUserDataRequest,
    "ranking": ranking_pb2.DeleteUserDataRequest,
}
"""The services that keep something of a user, and how they are told to remove it."""

KEPT = datetime.timedelta(days=30)
"""How long can be asked for a deletion that is complete."""
GUESTS_AT_ONCE = 100


def topic(service: str) -> str:
    return f"delete user data: {service}"


class SqlDeletions:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def delete_account(self, account_id: str, now: datetime.datetime) -> Deletion | None:
        """None where there is no such account, or no longer."""
        return await self._database.write(lambda connection: self._delete(connection, account_id, now))

    async def find(self, deletion_id: str) -> Deletion | None:
        return await self._database.read(lambda connection: _find(connection, deletion_id))

    async def remove_expired(self, now: datetime.datetime) -> None:
        """Guests whose day is over, and deletions that were complete long ago."""
        guests = sa.select(users.c.id).where(users.c.expires_at <= now).limit(GUESTS_AT_ONCE)
        for guest_id in await self._database.read(lambda connection: connection.execute(guests).scalars().all()):
            await self._database.write(partial(self._delete, account_id=guest_id, now=now, expired=True))
        old = deletions.delete().where(deletions.c.completed_at <= now - KEPT)
        await self._database.write(lambda connection: connection.execute(old))

    def _delete(
        self,
        connection: sa.Connection,
        account_id: str,
        now: datetime.datetime,
        *,
        expired: bool = False,
    ) -> Deletion | None:
        condition = users.c.id == account_id
        if expired:  # a guest may have registered meanwhile
            condition = sa.and_(condition, users.c.expires_at <= now)
        if connection.execute(users.delete().where(condition)).rowcount == 0:
            return None
        for secrets_of in (refresh_tokens, password_resets):
            connection.execute(secrets_of.delete().where(secrets_of.c.user_id == account_id))
        deletion = Deletion(secrets.token_urlsafe(32), now, tuple(sorted(USER_DATA)))
        connection.execute(deletions.insert().values(id=deletion.id, user_id=account_id, requested_at=now))
        for service, kind in USER_DATA.items():
            connection.execute(deletion_parts.insert().values(user_id=account_id, service=service))
            self._outbox.add(connection, topic(service), kind(user_id=account_id))
        return deletion


def part_done(connection: sa.Connection, user_id: str, service: str, now: datetime.datetime) -> None:
    """A service has removed everything; the last one makes the deletion complete, and the id of the user goes too."""
    parts = deletion_parts.c
    connection.execute(deletion_parts.delete().where(parts.user_id == user_id, parts.service == service))
    nothing_left = ~sa.exists().where(parts.user_id == user_id)
    connection.execute(
        deletions.update().where(deletions.c.user_id == user_id, nothing_left).values(completed_at=now, user_id=None)
    )


def _find(connection: sa.Connection, deletion_id: str) -> Deletion | None:
    row = connection.execute(sa.select(deletions).where(deletions.c.id == deletion_id)).first()
    if row is None:
        return None
    left = sa.select(deletion_parts.c.service).where(deletion_parts.c.user_id == row.user_id)
    return Deletion(row.id, row.requested_at, tuple(sorted(connection.execute(left).scalars())))
