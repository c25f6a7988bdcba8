"""How long a page of a list takes with a million templates: the first, the 1,000th by token, my own, and searches.

    python bench/lists/bench.py [--templates N] [--results FILE]

The templates are written into a SQLite file in bulk; the pages are read by the catalogue's own store, eight a page,
with their pictures' digests and totals, as ListEmojis does.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from array import array
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from igemoji_emoji_catalog.domain import EXPRESSIONS, After, Emoji, Maker
from igemoji_emoji_catalog.search import Search, Wanted, search_for, terms_of, text_of
from igemoji_emoji_catalog.service import PAGE_SIZE
from igemoji_emoji_catalog.store import EmojiStore
from igemoji_emoji_catalog.tables import outbox
from igemoji_mesh.database import Database
from igemoji_mesh.migrations import migrate
from igemoji_mesh.outbox import Outbox

RESULTS = Path(__file__).parents[1] / "results" / "lists.md"
REPEATS = 30
WARMING = 3
CHUNK = 20_000
DEEP_PAGE = 1000
ALLOWED = 2.0
"""How much longer than the first page others may take."""

BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
FIRST = ("happy", "sad", "고양이", "강아지", "space", "tiny", "blue", "웃는", "rainy", "wild")
SECOND = ("cats", "dogs", "얼굴", "친구", "fox", "moon", "토끼", "frog", "robots", "ghost")
TAGS = ("cute", "pet", "동물", "pixel", "meme")
MAKERS = 10_000


def id_of(number: int) -> str:
    return f"{number:08x}-0000-7000-8000-000000000000"


def maker_of(number: int) -> Maker:
    number %= MAKERS
    return Maker(f"00000000-0000-7000-8000-{number:012x}", f"m{number}")


@cache
def found_by(name: str, tag: str, alias: str) -> tuple[str, frozenset[int]]:
    """The text and the terms of a template."""
    emoji = Emoji("", name, Maker("", alias), {}, BEGIN, tags=(tag,) if tag else ())
    return text_of(emoji), frozenset(terms_of(emoji))


def fill(cursor: sqlite3.Cursor, count: int) -> None:
    """Writes the templates in order and what they are found by term by term: a million in a minute or two."""
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
    """A template for INSERT_EMOJI; its terms are noted. One in 200 has a rare word, and a maker has one in 10,000."""
    maker, tag = maker_of(number), chance.choice(TAGS)
    name = f"{chance.choice(FIRST)} {chance.choice(SECOND)}" + (" quokka" if number % 200 == 0 else "")
    of_name, of_maker = found_by(name, tag, ""), found_by("", "", maker.alias)
    for term in of_name[1] | of_maker[1]:
        numbers_by_term[term].append(number)
    at = (BEGIN + datetime.timedelta(seconds=number)).strftime("%Y-%m-%d %H:%M:%S.%f")
    uses, favorites = min(int(chance.paretovariate(1)) - 1, 10**6), min(int(chance.paretovariate(1.5)) - 1, 10**6)
    return (id_of(number), name, maker.id, maker.alias, at, tag, uses, favorites, of_name[0] + of_maker[0])


def prepare(path: Path, count: int) -> None:
    """A migrated database with templates. Indices are made when all is there."""
    migrate(f"sqlite:///{path}", "igemoji_emoji_catalog")
    connection = sqlite3.connect(path, isolation_level=None)
    cursor = connection.cursor()
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-200000", "foreign_keys=OFF"):
        cursor.execute(f"PRAGMA {pragma}")
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    indices = cursor.execute(query).fetchall()
    for name, _ in indices:
        cursor.execute(f"DROP INDEX {name}")
    cursor.execute("BEGIN")
    fill(cursor, count)
    for _, sql in indices:
        cursor.execute(sql)
    cursor.execute("COMMIT")
    connection.close()


async def medians_ms(cases: dict[str, Callable[[], Awaitable[object]]]) -> list[tuple[str, float]]:
    """Of REPEATS readings of each, taken in turns, so that what else the machine does slows all of them alike."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(WARMING + REPEATS):
        for name, read in cases.items():
            began = time.perf_counter()
            await read()
            taken[name].append((time.perf_counter() - began) * 1000)
    return [(name, statistics.median(times[WARMING:])) for name, times in taken.items()]


async def place(store: EmojiStore, wanted: Wanted, page: int) -> After | None:
    """Where a page begins; None: there are not so many."""
    return (await store.page(replace(wanted, size=PAGE_SIZE * (page - 1)))).after


async def measure(path: Path, count: int) -> list[tuple[str, float]]:
    """What was read, and how long that took in milliseconds, at the median."""
    database = Database(f"sqlite:///{path}")
    store = EmojiStore(database, Outbox(database, outbox, {}), lambda: None)
    first = Wanted(Search(), "new", None, False, PAGE_SIZE)
    deep = min(DEEP_PAGE, count // PAGE_SIZE - 1)
    cases: dict[str, Wanted] = {"page 1, new": first}
    for sort in ("new", "popular", "favorites"):
        wanted = replace(first, sort=sort)
        cases[f"page 1, {sort}"] = wanted
        cases[f"page {deep:,} by token, {sort}"] = replace(wanted, after=await place(store, wanted, deep))
        cases[f"page {deep:,} by number, {sort}"] = replace(wanted, skip=(deep - 1) * PAGE_SIZE)
    mine = replace(first, owner_id=maker_of(1).id, unlisted_too=True)
    cases["my page"] = mine
    cases["my page 5 by token"] = replace(mine, after=await place(store, mine, 5))
    for text, tag in (
        ("quokka", ""),
        ("고양이", ""),
        ("고양이 친구", ""),
        ("c", ""),
        ("m77", ""),
        ("nothing", ""),
        ("", "pet"),
    ):
        for sort in ("new", "popular"):
            name = f'search "{text}", {sort}' if text else f'tag "{tag}", {sort}'
            cases[name] = replace(first, search=search_for(text, tag), sort=sort)
    results = await medians_ms({name: partial(store.page, wanted) for name, wanted in cases.items()})
    await database.close()
    return results


def table(results: list[tuple[str, float]], count: int) -> str:
    base = results[0][1]
    lines = [
        "# Lists",
        "",
        f"{count:,} templates in SQLite, eight a page with pictures and totals, read by the catalogue's store: the",
        f"median of {REPEATS} readings. Made by `python bench/lists/bench.py`.",
        "",
        "| what | ms | of page 1 |",
        "|---|---|---|",
        *(f"| {name} | {ms:.1f} | {ms / base:.2f} |" for name, ms in results),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--templates", type=int, default=1_000_000, help="how many there are (default: a million)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the table is written")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="igemoji-lists-") as folder:
        path = Path(folder) / "lists.db"
        began = time.monotonic()
        prepare(path, arguments.templates)
        print(f"{arguments.templates:,} templates, {path.stat().st_size >> 20} MiB, {time.monotonic() - began:.0f} s")
        results = asyncio.run(measure(path, arguments.templates))
    text = table(results, arguments.templates)
    print(text)
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    arguments.results.write_text(text)
    base = results[0][1]
    late = [name for name, ms in results if ("token" in name or "my page" in name) and ms > ALLOWED * base]
    if late:
        print(f"More than {ALLOWED} times page 1: {', '.join(late)}.")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
