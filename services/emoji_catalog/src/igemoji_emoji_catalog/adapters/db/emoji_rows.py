"""Rows of a template, its pictures and its search terms, within a transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from igemoji_emoji_catalog.adapters.db.tables import emoji_images, emoji_terms, emojis, released_pictures
from igemoji_emoji_catalog.domain.model import Emoji, EmojiNotFound, Maker
from igemoji_emoji_catalog.domain.search import index_terms, search_text

# Built once: building a statement takes as long as running it.
_BY_ID = sa.select(emojis).where(emojis.c.id.in_(sa.bindparam("ids", expanding=True)))
_IMAGES = sa.select(emoji_images).where(emoji_images.c.emoji_id.in_(sa.bindparam("ids", expanding=True)))


def emojis_of(
    connection: sa.Connection, query: sa.Select[tuple[object, ...]], values: Mapping[str, object] | None = None
) -> list[Emoji]:
    """Return the templates of a query on `emojis`, in its order; one more query reads all their pictures."""
    rows = connection.execute(query, values).all()
    ids = [row.id for row in rows]
    digests: dict[str, dict[str, str]] = {emoji_id: {} for emoji_id in ids}
    for image in connection.execute(_IMAGES, {"ids": ids}):
        digests[image.emoji_id][image.expression] = image.digest
    return [
        Emoji(
            row.id,
            row.name,
            Maker(row.owner_id, row.owner_alias),
            digests[row.id],
            row.created_at,
            row.built_in,
            tuple(row.tags.split("\n")) if row.tags else (),
            row.visibility,
            row.hidden,
            row.revision,
            row.uses,
            row.favorites,
        )
        for row in rows
    ]


def by_id(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Emoji]:
    """Return the existing templates, by id."""
    return {emoji.id: emoji for emoji in emojis_of(connection, _BY_ID, {"ids": ids})}


def locked(connection: sa.Connection, emoji_id: str) -> Emoji:
    """Lock and return a template. Raises EmojiNotFound."""
    found = emojis_of(connection, sa.select(emojis).where(emojis.c.id == emoji_id).with_for_update())
    if not found:
        raise EmojiNotFound("There is no such template.")
    return found[0]


def insert(connection: sa.Connection, emoji: Emoji, source: str | None) -> None:
    """Insert a template with its pictures and search terms."""
    connection.execute(emojis.insert().values(columns_of(emoji) | {"source": source, "uses": 0, "favorites": 0}))
    insert_images(connection, emoji)
    index(connection, None, emoji)


def overwrite(connection: sa.Connection, emoji: Emoji, source: str) -> None:
    """Replace a built-in template; an operator's decision to hide it stays."""
    before = locked(connection, emoji.id)
    after = replace(emoji, hidden=before.hidden, revision=before.revision + 1)
    connection.execute(emojis.update().where(emojis.c.id == emoji.id).values(columns_of(after) | {"source": source}))
    index(connection, before, after)
    release_pictures(connection, before)
    insert_images(connection, after)


def index(connection: sa.Connection, before: Emoji | None, after: Emoji | None) -> None:
    """Update the search index; `None` removes the template."""
    old, new = (index_terms(emoji) if emoji is not None and emoji.listed else set() for emoji in (before, after))
    emoji = after or before
    if emoji is None:
        return
    gone, added = old - new, new - old
    if gone:
        terms = emoji_terms.c.term.in_(gone)
        connection.execute(emoji_terms.delete().where(emoji_terms.c.emoji_id == emoji.id, terms))
    if added:
        connection.execute(emoji_terms.insert(), [{"term": term, "emoji_id": emoji.id} for term in sorted(added)])


def insert_images(connection: sa.Connection, emoji: Emoji) -> None:
    """Insert the references to the pictures of a template."""
    images = [
        {"emoji_id": emoji.id, "expression": expression, "digest": digest}
        for expression, digest in emoji.digests.items()
    ]
    connection.execute(emoji_images.insert(), images)


def release_pictures(connection: sa.Connection, emoji: Emoji) -> None:
    """Remove the references to the pictures of a template, and have the sweep look at them."""
    connection.execute(emoji_images.delete().where(emoji_images.c.emoji_id == emoji.id))
    digests = set(emoji.digests.values())
    known = sa.select(released_pictures.c.digest).where(released_pictures.c.digest.in_(digests)).with_for_update()
    new = digests - set(connection.execute(known).scalars())
    if new:
        connection.execute(released_pictures.insert(), [{"digest": digest} for digest in sorted(new)])


def columns_of(emoji: Emoji) -> dict[str, object]:
    """Return the values of a template's row."""
    same = ("id", "name", "built_in", "etag", "created_at", "visibility", "hidden", "listed", "revision")
    return {name: getattr(emoji, name) for name in same} | {
        "owner_id": emoji.owner.id,
        "owner_alias": emoji.owner.alias,
        "tags": "\n".join(emoji.tags),
        "search_text": search_text(emoji),
    }
