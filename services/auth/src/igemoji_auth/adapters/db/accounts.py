"""Accounts in the service's own database."""

import datetime
from typing import Any

import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2
from igemoji_auth.adapters.db.tables import refresh_tokens, users
from igemoji_auth.domain.model import GUEST_ROLE, Account, taken, unique_key
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.outbox import Outbox
from igemoji_mesh.idempotency.keys import keep_answer

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
        return await self._change(still_guest, _row(account), now, registered=account)

    async def set_password(self, account_id: str, password_hash: str) -> None:
        """Every login of the account is over."""
        await self._database.write(lambda connection: set_password(connection, account_id, password_hash))

    async def taken(
        self, *, email_key: str | None = None, alias_key: str | None = None, but_of: str | None = None
    ) -> list[str]:
        return await self._database.read(lambda connection: _taken(connection, email_key, alias_key, but_of))

    async def by_email_key(self, email_key: str) -> Account | None:
        return await self._database.read(lambda connection: find_account(connection, users.c.email_key == email_key))

    async def by_id(self, account_id: str) -> Account | None:
        return await self._database.read(lambda connection: find_account(connection, users.c.id == account_id))

    async def _change(
        self,
        which: sa.ColumnElement[bool],
        values: dict[str, Any],
        now: datetime.datetime,
        registered: Account | None = None,
    ) -> bool:
        """Stores values with an alias among them, and tells the catalogue."""

        def work(connection: sa.Connection) -> bool:
            account = find_account(connection, which)
            if account is None:
                return False
            statement = users.update().where(which).values(**values)
            if _execute(connection, statement, values.get("email_key"), values["alias_key"], account.id) == 0:
                return False
            renamed = emoji_catalog_pb2.RenameMakerRequest(
                user_id=account.id, alias=values["alias"], renamed_at=_timestamp(now)
            )
            self._outbox.add(connection, RENAME_MAKER, renamed)
            if registered is not None:
                keep_answer(connection, registered)
            return True

        return await self._database.write(work)


def set_password(connection: sa.Connection, account_id: str, password_hash: str) -> None:
    """Every login of the account is over."""
    connection.execute(users.update().where(users.c.id == account_id).values(password_hash=password_hash))
    connection.execute(refresh_tokens.delete().where(refresh_tokens.c.user_id == account_id))


def set_role(connection: sa.Connection, email: str, role: str) -> bool:
    """False where there is no such account."""
    change = users.update().where(users.c.email_key == unique_key(email)).values(role=role)
    return connection.execute(change).rowcount == 1


def _insert_account(connection: sa.Connection, account: Account) -> None:
    row = _row(account)
    _execute(connection, users.insert().values(**row), row["email_key"], row["alias_key"], None)
    if account.role != GUEST_ROLE:  # a guest is answered with a session
        keep_answer(connection, account)


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
    statement: sa.Insert | sa.Update,
    email_key: str | None,
    alias_key: str | None,
    account_id: str | None,
) -> int:
    """The number of rows. Raises EmailTaken or AliasTaken where it would give an account what another one has."""
    try:
        return connection.execute(statement).rowcount
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
