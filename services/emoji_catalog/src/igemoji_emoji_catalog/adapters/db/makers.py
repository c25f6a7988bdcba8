"""Makers' aliases, deleted accounts and favorites, within a transaction."""

import datetime
from typing import Any

import sqlalchemy as sa

from igemoji_emoji_catalog.adapters.db.tables import emojis, favorites, makers
from igemoji_emoji_catalog.domain.model import AccountGone, Maker


def locked_maker(user_id: str) -> sa.Select[Any]:
    """Return a query that locks a maker's row, so that renames and deletions wait for what is being added."""
    return sa.select(makers).where(makers.c.id == user_id).with_for_update()


def existing_maker(connection: sa.Connection, maker: Maker) -> Maker:
    """Return the maker with the newest alias. Raises AccountGone."""
    known = connection.execute(locked_maker(maker.id)).one_or_none()
    if known is None:
        return maker
    if known.gone:
        raise AccountGone("This account was deleted.")
    return Maker(maker.id, known.alias)


def rename(connection: sa.Connection, maker: Maker, at: datetime.datetime) -> bool:
    """Store a maker's alias; return False if a newer one is known or the account is deleted."""
    known = connection.execute(locked_maker(maker.id)).one_or_none()
    if known is None:
        connection.execute(makers.insert().values(id=maker.id, alias=maker.alias, renamed_at=at, gone=False))
    elif known.gone or known.renamed_at > at:
        return False
    else:
        renamed = makers.update().where(makers.c.id == maker.id)
        connection.execute(renamed.values(alias=maker.alias, renamed_at=at))
    return True


def mark_deleted(connection: sa.Connection, user_id: str, at: datetime.datetime) -> None:
    """Mark an account as deleted: `existing_maker` refuses it from now on."""
    if connection.execute(locked_maker(user_id)).one_or_none() is None:
        connection.execute(makers.insert().values(id=user_id, alias="", renamed_at=at, gone=True))
    else:
        connection.execute(makers.update().where(makers.c.id == user_id).values(alias="", gone=True))


def add_favorite(connection: sa.Connection, emoji_id: str, user_id: str, at: datetime.datetime) -> None:
    """Add a favorite. Idempotent."""
    same = (favorites.c.user_id == user_id, favorites.c.emoji_id == emoji_id)
    if connection.execute(sa.select(favorites.c.emoji_id).where(*same).with_for_update()).first() is None:
        connection.execute(favorites.insert().values(emoji_id=emoji_id, user_id=user_id, marked_at=at))
        _count(connection, emoji_id, 1)


def remove_favorite(connection: sa.Connection, emoji_id: str, user_id: str) -> None:
    """Remove a favorite. Idempotent."""
    same = (favorites.c.user_id == user_id, favorites.c.emoji_id == emoji_id)
    if connection.execute(favorites.delete().where(*same)).rowcount:
        _count(connection, emoji_id, -1)


def remove_some_favorites(connection: sa.Connection, user_id: str, limit: int) -> int:
    """Remove a batch of a deleted account's favorites; return its size."""
    theirs = sa.select(favorites.c.emoji_id).where(favorites.c.user_id == user_id).limit(limit).with_for_update()
    found = connection.execute(theirs).scalars().all()
    for emoji_id in found:
        remove_favorite(connection, emoji_id, user_id)
    return len(found)


def _count(connection: sa.Connection, emoji_id: str, change: int) -> None:
    counted = emojis.update().where(emojis.c.id == emoji_id)
    connection.execute(counted.values(favorites=emojis.c.favorites + change))
