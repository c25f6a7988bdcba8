"""Lists: pages by keyset in any order, of everything, of one maker, or of what a search finds.

Every query reads a range of an index. A search looks its terms up in `emoji_terms`. Where it finds little, that is
gathered and sorted; where it finds much, the order's own index is walked and every template in turn is asked whether it
has the terms: the more there are, the sooner the page is full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from igemoji_emoji_catalog.domain import PRIVATE, After, Viewer
from igemoji_emoji_catalog.search import Wanted
from igemoji_emoji_catalog.tables import emoji_terms, emojis, favorites

COUNTED = 10_000
"""Totals are exact up to here."""
GATHERED = 5_000
"""Up to so many finds are gathered: about where walking through a million templates becomes as fast."""

Condition = sa.ColumnElement[bool]

_VALUES: dict[str, sa.Column[Any]] = {
    "new": emojis.c.created_at,
    "popular": emojis.c.uses,
    "favorites": emojis.c.favorites,
}


@dataclass(frozen=True)
class Order:
    """What a list is sorted by: a value, and the id among equal ones, both descending."""

    value: sa.Column[Any]
    emoji_id: sa.Column[Any]
    table: sa.FromClause
    """Where both are."""


def _order(wanted: Wanted) -> Order:
    return Order(_VALUES[wanted.sort], emojis.c.id, emojis)


def find(connection: sa.Connection, wanted: Wanted) -> tuple[list[After], int]:
    """The places of a page and one more, if there is one more; and how many there are in all, up to COUNTED + 1."""
    if wanted.favorites_of is not None:
        return _favorites(connection, wanted, wanted.favorites_of)
    if wanted.owner_id is not None:
        conditions = [emojis.c.owner_id == wanted.owner_id, *_in_text(wanted)]
        conditions += [] if wanted.unlisted_too else [_listed()]
        total = _count(connection, sa.select(emojis.c.id).where(*conditions))
        return _walk(connection, wanted, _order(wanted), conditions), total
    return _found(connection, wanted)


def _favorites(connection: sa.Connection, wanted: Wanted, viewer: Viewer) -> tuple[list[After], int]:
    """A user's own, by the index of when they became that."""
    conditions = [favorites.c.user_id == viewer.user_id, _visible_to(viewer), *_in_text(wanted)]
    conditions += [emojis.c.owner_id == wanted.owner_id] if wanted.owner_id is not None else []
    value = favorites.c.marked_at if wanted.sort == "new" else _VALUES[wanted.sort]
    order = Order(value, favorites.c.emoji_id, sa.join(favorites, emojis, favorites.c.emoji_id == emojis.c.id))
    total = _count(connection, sa.select(favorites.c.emoji_id).select_from(order.table).where(*conditions))
    return _walk(connection, wanted, order, conditions), total


def _found(connection: sa.Connection, wanted: Wanted) -> tuple[list[After], int]:
    order = _order(wanted)
    terms = _rarest_first(connection, wanted.search.terms)
    if not terms:
        total = _count(connection, sa.select(emojis.c.id).where(_listed()))
        return _walk(connection, wanted, order, [_listed()]), total
    if terms[0][1] == 0:
        return [], 0
    others = [_has(term) for term, _ in terms[1:]] + _in_text(wanted)
    driver = sa.select(emoji_terms.c.emoji_id).where(emoji_terms.c.term == terms[0][0])
    total = terms[0][1]
    if others:
        total = _count(connection, _joined(driver).where(*others))
    if total <= GATHERED:
        return _gather(connection, wanted, _joined(driver).where(*others)), total
    return _walk(connection, wanted, order, [_listed(), _has(terms[0][0]), *others]), total


def _visible_to(viewer: Viewer) -> Condition:
    """Emoji.is_visible_to, for one who is logged in."""
    others = emojis.c.visibility != PRIVATE
    if not viewer.operator:
        others = sa.and_(others, emojis.c.hidden.is_(sa.false()))
    return sa.or_(emojis.c.owner_id == viewer.user_id, others)


def _listed() -> Condition:
    return emojis.c.listed.is_(sa.true())


def _in_text(wanted: Wanted) -> list[Condition]:
    conditions: list[Condition] = [
        emojis.c.search_text.contains(text, autoescape=True) for text in wanted.search.in_text
    ]
    if wanted.search.tag and (wanted.owner_id or wanted.favorites_of):  # else it is a term
        lines = sa.literal("\n") + emojis.c.tags + "\n"
        conditions.append(lines.contains(f"\n{wanted.search.tag}\n", autoescape=True))
    return conditions


def _has(term: int) -> Condition:
    return sa.exists().where(emoji_terms.c.term == term, emoji_terms.c.emoji_id == emojis.c.id).correlate(emojis)


def _joined(driver: sa.Select[Any]) -> sa.Select[Any]:
    return driver.join(emojis, emojis.c.id == emoji_terms.c.emoji_id)


def _rarest_first(connection: sa.Connection, terms: Sequence[int]) -> list[tuple[int, int]]:
    """Terms with how many templates have them."""
    counted = [
        (term, _count(connection, sa.select(emoji_terms.c.emoji_id).where(emoji_terms.c.term == term)))
        for term in terms
    ]
    return sorted(counted, key=lambda pair: pair[1])


def _count(connection: sa.Connection, rows: sa.Select[Any]) -> int:
    some = rows.limit(COUNTED + 1).subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()


def _walk(connection: sa.Connection, wanted: Wanted, order: Order, conditions: Sequence[Condition]) -> list[After]:
    """Along the index of the order."""
    rows = sa.select(order.value, order.emoji_id).select_from(order.table).where(*conditions)
    rows = rows.order_by(order.value.desc(), order.emoji_id.desc())
    if wanted.after is None:
        return _places(connection, rows.offset(wanted.skip), wanted.size + 1)
    # Two ranges of the index. As one condition, with an OR, some databases would read everything before it, too.
    same, last = order.value == wanted.after.value, order.emoji_id < wanted.after.emoji_id
    found = _places(connection, rows.where(same, last), wanted.size + 1)
    if len(found) <= wanted.size:
        found += _places(connection, rows.where(order.value < wanted.after.value), wanted.size + 1 - len(found))
    return found


def _gather(connection: sa.Connection, wanted: Wanted, matches: sa.Select[Any]) -> list[After]:
    """What was found, sorted. The function keeps the database from walking the index of the order."""
    column = _VALUES[wanted.sort]
    order = sa.func.coalesce(column, column, type_=column.type)
    rows = matches.with_only_columns(order, emojis.c.id).order_by(order.desc(), emojis.c.id.desc())
    if wanted.after is not None:
        value, emoji_id = wanted.after.value, wanted.after.emoji_id
        rows = rows.where(sa.or_(order < value, sa.and_(order == value, emojis.c.id < emoji_id)))
        return _places(connection, rows, wanted.size + 1)
    return _places(connection, rows.offset(wanted.skip), wanted.size + 1)


def _places(connection: sa.Connection, rows: sa.Select[Any], limit: int) -> list[After]:
    return [After(value, emoji_id) for value, emoji_id in connection.execute(rows.limit(limit))]
