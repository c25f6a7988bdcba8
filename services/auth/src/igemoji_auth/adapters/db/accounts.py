"""Queries of accounts."""

import datetime
from collections.abc import Mapping
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

Values = dict[str, Any]
Condition = sa.ColumnElement[bool]


class SqlAccounts:
    """Stores accounts; new aliases go to the catalog through the outbox."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def add(self, account: Account, replay: Replay[Account]) -> None:
        """Store a new account. Raises EmailTaken or AliasTaken."""

        def insert(connection: sa.Connection) -> None:
            _execute(connection, users.insert(), _row(account), None)
            replay.save(connection, account)

        await self._database.write(insert)

    async def rename(self, user_id: str, alias: str, now: datetime.datetime) -> bool:
        """Change an alias; return False if there is no such account. Raises AliasTaken."""
        values = {"alias": alias, "alias_key": unique_key(alias)}
        return await self._database.write(lambda connection: self._change(connection, user_id, values, now))

    async def register_guest(self, account: Account, now: datetime.datetime, replay: Replay[Account]) -> bool:
        """Turn a guest into `account`; return False if it is no guest any more. Raises EmailTaken or AliasTaken."""

        def register(connection: sa.Connection) -> bool:
            still_guest = users.c.role == GUEST_ROLE
            registered = self._change(connection, account.id, _row(account), now, still_guest)
            if registered:
                replay.save(connection, account)
            return registered

        return await self._database.write(register)

    async def set_password(self, user_id: str, password_hash: str) -> None:
        """Store a password and end every session of the account."""
        await self._database.write(lambda connection: set_password(connection, user_id, password_hash))

    async def taken_fields(self, fields: Mapping[str, str], except_user_id: str | None = None) -> list[str]:
        """Return which of `email` and `alias` belong to an account other than `except_user_id`."""
        return await self._database.read(lambda connection: _taken_fields(connection, fields, except_user_id))

    async def by_email_key(self, email_key: str) -> Account | None:
        """Return the account with an e-mail address."""
        return await self._database.read(lambda connection: find_account(connection, users.c.email_key == email_key))

    async def by_id(self, user_id: str) -> Account | None:
        """Return the account with an id."""
        return await self._database.read(lambda connection: find_account(connection, users.c.id == user_id))

    def _change(
        self, connection: sa.Connection, user_id: str, values: Values, now: datetime.datetime, *conditions: Condition
    ) -> bool:
        if _execute(connection, users.update().where(users.c.id == user_id, *conditions), values, user_id) == 0:
            return False
        renamed = emoji_catalog_pb2.RenameMakerRequest(
            user_id=user_id, alias=values["alias"], renamed_at=to_timestamp(now)
        )
        self._outbox.add(connection, RENAME_MAKER, renamed)
        return True


def find_account(connection: sa.Connection, condition: Condition) -> Account | None:
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


def _row(account: Account) -> Values:
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


def _execute(connection: sa.Connection, statement: sa.Insert | sa.Update, values: Values, user_id: str | None) -> int:
    """Return the number of rows. Raises EmailTaken or AliasTaken if the values belong to another account."""
    try:
        return connection.execute(statement.values(values)).rowcount
    except sa.exc.IntegrityError:
        given = {field: values[field] for field in ("email", "alias") if values.get(field) is not None}
        fields = _taken_fields(connection, given, user_id)
        if not fields:
            raise
        raise already_taken(fields) from None


def _taken_fields(connection: sa.Connection, fields: Mapping[str, str], except_user_id: str | None) -> list[str]:
    def owner(field: str, value: str) -> str | None:
        same = users.c[f"{field}_key"] == unique_key(value)
        return connection.execute(sa.select(users.c.id).where(same)).scalar()

    return [field for field, value in fields.items() if owner(field, value) not in (None, except_user_id)]
