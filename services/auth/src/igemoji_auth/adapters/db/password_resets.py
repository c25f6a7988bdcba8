"""Tokens of password resets, as digests."""

import datetime

import sqlalchemy as sa

from igemoji_auth.adapters.db.accounts import find_account, set_password
from igemoji_auth.adapters.db.tables import password_resets, users
from igemoji_auth.domain.model import RESET_LIFETIME, Account
from igemoji_mesh.db.database import Database


class SqlResets:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, token_hash: str, account_id: str, now: datetime.datetime) -> None:
        row = password_resets.insert().values(
            token_hash=token_hash, user_id=account_id, expires_at=now + RESET_LIFETIME
        )
        await self._database.write(lambda connection: connection.execute(row))

    async def account(self, token_hash: str, now: datetime.datetime) -> Account | None:
        owner = sa.select(password_resets.c.user_id).where(_good(token_hash, now)).scalar_subquery()
        return await self._database.read(lambda connection: find_account(connection, users.c.id == owner))

    async def use(self, token_hash: str, password_hash: str, now: datetime.datetime) -> bool:
        """The other tokens of the account go too."""

        def work(connection: sa.Connection) -> bool:
            good = _good(token_hash, now)
            account_id = connection.execute(sa.select(password_resets.c.user_id).where(good)).scalar()
            if connection.execute(password_resets.delete().where(good)).rowcount == 0 or account_id is None:
                return False
            connection.execute(password_resets.delete().where(password_resets.c.user_id == account_id))
            set_password(connection, account_id, password_hash)
            return True

        return await self._database.write(work)

    async def remove_expired(self, now: datetime.datetime) -> None:
        delete = password_resets.delete().where(password_resets.c.expires_at <= now)
        await self._database.write(lambda connection: connection.execute(delete))


def _good(token_hash: str, now: datetime.datetime) -> sa.ColumnElement[bool]:
    return sa.and_(password_resets.c.token_hash == token_hash, password_resets.c.expires_at > now)
