"""Queries of password resets."""

import datetime

import sqlalchemy as sa

from igemoji_auth.adapters.db.accounts import find_account, set_password
from igemoji_auth.adapters.db.tables import password_resets, users
from igemoji_auth.domain.model import RESET_LIFETIME, Account
from igemoji_mesh.db.database import Database


class SqlPasswordResets:
    """Stores the tokens of password resets as digests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, token_hash: str, user_id: str, now: datetime.datetime) -> None:
        """Store a token."""
        row = password_resets.insert().values(token_hash=token_hash, user_id=user_id, expires_at=now + RESET_LIFETIME)
        await self._database.write(lambda connection: connection.execute(row))

    async def account(self, token_hash: str, now: datetime.datetime) -> Account | None:
        """Return the account of a valid token."""
        owner = sa.select(password_resets.c.user_id).where(_valid(token_hash, now)).scalar_subquery()
        return await self._database.read(lambda connection: find_account(connection, users.c.id == owner))

    async def use(self, token_hash: str, password_hash: str, now: datetime.datetime) -> bool:
        """Store the password, end every session, and delete all tokens of the account.

        Return False if the token is not valid.
        """

        def work(connection: sa.Connection) -> bool:
            valid = _valid(token_hash, now)
            user_id = connection.execute(sa.select(password_resets.c.user_id).where(valid)).scalar()
            if connection.execute(password_resets.delete().where(valid)).rowcount == 0 or user_id is None:
                return False
            connection.execute(password_resets.delete().where(password_resets.c.user_id == user_id))
            set_password(connection, user_id, password_hash)
            return True

        return await self._database.write(work)

    async def remove_expired(self, now: datetime.datetime) -> None:
        """Delete expired tokens."""
        delete = password_resets.delete().where(password_resets.c.expires_at <= now)
        await self._database.write(lambda connection: connection.execute(delete))


def _valid(token_hash: str, now: datetime.datetime) -> sa.ColumnElement[bool]:
    return sa.and_(password_resets.c.token_hash == token_hash, password_resets.c.expires_at > now)
