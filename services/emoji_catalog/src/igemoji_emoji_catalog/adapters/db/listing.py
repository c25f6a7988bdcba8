"""Lists with keyset pagination: all templates, those of a maker, favorites, or search results, in any order.

Every query reads a range of an index. A search looks up its terms in `emoji_terms`. Few matches are gathered and
sorted; for many, the index of the sort order is scanned and each template is checked for the terms: the more match,
the sooner the page is full.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from igemoji_emoji_catalog.adapters.db.tables import emoji_terms, emojis, favorites
from igemoji_emoji_catalog.domain.model import PRIVATE, Position, Viewer
from igemoji_emoji_catalog.domain.search import PageRequest

MAX_COUNTED = 10_000
"""Totals are exact up to this number."""
MAX_GATHERED = 2_000
"""Up to this many matches are gathered: about where scanning a million templates becomes as fast."""

TOTAL_CACHE_SECONDS = 30.0
MAX_CACHED_TOTALS = 10_000

Condition = sa.ColumnElement[bool]

_VALUES: dict[str, sa.Column[Any]] = {
    "new": emojis.c.created_at,
    "popular": emojis.c.uses,
    "favorites": emojis.c.favorites,
}


class TotalCache:
    """Cache of large totals: counting takes longer than reading a page."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._totals: dict[str, tuple[float, int]] = {}

    def get(self, list_key: str) -> int | None:
        """Return a cached total, or None."""
        until, total = self._totals.get(list_key, (0.0, 0))
        return total if self._now() < until else None

    def put(self, list_key: str, total: int) -> None:
        """Cache a total, unless it is small: then counting is fast and changes show at once."""
        if total <= MAX_GATHERED:
            return
        if len(self._totals) >= MAX_CACHED_TOTALS:
            self._totals.clear()
        self._totals[list_key] = (self._now() + TOTAL_CACHE_SECONDS, total)


@dataclass(frozen=True)
class Order:
    """Sort order of a list: by a value, then by id, both descending."""

    value: sa.Column[Any]
    emoji_id: sa.Column[Any]
    table: sa.FromClause
    """The table, or join, that has both."""


def _order(request: PageRequest) -> Order:
    return Order(_VALUES[request.sort], emojis.c.id, emojis)


def find(connection: sa.Connection, request: PageRequest, totals: TotalCache) -> tuple[list[Position], int]:
    """Return the positions of a page and one more, and the total, counted up to MAX_COUNTED + 1."""
    if request.favorites_of is not None:
        return _favorites(connection, request, request.favorites_of, totals)
    if request.owner_id is not None:
        conditions = [emojis.c.owner_id == request.owner_id, *_in_text(request)]
        conditions += [] if request.include_unlisted else [_listed()]
        total = _count(connection, sa.select(emojis.c.id).where(*conditions))
        return _walk(connection, request, _order(request), conditions), total
    return _found(connection, request, totals)


def _favorites(
    connection: sa.Connection, request: PageRequest, viewer: Viewer, totals: TotalCache
) -> tuple[list[Position], int]:
    """Find favorites of a user, by the index of when they were added."""
    conditions = [favorites.c.user_id == viewer.user_id, _visible_to(viewer), *_in_text(request)]
    conditions += [emojis.c.owner_id == request.owner_id] if request.owner_id is not None else []
    value = favorites.c.marked_at if request.sort == "new" else _VALUES[request.sort]
    order = Order(value, favorites.c.emoji_id, sa.join(favorites, emojis, favorites.c.emoji_id == emojis.c.id))
    total = totals.get(request.list_key)
    if total is None:
        total = _count(connection, sa.select(favorites.c.emoji_id).select_from(order.table).where(*conditions))
        totals.put(request.list_key, total)
    return _walk(connection, request, order, conditions), total


def _found(connection: sa.Connection, request: PageRequest, totals: TotalCache) -> tuple[list[Position], int]:
    order = _order(request)
    if not request.search.terms:
        total = _count(connection, sa.select(emojis.c.id).where(_listed()))
        return _walk(connection, request, order, [_listed()]), total
    terms = request.search.terms
    in_text = [_contains(text) for text in request.search.unproven_text]
    list_key = repr(request.search)
    known = totals.get(list_key)
    if known is None:
        ids = _matches(connection, _rarest_first(connection, terms), in_text)
        if len(ids) <= MAX_GATHERED:
            return _gather(connection, request, order, ids), len(ids)
        known = len(ids)
        totals.put(list_key, known)
    conditions = [_listed(), *(_has(term, emojis.c.id) for term in terms), *in_text]
    return _walk(connection, request, order, conditions), known


def _visible_to(viewer: Viewer) -> Condition:
    """Return Emoji.is_visible_to as a condition, for a viewer who is logged in."""
    others = emojis.c.visibility != PRIVATE
    if not viewer.operator:
        others = sa.and_(others, emojis.c.hidden.is_(sa.false()))
    return sa.or_(emojis.c.owner_id == viewer.user_id, others)


def _listed() -> Condition:
    return emojis.c.listed.is_(sa.true())


def _in_text(request: PageRequest) -> list[Condition]:
    """Return the conditions of a search without the term index."""
    conditions = [_contains(text) for text in request.search.in_text]
    if request.search.tag:
        lines = sa.literal("\n") + emojis.c.tags + "\n"
        conditions.append(lines.contains(f"\n{request.search.tag}\n", autoescape=True))
    return conditions


def _contains(text: str) -> Condition:
    return emojis.c.search_text.contains(text, autoescape=True)


def _has(term: int, emoji_id: sa.ColumnElement[str]) -> Condition:
    other = emoji_terms.alias()
    return sa.exists().where(other.c.term == term, other.c.emoji_id == emoji_id)


def _rarest_first(connection: sa.Connection, terms: Sequence[int]) -> list[int]:
    """Return terms sorted by how many templates have them; very frequent ones keep their order."""
    counts = {}
    for term in terms:
        counts[term] = _count(connection, sa.select(emoji_terms.c.emoji_id).where(emoji_terms.c.term == term))
        if not counts[term]:
            return [term]
    return sorted(terms, key=counts.__getitem__)


def _matches(connection: sa.Connection, terms: Sequence[int], in_text: Sequence[Condition]) -> list[str]:
    """Return the ids of templates with all terms and texts, up to MAX_COUNTED + 1.

    Terms are looked up in their index alone, whose rows are sorted by id: a frequent term is scanned once, from its
    beginning. Only templates with all terms are read themselves.
    """
    emoji_id = emoji_terms.c.emoji_id
    rows = sa.select(emoji_id).where(emoji_terms.c.term == terms[0], *(_has(term, emoji_id) for term in terms[1:]))
    if in_text:
        rows = rows.where(sa.exists().where(emojis.c.id == emoji_id, *in_text))
    return list(connection.execute(rows.limit(MAX_COUNTED + 1)).scalars())


def _count(connection: sa.Connection, rows: sa.Select[Any]) -> int:
    some = rows.limit(MAX_COUNTED + 1).subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()


def _walk(
    connection: sa.Connection, request: PageRequest, order: Order, conditions: Sequence[Condition]
) -> list[Position]:
    """Scan the index of the sort order."""
    rows = sa.select(order.value, order.emoji_id).select_from(order.table).where(*conditions)
    rows = rows.order_by(order.value.desc(), order.emoji_id.desc())
    if request.after is None:
        return _positions(connection, rows.offset(request.skip), request.size + 1)
    # Two ranges of the index: for one condition with OR, some databases would read everything before it, too.
    same, last = order.value == request.after.value, order.emoji_id < request.after.emoji_id
    found = _positions(connection, rows.where(same, last), request.size + 1)
    if len(found) <= request.size:
        found += _positions(connection, rows.where(order.value < request.after.value), request.size + 1 - len(found))
    return found


def _gather(connection: sa.Connection, request: PageRequest, order: Order, ids: Sequence[str]) -> list[Position]:
    """Sort the matches. `coalesce` keeps the database from scanning the index of the sort order."""
    value = sa.func.coalesce(order.value, order.value, type_=order.value.type)
    rows = sa.select(value, order.emoji_id).where(order.emoji_id.in_(ids))
    rows = rows.order_by(value.desc(), order.emoji_id.desc())
    if request.after is None:
        return _positions(connection, rows.offset(request.skip), request.size + 1)
    last, last_id = request.after.value, request.after.emoji_id
    rows = rows.where(sa.or_(value < last, sa.and_(value == last, order.emoji_id < last_id)))
    return _positions(connection, rows, request.size + 1)


def _positions(connection: sa.Connection, rows: sa.Select[Any], limit: int) -> list[Position]:
    return [Position(value, emoji_id) for value, emoji_id in connection.execute(rows.limit(limit))]
