"""Queries of accounts."""

import datetime
from typing import Any

import sqlalchemy as sa

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2
from igemoji_auth.adapters.db.tables import refresh_tokens, users
from igemoji_auth.domain.errors import already_taken
from igemoji_auth.domain.model import GUEST_ROLE, Account, unique_key
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.outbox import Outbox
from igemoji_mesh.idempotency.replay import Replay
from igemoji_mesh.timestamps import to_timestamp

RENAME_MAKER = "rename maker"


class SqlAccounts:
    """Stores accounts; new aliases go to the catalog through the outbox."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def add(self, account: Account, replay: Replay[Account]) -> None:
        """Store a new account. Raises EmailTaken or AliasTaken."""

        def insert(connection: sa.Connection) -> None:
            row = _row(account)
            _execute(connection, users.insert().values(**row), row, None)
            replay.save(connection, account)

        await self._database.write(insert)

    async def rename(self, user_id: str, alias: str, now: datetime.datetime) -> bool:
        """Change an alias; return False if there is no such account. Raises AliasTaken."""
        values = {"alias": alias, "alias_key": unique_key(alias)}
        condition = users.c.id == user_id
        return await self._database.write(lambda connection: self._change(connection, user_id, condition, values, now))

    async def register_guest(self, account: Account, now: datetime.datetime, replay: Replay[Account]) -> bool:
        """Turn a guest into `account`; return False if it is no guest any more. Raises EmailTaken or AliasTaken."""
        still_guest = sa.and_(users.c.id == account.id, users.c.role == GUEST_ROLE)

        def register(connection: sa.Connection) -> bool:
            registered = self._change(connection, account.id, still_guest, _row(account), now)
            if registered:
                replay.save(connection, account)
            return registered

        return await self._database.write(register)

    async def set_password(self, user_id: str, password_hash: str) -> None:
        """Store a password and end every session of the account."""
        await self._database.write(lambda connection: set_password(connection, user_id, password_hash))

    async def taken_fields(
        self, *, email_key: str | None = None, alias_key: str | None = None, except_user_id: str | None = None
    ) -> list[str]:
        """Return which of `email` and `alias` belong to an account other than `except_user_id`."""
        return await self._database.read(
            lambda connection: _taken_fields(connection, email_key, alias_key, except_user_id)
        )

    async def by_email_key(self, email_key: str) -> Account | None:
        """Return the account with an e-mail address."""
        return await self._database.read(lambda connection: find_account(connection, users.c.email_key == email_key))

    async def by_id(self, user_id: str) -> Account | None:
        """Return the account with an id."""
        return await self._database.read(lambda connection: find_account(connection, users.c.id == user_id))

    def _change(
        self,
        connection: sa.Connection,
        user_id: str,
        condition: sa.ColumnElement[bool],
        values: dict[str, Any],
        now: datetime.datetime,
    ) -> bool:
        if _execute(connection, users.update().where(condition).values(**values), values, user_id) == 0:
            return False
        renamed = emoji_catalog_pb2.RenameMakerRequest(
            user_id=user_id, alias=values["alias"], renamed_at=to_timestamp(now)
        )
        self._outbox.add(connection, RENAME_MAKER, renamed)
        return True


def find_account(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Account | None:
    """Return the account that matches a condition."""
    row = connection.execute(sa.select(users).where(condition)).first()
    if row is None:
        return None
    return Account(row.id, row.email, row.alias, row.role, row.created_at, row.password_hash, row.expires_at)


def set_password(connection: sa.Connection, user_id: str, password_hash: str) -> None:
    """Store a password and end every session of the account."""
    connection.execute(users.update().where(users.c.id == user_id).values(password_hash=password_hash))
    connection.execute(refresh_tokens.delete().where(refresh_tokens.c.user_id == user_id))


def set_role(connection: sa.Connection, email: str, role: str) -> bool:
    """Change a role; return False if there is no such account."""
    change = users.update().where(users.c.email_key == unique_key(email)).values(role=role)
    return connection.execute(change).rowcount == 1


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
    connection: sa.Connection, statement: sa.Insert | sa.Update, values: dict[str, Any], user_id: str | None
) -> int:
    """Return the number of rows. Raises EmailTaken or AliasTaken if the values belong to another account."""
    try:
        return connection.execute(statement).rowcount
    except sa.exc.IntegrityError:
        fields = _taken_fields(connection, values.get("email_key"), values["alias_key"], user_id)
        if not fields:
            raise
        raise already_taken(fields) from None


def _taken_fields(
    connection: sa.Connection, email_key: str | None, alias_key: str | None, except_user_id: str | None
) -> list[str]:
    keys = {"email": (users.c.email_key, email_key), "alias": (users.c.alias_key, alias_key)}

    def owner(column: sa.Column[Any], key: str) -> str | None:
        return connection.execute(sa.select(users.c.id).where(column == key)).scalar()

    return [
        field
        for field, (column, key) in keys.items()
        if key is not None and owner(column, key) not in (None, except_user_id)
    ]
