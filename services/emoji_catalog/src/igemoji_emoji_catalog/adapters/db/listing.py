"""Lists: pages by keyset in any order, of everything, of one maker, or of what a search finds.

Every query reads a range of an index. A search looks its terms up in `emoji_terms`. Where it finds little, that is
gathered and sorted; where it finds much, the order's own index is walked and every template in turn is asked whether it
has the terms: the more there are, the sooner the page is full.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from igemoji_emoji_catalog.adapters.db.tables import emoji_terms, emojis, favorites
from igemoji_emoji_catalog.domain.model import PRIVATE, After, Viewer
from igemoji_emoji_catalog.domain.search import Wanted

COUNTED = 10_000
"""Totals are exact up to here."""
GATHERED = 2_000
"""Up to so many finds are gathered: about where walking through a million templates becomes as fast."""

TOTALS_SECONDS = 30.0
TOTALS_KEPT = 10_000

Condition = sa.ColumnElement[bool]

_VALUES: dict[str, sa.Column[Any]] = {
    "new": emojis.c.created_at,
    "popular": emojis.c.uses,
    "favorites": emojis.c.favorites,
}


class Totals:
    """Remembers for a while how much was found where much was: to count it takes longer than to read a page of it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: dict[str, tuple[float, int]] = {}

    def known(self, question: str) -> int | None:
        until, total = self._kept.get(question, (0.0, 0))
        return total if self._now() < until else None

    def keep(self, question: str, total: int) -> None:
        """A small one is not kept: it is counted at once, and one sees it change."""
        if total <= GATHERED:
            return
        if len(self._kept) >= TOTALS_KEPT:
            self._kept.clear()
        self._kept[question] = (self._now() + TOTALS_SECONDS, total)


@dataclass(frozen=True)
class Order:
    """What a list is sorted by: a value, and the id among equal ones, both descending."""

    value: sa.Column[Any]
    emoji_id: sa.Column[Any]
    table: sa.FromClause
    """Where both are."""


def _order(wanted: Wanted) -> Order:
    return Order(_VALUES[wanted.sort], emojis.c.id, emojis)


def find(connection: sa.Connection, wanted: Wanted, totals: Totals) -> tuple[list[After], int]:
    """The places of a page and one more, if there is one more; and how many there are in all, up to COUNTED + 1."""
    if wanted.favorites_of is not None:
        return _favorites(connection, wanted, wanted.favorites_of, totals)
    if wanted.owner_id is not None:
        conditions = [emojis.c.owner_id == wanted.owner_id, *_in_text(wanted)]
        conditions += [] if wanted.unlisted_too else [_listed()]
        total = _count(connection, sa.select(emojis.c.id).where(*conditions))
        return _walk(connection, wanted, _order(wanted), conditions), total
    return _found(connection, wanted, totals)


def _favorites(connection: sa.Connection, wanted: Wanted, viewer: Viewer, totals: Totals) -> tuple[list[After], int]:
    """A user's own, by the index of when they became that."""
    conditions = [favorites.c.user_id == viewer.user_id, _visible_to(viewer), *_in_text(wanted)]
    conditions += [emojis.c.owner_id == wanted.owner_id] if wanted.owner_id is not None else []
    value = favorites.c.marked_at if wanted.sort == "new" else _VALUES[wanted.sort]
    order = Order(value, favorites.c.emoji_id, sa.join(favorites, emojis, favorites.c.emoji_id == emojis.c.id))
    total = totals.known(wanted.question)
    if total is None:
        total = _count(connection, sa.select(favorites.c.emoji_id).select_from(order.table).where(*conditions))
        totals.keep(wanted.question, total)
    return _walk(connection, wanted, order, conditions), total


def _found(connection: sa.Connection, wanted: Wanted, totals: Totals) -> tuple[list[After], int]:
    order = _order(wanted)
    if not wanted.search.terms:
        total = _count(connection, sa.select(emojis.c.id).where(_listed()))
        return _walk(connection, wanted, order, [_listed()]), total
    terms = wanted.search.terms
    in_text = [_contains(text) for text in wanted.search.in_text_alone]
    question = repr(wanted.search)
    known = totals.known(question)
    if known is None:
        ids = _matches(connection, _rarest_first(connection, terms), in_text)
        if len(ids) <= GATHERED:
            return _gather(connection, wanted, order, ids), len(ids)
        known = len(ids)
        totals.keep(question, known)
    conditions = [_listed(), *(_has(term, emojis.c.id) for term in terms), *in_text]
    return _walk(connection, wanted, order, conditions), known


def _visible_to(viewer: Viewer) -> Condition:
    """Emoji.is_visible_to, for one who is logged in."""
    others = emojis.c.visibility != PRIVATE
    if not viewer.operator:
        others = sa.and_(others, emojis.c.hidden.is_(sa.false()))
    return sa.or_(emojis.c.owner_id == viewer.user_id, others)


def _listed() -> Condition:
    return emojis.c.listed.is_(sa.true())


def _in_text(wanted: Wanted) -> list[Condition]:
    """For lists in which a search looks nothing up."""
    conditions = [_contains(text) for text in wanted.search.in_text]
    if wanted.search.tag:
        lines = sa.literal("\n") + emojis.c.tags + "\n"
        conditions.append(lines.contains(f"\n{wanted.search.tag}\n", autoescape=True))
    return conditions


def _contains(text: str) -> Condition:
    return emojis.c.search_text.contains(text, autoescape=True)


def _has(term: int, emoji_id: sa.ColumnElement[str]) -> Condition:
    other = emoji_terms.alias()
    return sa.exists().where(other.c.term == term, other.c.emoji_id == emoji_id)


def _rarest_first(connection: sa.Connection, terms: Sequence[int]) -> list[int]:
    """By how many templates have them; those that very many have keep their order."""
    counts = {}
    for term in terms:
        counts[term] = _count(connection, sa.select(emoji_terms.c.emoji_id).where(emoji_terms.c.term == term))
        if not counts[term]:
            return [term]
    return sorted(terms, key=counts.__getitem__)


def _matches(connection: sa.Connection, terms: Sequence[int], in_text: Sequence[Condition]) -> list[str]:
    """The ids of templates that have all of it, up to COUNTED + 1.

    The terms are looked up in their index alone, whose rows lie in the order of the ids: what many templates have is
    passed through from its beginning to its end. Only what has all terms is looked at itself.
    """
    emoji_id = emoji_terms.c.emoji_id
    rows = sa.select(emoji_id).where(emoji_terms.c.term == terms[0], *(_has(term, emoji_id) for term in terms[1:]))
    if in_text:
        rows = rows.where(sa.exists().where(emojis.c.id == emoji_id, *in_text))
    return list(connection.execute(rows.limit(COUNTED + 1)).scalars())


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


def _gather(connection: sa.Connection, wanted: Wanted, order: Order, ids: Sequence[str]) -> list[After]:
    """What was found, sorted. The function keeps the database from walking the index of the order."""
    value = sa.func.coalesce(order.value, order.value, type_=order.value.type)
    rows = sa.select(value, order.emoji_id).where(order.emoji_id.in_(ids))
    rows = rows.order_by(value.desc(), order.emoji_id.desc())
    if wanted.after is None:
        return _places(connection, rows.offset(wanted.skip), wanted.size + 1)
    last, last_id = wanted.after.value, wanted.after.emoji_id
    rows = rows.where(sa.or_(value < last, sa.and_(value == last, order.emoji_id < last_id)))
    return _places(connection, rows, wanted.size + 1)


def _places(connection: sa.Connection, rows: sa.Select[Any], limit: int) -> list[After]:
    return [After(value, emoji_id) for value, emoji_id in connection.execute(rows.limit(limit))]
