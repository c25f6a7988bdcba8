"""Queries of refresh tokens and their families."""

import datetime
import secrets
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from igemoji_auth.adapters.db.accounts import find_account
from igemoji_auth.adapters.db.tables import refresh_tokens, users
from igemoji_auth.domain import model
from igemoji_auth.domain.model import Account, RefreshToken
from igemoji_mesh.db.database import Database
from igemoji_mesh.idempotency.replay import Replay
from igemoji_mesh.ids import new_id

T = TypeVar("T")


class SqlRefreshTokens:
    """Stores refresh tokens as digests, in families: all tokens that descend from one login."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start_family(
        self, account: Account, now: datetime.datetime, to_session: Callable[[RefreshToken], T], replay: Replay[T]
    ) -> T:
        """Start a family; return what `to_session` makes of its first token."""

        def start(connection: sa.Connection) -> T:
            session = to_session(_add(connection, model.new_secret(), new_id(), account, now))
            replay.save(connection, session)
            return session

        return await self._database.write(start)

    async def spend(self, token: str, now: datetime.datetime) -> tuple[Account, RefreshToken] | None:
        """Return the account and the next token, the same one within RETRY_WINDOW; later revoke the family."""
        return await self._database.write(lambda connection: _spend(connection, token, now))

    async def revoke_family(self, token: str) -> None:
        """Revoke the family of a token, if there is one."""
        await self._database.write(lambda connection: _revoke_family(connection, token))

    async def remove_expired(self, now: datetime.datetime) -> None:
        """Delete expired tokens."""
        delete = refresh_tokens.delete().where(refresh_tokens.c.expires_at <= now)
        await self._database.write(lambda connection: connection.execute(delete))


def _add(
    connection: sa.Connection, token: str, family_id: str, account: Account, now: datetime.datetime
) -> RefreshToken:
    expires_at = now + model.REFRESH_LIFETIME
    if account.expires_at is not None:
        expires_at = min(expires_at, account.expires_at)
    row = {"token_hash": model.digest(token), "family_id": family_id, "user_id": account.id, "expires_at": expires_at}
    connection.execute(refresh_tokens.insert().values(**row, salt=secrets.token_hex(32)))
    return RefreshToken(token, expires_at)


def _spend(connection: sa.Connection, token: str, now: datetime.datetime) -> tuple[Account, RefreshToken] | None:
    columns = refresh_tokens.c
    this = sa.and_(columns.token_hash == model.digest(token), columns.expires_at > now)
    # The update comes first, so that only one of several replicas is the first to spend the token.
    spent = connection.execute(refresh_tokens.update().where(this, columns.used_at.is_(None)).values(used_at=now))
    row = connection.execute(sa.select(refresh_tokens).where(this)).first()
    account = find_account(connection, users.c.id == row.user_id) if row else None
    if row is None or account is None:
        return None
    following = model.successor(token, row.salt)
    if spent.rowcount == 1:
        return account, _add(connection, following, row.family_id, account, now)
    if now - row.used_at > model.RETRY_WINDOW:
        connection.execute(refresh_tokens.delete().where(columns.family_id == row.family_id))
        return None
    expiry = sa.select(columns.expires_at).where(columns.token_hash == model.digest(following))
    return account, RefreshToken(following, connection.execute(expiry).scalar_one())


def _revoke_family(connection: sa.Connection, token: str) -> None:
    columns = refresh_tokens.c
    family = sa.select(columns.family_id).where(columns.token_hash == model.digest(token))
    for family_id in connection.execute(family).scalars():
        connection.execute(refresh_tokens.delete().where(columns.family_id == family_id))
