"""Database of a catalog with many templates, and the pages to read."""

from __future__ import annotations

import datetime
import random
import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from bulk_insert import migrated

from igemoji_emoji_catalog.adapters.db.emojis import EmojiStore
from igemoji_emoji_catalog.adapters.db.tables import outbox
from igemoji_emoji_catalog.domain.model import EXPRESSIONS, Emoji, Maker, Position, Viewer
from igemoji_emoji_catalog.domain.search import PageRequest, Search, index_terms, parse_search, search_text
from igemoji_emoji_catalog.usecases.catalog import PAGE_SIZE
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.outbox import OutboxWriter

CHUNK = 20_000
DEEP_PAGE = 1000

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
FIRST_WORDS = ("happy", "sad", "고양이", "강아지", "space", "tiny", "blue", "웃는", "rainy", "wild")
SECOND_WORDS = ("cats", "dogs", "얼굴", "친구", "fox", "moon", "토끼", "frog", "robots", "ghost")
TAGS = ("cute", "pet", "동물", "pixel", "meme")
MAKERS = 10_000


def id_of(number: int) -> str:
    return f"{number:08x}-0000-7000-8000-000000000000"


def maker_of(number: int) -> Maker:
    number %= MAKERS
    return Maker(f"00000000-0000-7000-8000-{number:012x}", f"m{number}")


@cache
def search_entry(name: str, tag: str, alias: str) -> tuple[str, frozenset[int]]:
    """Return the search text and the index terms of a template."""
    emoji = Emoji("", name, Maker("", alias), {}, START, tags=(tag,) if tag else ())
    return search_text(emoji), frozenset(index_terms(emoji))


def fill(cursor: sqlite3.Cursor, count: int) -> None:
    """Insert the templates in order of their ids, and their index terms by term: a million in a minute or two."""
    chance = random.Random(5)
    numbers_by_term: defaultdict[int, array[int]] = defaultdict(lambda: array("I"))
    for first in range(0, count, CHUNK):
        numbers = range(first, min(first + CHUNK, count))
        cursor.executemany(INSERT_EMOJI, [row_of(number, chance, numbers_by_term) for number in numbers])
        cursor.executemany(
            "INSERT INTO emoji_images (emoji_id, expression, digest) VALUES (?, ?, ?)",
            [(id_of(number), expression, "0" * 64) for number in numbers for expression in sorted(EXPRESSIONS)],
        )
    for term, having in sorted(numbers_by_term.items()):
        cursor.executemany("INSERT INTO emoji_terms VALUES (?, ?)", [(term, id_of(number)) for number in having])


INSERT_EMOJI = """
    INSERT INTO emojis (id, name, owner_id, owner_alias, built_in, etag, created_at, tags, visibility, hidden, listed,
        revision, uses, favorites, search_text)
    VALUES (?, ?, ?, ?, 0, '', ?, ?, 'public', 0, 1, 1, ?, ?, ?)
"""


def row_of(number: int, chance: random.Random, numbers_by_term: defaultdict[int, array[int]]) -> tuple[object, ...]:
    """Return a row for INSERT_EMOJI and record its terms. One in 200 has a rare word; a maker has one in 10,000."""
    maker, tag = maker_of(number), chance.choice(TAGS)
    name = f"{chance.choice(FIRST_WORDS)} {chance.choice(SECOND_WORDS)}" + (" quokka" if number % 200 == 0 else "")
    of_name, of_maker = search_entry(name, tag, ""), search_entry("", "", maker.alias)
    for term in of_name[1] | of_maker[1]:
        numbers_by_term[term].append(number)
    at = (START + datetime.timedelta(seconds=number)).strftime("%Y-%m-%d %H:%M:%S.%f")
    uses, favorites = min(int(chance.paretovariate(1)) - 1, 10**6), min(int(chance.paretovariate(1.5)) - 1, 10**6)
    return (id_of(number), name, maker.id, maker.alias, at, tag, uses, favorites, of_name[0] + of_maker[0])


def prepare(path: Path, count: int) -> None:
    with migrated(path, "igemoji_emoji_catalog") as cursor:
        fill(cursor, count)
        # One user has every hundredth as a favorite.
        cursor.execute("INSERT INTO favorites SELECT ?, id, created_at FROM emojis WHERE rowid % 100 = 0", (COLLECTOR,))


COLLECTOR = "00000000-0000-7000-8000-ffffffffffff"


async def start_of(store: EmojiStore, request: PageRequest, page: int) -> Position | None:
    """Return the position at which a page starts; None if there are fewer pages."""
    return (await store.page(replace(request, size=PAGE_SIZE * (page - 1)))).after


async def pages(database: Database, count: int) -> dict[str, Callable[[], Awaitable[object]]]:
    """Return the reads of pages of templates, by name; the others are compared with the first."""
    store = EmojiStore(database, OutboxWriter(outbox, ()), lambda: None)
    first = PageRequest(Search(), "new", None, False, PAGE_SIZE)
    deep = min(DEEP_PAGE, count // PAGE_SIZE - 1)
    cases: dict[str, PageRequest] = {}
    for sort in ("new", "popular", "favorites"):
        request = replace(first, sort=sort)
        cases[f"templates: page 1, {sort}"] = request
        cases[f"templates: page {deep:,} by token, {sort}"] = replace(
            request, after=await start_of(store, request, deep)
        )
        cases[f"templates: page {deep:,} by number, {sort}"] = replace(request, skip=(deep - 1) * PAGE_SIZE)
    mine = replace(first, owner_id=maker_of(1).id, include_unlisted=True)
    cases["my page: templates, page 1"] = mine
    cases["my page: templates, page 5 by token"] = replace(mine, after=await start_of(store, mine, 5))
    favorite = replace(first, favorites_of=Viewer(COLLECTOR))
    last = min(DEEP_PAGE, count // 100 // PAGE_SIZE - 1)
    cases["my favorites, page 1"] = favorite
    cases[f"my favorites, page {last:,} by token"] = replace(favorite, after=await start_of(store, favorite, last))
    reads = {name: partial(store.page, request) for name, request in cases.items()}
    for text, tag in SEARCHES:
        request = replace(first, search=parse_search(text, tag))
        name = f'search "{text}"' if text else f'tag "{tag}"'
        reads[name] = partial(store.page, request)
        reads[f"{name}, first time"] = partial(_read_uncached, database, request)
    return reads


async def _read_uncached(database: Database, request: PageRequest) -> object:
    """Read a page through a new store, which has no total in its cache."""
    return await EmojiStore(database, OutboxWriter(outbox, ()), lambda: None).page(request)


SEARCHES = (
    ("quokka", ""),
    ("고양이", ""),
    ("고양이 친구", ""),
    ("웃는 얼굴", ""),
    ("c", ""),
    ("m77", ""),
    ("nothing", ""),
    ("", "pet"),
)
