"""Lists: pages by keyset in any order, of everything, of one maker, or of what a search finds.

Every query reads a range of an index. A search looks its terms up in `emoji_terms`. Where it finds little, that is
gathered and sorted; where it finds much, the order's own index is walked and every template in turn is asked whether it
has the terms: the more there are, the sooner the page is full.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from igemoji_emoji_catalog.domain import After, Emoji
from igemoji_emoji_catalog.search import Wanted
from igemoji_emoji_catalog.tables import emoji_terms, emojis

COUNTED = 10_000
"""Totals are exact up to here."""
GATHERED = 5_000
"""Up to so many finds are gathered: about where walking through a million templates becomes as fast."""

Condition = sa.ColumnElement[bool]

_ORDERS: dict[str, sa.Column[Any]] = {
    "new": emojis.c.created_at,
    "popular": emojis.c.uses,
    "favorites": emojis.c.favorites,
}


def find(connection: sa.Connection, wanted: Wanted) -> tuple[list[str], int]:
    """The ids of a page and one more, if there is one more; and how many there are in all, up to COUNTED + 1."""
    if wanted.owner_id is not None:
        conditions = [emojis.c.owner_id == wanted.owner_id, *_in_text(wanted)]
        conditions += [] if wanted.unlisted_too else [_listed()]
        total = _count(connection, sa.select(emojis.c.id).where(*conditions))
        return _walk(connection, wanted, conditions), total
    terms = _rarest_first(connection, wanted.search.terms)
    if not terms:
        return _walk(connection, wanted, [_listed()]), _count(connection, sa.select(emojis.c.id).where(_listed()))
    if terms[0][1] == 0:
        return [], 0
    others = [_has(term) for term, _ in terms[1:]] + _in_text(wanted)
    driver = sa.select(emoji_terms.c.emoji_id).where(emoji_terms.c.term == terms[0][0])
    total = terms[0][1]
    if others:
        total = _count(connection, _joined(driver).where(*others))
    if total <= GATHERED:
        return _gather(connection, wanted, _joined(driver).where(*others)), total
    return _walk(connection, wanted, [_listed(), _has(terms[0][0]), *others]), total


def _listed() -> Condition:
    return emojis.c.listed.is_(sa.true())


def _in_text(wanted: Wanted) -> list[Condition]:
    conditions: list[Condition] = [
        emojis.c.search_text.contains(text, autoescape=True) for text in wanted.search.in_text
    ]
    if wanted.search.tag and wanted.owner_id is not None:  # else it is a term
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


def _walk(connection: sa.Connection, wanted: Wanted, conditions: Sequence[Condition]) -> list[str]:
    """Along the index of the order."""
    order = _ORDERS[wanted.sort]
    rows = sa.select(emojis.c.id).where(*conditions).order_by(order.desc(), emojis.c.id.desc())
    if wanted.after is None:
        return _ids(connection, rows.offset(wanted.skip), wanted.size + 1)
    # Two ranges of the index. As one condition, with an OR, some databases would read everything before it, too.
    same, last = order == wanted.after.value, emojis.c.id < wanted.after.emoji_id
    found = _ids(connection, rows.where(same, last), wanted.size + 1)
    if len(found) <= wanted.size:
        found += _ids(connection, rows.where(order < wanted.after.value), wanted.size + 1 - len(found))
    return found


def _gather(connection: sa.Connection, wanted: Wanted, matches: sa.Select[Any]) -> list[str]:
    """What was found, sorted. The function keeps the database from walking the index of the order."""
    column = _ORDERS[wanted.sort]
    order = sa.func.coalesce(column, column, type_=column.type)
    rows = matches.order_by(order.desc(), emojis.c.id.desc())
    if wanted.after is not None:
        value, emoji_id = wanted.after.value, wanted.after.emoji_id
        rows = rows.where(sa.or_(order < value, sa.and_(order == value, emojis.c.id < emoji_id)))
        return _ids(connection, rows, wanted.size + 1)
    return _ids(connection, rows.offset(wanted.skip), wanted.size + 1)


def _ids(connection: sa.Connection, rows: sa.Select[Any], limit: int) -> list[str]:
    return list(connection.execute(rows.limit(limit)).scalars())


def place_of(emoji: Emoji, sort: str) -> After:
    """Where a list goes on after a template."""
    return After(getattr(emoji, _ORDERS[sort].name), emoji.id)
