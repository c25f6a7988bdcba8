"""Accounts and signing keys in the service's own database."""

import datetime
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2
from igemoji_auth.domain import GUEST_ROLE, Account, taken, unique_key
from igemoji_auth.tables import refresh_tokens, signing_keys, users
from igemoji_mesh.database import Database
from igemoji_mesh.outbox import Outbox
from igemoji_mesh.tokens import SigningKey

RENAME_MAKER = "rename maker"


class SqlAccounts:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        """The outbox tells the catalogue how makers are called."""
        self._database = database
        self._outbox = outbox

    async def add(self, account: Account) -> None:
        """Raises EmailTaken or AliasTaken."""
        await self._database.write(lambda connection: _insert_account(connection, account))

    async def rename(self, account_id: str, alias: str, now: datetime.datetime) -> bool:
        """False where the account is gone. Raises AliasTaken."""
        return await self._change(users.c.id == account_id, {"alias": alias, "alias_key": unique_key(alias)}, now)

    async def register_guest(self, account: Account, now: datetime.datetime) -> bool:
        """Stores what a guest became; False where it is gone or has registered. Raises EmailTaken, AliasTaken."""
        still_guest = sa.and_(users.c.id == account.id, users.c.role == GUEST_ROLE)
        return await self._change(still_guest, _row(account), now)

    async def set_password(self, account_id: str, password_hash: str) -> None:
        """Every login of the account is over."""

        def work(connection: sa.Connection) -> None:
            connection.execute(users.update().where(users.c.id == account_id).values(password_hash=password_hash))
            connection.execute(refresh_tokens.delete().where(refresh_tokens.c.user_id == account_id))

        await self._database.write(work)

    async def taken(
        self, *, email_key: str | None = None, alias_key: str | None = None, but_of: str | None = None
    ) -> list[str]:
        return await self._database.read(lambda connection: _taken(connection, email_key, alias_key, but_of))

    async def by_email_key(self, email_key: str) -> Account | None:
        return await self._database.read(lambda connection: find_account(connection, users.c.email_key == email_key))

    async def by_id(self, account_id: str) -> Account | None:
        return await self._database.read(lambda connection: find_account(connection, users.c.id == account_id))

    async def _change(self, which: sa.ColumnElement[bool], values: dict[str, Any], now: datetime.datetime) -> bool:
        """Stores values with an alias among them, and tells the catalogue."""

        def work(connection: sa.Connection) -> bool:
            account = find_account(connection, which)
            if account is None:
                return False
            statement = users.update().where(which).values(**values)
            _execute(connection, statement, values.get("email_key"), values["alias_key"], account.id)
            renamed = emoji_catalog_pb2.RenameMakerRequest(
                user_id=account.id, alias=values["alias"], renamed_at=_timestamp(now)
            )
            self._outbox.add(connection, RENAME_MAKER, renamed)
            return True

        changed = await self._database.write(work)
        self._outbox.wake()
        return changed


class SqlKeys:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def signing_keys(self) -> Sequence[SigningKey]:
        return await self._database.read(_signing_keys)

    async def ensure_one(self, now: datetime.datetime) -> None:
        """Makes the first key, unless another replica has."""
        await self._database.write(lambda connection: _ensure_signing_key(connection, now))


def _insert_account(connection: sa.Connection, account: Account) -> None:
    row = _row(account)
    _execute(connection, users.insert().values(**row), row["email_key"], row["alias_key"], None)


def _row(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "email_key": unique_key(account.email) if account.email is not None else None,
        "alias": account.alias,
        "alias_key": unique_key(account.alias),
        "password_hash": account.password_hash,
        "role": account.role,
        "created_at": account.created_at,
        "expires_at": account.expires_at,
    }


def _execute(
    connection: sa.Connection,
    statement: sa.Executable,
    email_key: str | None,
    alias_key: str | None,
    account_id: str | None,
) -> None:
    """Raises EmailTaken or AliasTaken where the statement would give an account what another one has."""
    try:
        connection.execute(statement)
    except sa.exc.IntegrityError:
        fields = _taken(connection, email_key, alias_key, account_id)
        if not fields:
            raise
        raise taken(fields) from None


def _taken(connection: sa.Connection, email_key: str | None, alias_key: str | None, but_of: str | None) -> list[str]:
    keys = {"email": (users.c.email_key, email_key), "alias": (users.c.alias_key, alias_key)}

    def owner(column: sa.Column[Any], key: str) -> str | None:
        return connection.execute(sa.select(users.c.id).where(column == key)).scalar()

    return [
        field for field, (column, key) in keys.items() if key is not None and owner(column, key) not in (None, but_of)
    ]


def _timestamp(at: datetime.datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(at)
    return timestamp


def find_account(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Account | None:
    row = connection.execute(sa.select(users).where(condition)).first()
    if row is None:
        return None
    return Account(row.id, row.email, row.alias, row.role, row.created_at, row.password_hash, row.expires_at)


def _signing_keys(connection: sa.Connection) -> list[SigningKey]:
    newest_first = sa.select(signing_keys).order_by(signing_keys.c.created_at.desc(), signing_keys.c.kid.desc())
    return [SigningKey.from_pem(row.kid, row.private_pem.encode()) for row in connection.execute(newest_first)]


def _ensure_signing_key(connection: sa.Connection, now: datetime.datetime) -> None:
    if connection.execute(sa.select(signing_keys.c.kid)).first():
        return
    key = SigningKey.generate()
    connection.execute(signing_keys.insert().values(kid=key.kid, private_pem=key.to_pem().decode(), created_at=now))
