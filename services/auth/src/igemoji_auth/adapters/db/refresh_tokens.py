"""Refresh tokens, as digests, in families: all that go back to one login."""

import datetime
import secrets
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from igemoji_auth.adapters.db.accounts import find_account
from igemoji_auth.adapters.db.tables import refresh_tokens, users
from igemoji_auth.domain.model import (
    REFRESH_LIFETIME,
    RETRY_WINDOW,
    Account,
    RefreshToken,
    digest,
    new_secret,
    successor,
)
from igemoji_mesh.db.database import Database
from igemoji_mesh.idempotency.keys import keep_answer
from igemoji_mesh.ids import new_id

T = TypeVar("T")


class SqlRefreshTokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def start_family(
        self, account: Account, now: datetime.datetime, session_with: Callable[[RefreshToken], T]
    ) -> T:
        """The session made with the first token of a new family; the answer to a call with a key is kept with it."""

        def start(connection: sa.Connection) -> T:
            session = session_with(_add(connection, new_secret(), new_id(), account, now))
            keep_answer(connection, session)
            return session

        return await self._database.write(start)

    async def spend(self, token: str, now: datetime.datetime) -> tuple[Account, RefreshToken] | None:
        """The account and the next token; the same next token for RETRY_WINDOW, and after that the family is gone."""
        return await self._database.write(lambda connection: _spend(connection, token, now))

    async def revoke_family(self, token: str) -> None:
        """The family of a token, if there is one."""
        await self._database.write(lambda connection: _revoke_family(connection, token))

    async def remove_expired(self, now: datetime.datetime) -> None:
        delete = refresh_tokens.delete().where(refresh_tokens.c.expires_at <= now)
        await self._database.write(lambda connection: connection.execute(delete))


def _add(
    connection: sa.Connection, token: str, family_id: str, account: Account, now: datetime.datetime
) -> RefreshToken:
    expires_at = now + REFRESH_LIFETIME
    if account.expires_at is not None:
        expires_at = min(expires_at, account.expires_at)
    row = refresh_tokens.insert().values(
        token_hash=digest(token),
        family_id=family_id,
        user_id=account.id,
        salt=secrets.token_hex(32),
        expires_at=expires_at,
    )
    connection.execute(row)
    return RefreshToken(token, expires_at)


def _spend(connection: sa.Connection, token: str, now: datetime.datetime) -> tuple[Account, RefreshToken] | None:
    columns = refresh_tokens.c
    this = sa.and_(columns.token_hash == digest(token), columns.expires_at > now)
    # The update comes first, so that of several replicas one alone is the first to spend it.
    spent = connection.execute(refresh_tokens.update().where(this, columns.used_at.is_(None)).values(used_at=now))
    row = connection.execute(sa.select(refresh_tokens).where(this)).first()
    account = find_account(connection, users.c.id == row.user_id) if row else None
    if row is None or account is None:
        return None
    following = successor(token, row.salt)
    if spent.rowcount == 1:
        return account, _add(connection, following, row.family_id, account, now)
    if now - row.used_at > RETRY_WINDOW:
        connection.execute(refresh_tokens.delete().where(columns.family_id == row.family_id))
        return None
    expiry = sa.select(columns.expires_at).where(columns.token_hash == digest(following))
    return account, RefreshToken(following, connection.execute(expiry).scalar_one())


def _revoke_family(connection: sa.Connection, token: str) -> None:
    columns = refresh_tokens.c
    family = sa.select(columns.family_id).where(columns.token_hash == digest(token))
    for family_id in connection.execute(family).scalars():
        connection.execute(refresh_tokens.delete().where(columns.family_id == family_id))
