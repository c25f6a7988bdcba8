"""Queries of the keys that sign access tokens: one key, or two during a rotation."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa

from igemoji_auth.adapters.db.tables import signing_keys
from igemoji_auth.domain.errors import RotationInProgress
from igemoji_mesh.auth.tokens import SigningKey
from igemoji_mesh.db.database import Database

PUBLISHED_AHEAD = datetime.timedelta(minutes=10)
"""Time before a new key signs; the gateway reads the keys every five minutes."""
CLOCK_SKEW = datetime.timedelta(minutes=1)


class SqlSigningKeys:
    """Stores signing keys; each stays published as long as a token that it signed may be valid."""

    def __init__(self, database: Database, access_token_seconds: int) -> None:
        self._database = database
        self._valid_after_use = datetime.timedelta(seconds=access_token_seconds) + CLOCK_SKEW

    async def published(self) -> Sequence[SigningKey]:
        """Return the keys whose tokens may be valid."""
        return [key for key, _ in await self._database.read(_keys)]

    async def signing(self, now: datetime.datetime) -> SigningKey:
        """Return the key that signs at `now`."""
        return _signing(await self._database.read(_keys), now)[0]

    async def ensure_one(self, now: datetime.datetime) -> None:
        """Create the first key, unless there is one."""

        def work(connection: sa.Connection) -> None:
            if not _keys(connection):
                _add(connection, now, now)

        await self._database.write(work)

    async def rotate(self, now: datetime.datetime) -> datetime.datetime:
        """Publish a new key; return when it starts to sign. Raises RotationInProgress if there are two already."""

        def work(connection: sa.Connection) -> datetime.datetime:
            self._remove_retired(connection, now)
            keys = _keys(connection)
            if len(keys) > 1:
                raise RotationInProgress(keys[0][1] + self._valid_after_use)
            return _add(connection, now, now + PUBLISHED_AHEAD)

        return await self._database.write(work)

    async def remove_expired(self, now: datetime.datetime) -> None:
        """Delete keys whose last token has expired."""
        await self._database.write(lambda connection: self._remove_retired(connection, now))

    def _remove_retired(self, connection: sa.Connection, now: datetime.datetime) -> None:
        _, since = _signing(_keys(connection), now)
        if since + self._valid_after_use <= now:
            connection.execute(signing_keys.delete().where(signing_keys.c.signs_from < since))


def _keys(connection: sa.Connection) -> list[tuple[SigningKey, datetime.datetime]]:
    """Return the keys, newest first, with the instants from which they sign."""
    newest_first = sa.select(signing_keys).order_by(signing_keys.c.signs_from.desc(), signing_keys.c.kid.desc())
    rows = connection.execute(newest_first)
    return [(SigningKey.from_pem(row.kid, row.private_pem.encode()), row.signs_from) for row in rows]


def _signing(
    keys: list[tuple[SigningKey, datetime.datetime]], now: datetime.datetime
) -> tuple[SigningKey, datetime.datetime]:
    """Return the newest key that signs by `now`; the oldest one if all are in the future (clock skew)."""
    return next((found for found in keys if found[1] <= now), keys[-1])


def _add(connection: sa.Connection, now: datetime.datetime, signs_from: datetime.datetime) -> datetime.datetime:
    key = SigningKey.generate()
    pem = key.to_pem().decode()
    row = signing_keys.insert().values(kid=key.kid, private_pem=pem, created_at=now, signs_from=signs_from)
    connection.execute(row)
    return signs_from
