"""Accounts, login tries and signing keys in the service's own database."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa

from igemoji_auth.domain import LOGIN_TRIES, LOGIN_WINDOW, Account, TooManyTries, taken, unique_key
from igemoji_auth.tables import login_tries, signing_keys, users
from igemoji_mesh.database import Database
from igemoji_mesh.ids import new_id
from igemoji_mesh.tokens import SigningKey


class SqlAccounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, account: Account) -> None:
        """Raises EmailTaken or AliasTaken."""
        await self._database.write(lambda connection: _insert_account(connection, account))

    async def taken(self, *, email_key: str | None = None, alias_key: str | None = None) -> list[str]:
        return await self._database.read(lambda connection: _taken(connection, email_key, alias_key))

    async def by_email_key(self, email_key: str) -> Account | None:
        return await self._database.read(lambda connection: find_account(connection, users.c.email_key == email_key))

    async def by_id(self, account_id: str) -> Account | None:
        return await self._database.read(lambda connection: find_account(connection, users.c.id == account_id))


class SqlTries:
    """Rows, so that all replicas count the same tries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, account_key: str, now: datetime.datetime) -> str:
        """Raises TooManyTries."""
        return await self._database.write(lambda connection: _begin_try(connection, account_key, now))

    async def take_back(self, try_id: str) -> None:
        delete = login_tries.delete().where(login_tries.c.id == try_id)
        await self._database.write(lambda connection: connection.execute(delete))


class SqlKeys:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def signing_keys(self) -> Sequence[SigningKey]:
        return await self._database.read(_signing_keys)

    async def ensure_one(self, now: datetime.datetime) -> None:
        """Makes the first key, unless another replica has."""
        await self._database.write(lambda connection: _ensure_signing_key(connection, now))


def _insert_account(connection: sa.Connection, account: Account) -> None:
    email_key = unique_key(account.email) if account.email is not None else None
    alias_key = unique_key(account.alias)
    row = users.insert().values(
        id=account.id,
        email=account.email,
        email_key=email_key,
        alias=account.alias,
        alias_key=alias_key,
        password_hash=account.password_hash,
        role=account.role,
        created_at=account.created_at,
    )
    try:
        connection.execute(row)
    except sa.exc.IntegrityError:
        fields = _taken(connection, email_key, alias_key)
        if not fields:
            raise
        raise taken(fields) from None


def _taken(connection: sa.Connection, email_key: str | None, alias_key: str | None) -> list[str]:
    wanted = {"email": users.c.email_key == email_key, "alias": users.c.alias_key == alias_key}
    given = {"email": email_key, "alias": alias_key}
    return [
        field
        for field, condition in wanted.items()
        if given[field] is not None and connection.execute(sa.select(users.c.id).where(condition)).first()
    ]


def find_account(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Account | None:
    row = connection.execute(sa.select(users).where(condition)).first()
    if row is None:
        return None
    return Account(row.id, row.email, row.alias, row.role, row.created_at, row.password_hash)


def _begin_try(connection: sa.Connection, account_key: str, now: datetime.datetime) -> str:
    connection.execute(login_tries.delete().where(login_tries.c.tried_at <= now - LOGIN_WINDOW))
    counted = sa.select(sa.func.count(), sa.func.min(login_tries.c.tried_at)).where(
        login_tries.c.account_key == account_key
    )
    tries, first = connection.execute(counted).one()
    if tries >= LOGIN_TRIES:
        wait = (first + LOGIN_WINDOW - now).total_seconds()
        raise TooManyTries(
            f"Too many tries to log in to this account. Try again in {max(1, round(wait))} seconds.",
            retry_after_seconds=max(1, wait),
        )
    try_id = new_id()
    connection.execute(login_tries.insert().values(id=try_id, account_key=account_key, tried_at=now))
    return try_id


def _signing_keys(connection: sa.Connection) -> list[SigningKey]:
    newest_first = sa.select(signing_keys).order_by(signing_keys.c.created_at.desc(), signing_keys.c.kid.desc())
    return [SigningKey.from_pem(row.kid, row.private_pem.encode()) for row in connection.execute(newest_first)]


def _ensure_signing_key(connection: sa.Connection, now: datetime.datetime) -> None:
    if connection.execute(sa.select(signing_keys.c.kid)).first():
        return
    key = SigningKey.generate()
    connection.execute(signing_keys.insert().values(kid=key.kid, private_pem=key.to_pem().decode(), created_at=now))
