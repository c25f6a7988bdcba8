"""Rows and objects of templates, and the indexes of queries."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from igemoji_emoji_catalog.adapters.db import listing
from igemoji_emoji_catalog.adapters.db.emojis import FORGET_EMOJI, SET_EMOJI_SHOWN, EmojiStore
from igemoji_emoji_catalog.adapters.db.tables import metadata, outbox
from igemoji_emoji_catalog.adapters.objects.pictures import PictureStore, PictureSweep
from igemoji_emoji_catalog.adapters.thumbnails import ThumbnailCache
from igemoji_emoji_catalog.domain.model import EXPRESSIONS, Emoji, Maker, Picture, Viewer
from igemoji_emoji_catalog.domain.search import PageRequest, Search, parse_search
from igemoji_emoji_catalog.usecases.catalog import Catalog
from igemoji_emoji_catalog.usecases.drafts import Draft
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.db.migrations import differences, migrate
from igemoji_mesh.db.outbox import Delivery, Outbox
from igemoji_mesh.ids import new_id
from igemoji_mesh.objects.folder import FolderObjectStore

from .conftest import face, faces, until


def test_migrations_match_the_tables(tmp_path):
    assert differences(f"sqlite:///{tmp_path}/x.db", "igemoji_emoji_catalog", metadata) == []


async def test_templates_survive_a_restart(start, settings, client_of, anna):
    async with start(settings) as server:
        made = await client_of(server).create(anna)
    async with start(settings) as server:
        catalog = client_of(server)
        assert await catalog.get(made.id) == made
        assert await catalog.image(made, "happy")


async def test_equal_pictures_are_stored_once(catalog, anna, ben):
    await catalog.create(anna, images=dict.fromkeys(EXPRESSIONS, face("red")))
    await catalog.create(ben, images=dict.fromkeys(EXPRESSIONS, face("red")))
    assert len(catalog.stored()) == 1


async def test_pictures_are_swept_with_their_last_template(catalog, anna, ben):
    mine = await catalog.create(anna)
    shared = await catalog.create(ben, images=faces() | {"happy": face("white")})
    await catalog.delete(mine.id, anna)
    await until(lambda: len(catalog.stored()) == 7)
    for expression in EXPRESSIONS:
        assert await catalog.image(shared, expression)
    await catalog.delete(shared.id, ben)
    await until(lambda: not catalog.stored())


async def test_concurrent_creation_and_deletion_keep_shared_pictures(catalog, anna):
    for _ in range(3):
        old = await catalog.create(anna)
        _, new = await asyncio.gather(catalog.delete(old.id, anna), catalog.create(anna))
        await asyncio.sleep(0.05)
        for expression in EXPRESSIONS:
            assert await catalog.image(new, expression)
        await catalog.delete(new.id, anna)
    await until(lambda: not catalog.stored())


class Stores:
    """The adapters without a server, so that a test can pause between two steps."""

    def __init__(self, folder) -> None:
        url = f"sqlite:///{folder}/emoji-catalog.db"
        migrate(url, "igemoji_emoji_catalog")
        self.database = Database(url)
        self.objects = FolderObjectStore(folder / "objects")
        self.sweep = PictureSweep(self.database, self.objects)
        deliveries = dict.fromkeys((FORGET_EMOJI, SET_EMOJI_SHOWN), Delivery(object, None))  # type: ignore[arg-type]
        self.emojis = EmojiStore(self.database, Outbox(self.database, outbox, deliveries), self.sweep.wake)
        self.pictures = PictureStore(self.objects)


@pytest.fixture
async def stores(tmp_path):
    made = Stores(tmp_path)
    yield made
    await made.database.close()


async def as_it_is(data: bytes, keep_background: bool) -> bytes:
    return data


async def fake_thumbnail(png: bytes, width: int) -> bytes:
    return png


async def test_picture_swept_during_creation_is_stored_again(stores, monkeypatch):
    catalog = Catalog(
        stores.emojis, stores.pictures, ThumbnailCache(stores.pictures, fake_thumbnail, 0), as_it_is, utc_now
    )
    draft = Draft("Faces", (), None, dict.fromkeys(EXPRESSIONS, b"picture"))
    anna = Maker(new_id(), "anna")
    old = await catalog.create(draft, "", anna)
    add = stores.emojis.add

    async def add_after_a_sweep(emoji: Emoji, replay: object) -> object:
        await stores.emojis.remove(old.id, anna.id)
        await stores.database.write(stores.sweep._sweep)
        assert not stores.objects.exists(f"pictures/{old.digests['happy']}.png")
        return await add(emoji)

    monkeypatch.setattr(stores.emojis, "add", add_after_a_sweep)
    new = await catalog.create(draft, "", anna)
    picture = Picture(b"picture", new.digests["happy"])
    assert await catalog.picture(new.id, "happy", picture.digest, Viewer()) == (picture, True)


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, object]]]:
    """Record the SELECTs of a block."""
    seen: list[tuple[str, object]] = []

    def remember(_connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", remember)
    yield seen
    sa.event.remove(database.engine, "before_cursor_execute", remember)


async def some_templates(stores, count: int = 30) -> Maker:
    owner = Maker(new_id(), "anna")
    for number in range(count):
        digests = {expression: f"{number}{expression}" for expression in EXPRESSIONS}
        await stores.emojis.add(Emoji(new_id(), f"cat {number}", owner, digests, utc_now(), tags=("pet",)))
    return owner


async def plans(database: Database, seen: list[tuple[str, object]]) -> list[str]:
    """Return the query plans of the statements."""

    def explain(connection: sa.Connection) -> list[str]:
        asked = [(f"EXPLAIN QUERY PLAN {statement}", given) for statement, given in seen]
        answers = [connection.exec_driver_sql(statement, given).all() for statement, given in asked]  # type: ignore[arg-type]
        return [" / ".join(row.detail for row in answer) for answer in answers]

    return await database.read(explain)


@pytest.mark.parametrize("sort", ["new", "popular", "favorites"])
async def test_page_by_token_scans_an_index_without_sorting(stores, sort):
    owner = await some_templates(stores)
    first = PageRequest(Search(), sort, None, False, 8)
    after = (await stores.emojis.page(first)).after
    with statements(stores.database) as seen:
        for wanted in (first, replace(first, after=after), replace(first, skip=8)):
            assert len((await stores.emojis.page(wanted)).emojis) == 8
    assert len(seen) <= 3 * 4 + 1  # ids (in two ranges by token), count, rows, pictures
    for plan in await plans(stores.database, seen):
        assert "INDEX" in plan, plan
        assert "TEMP B-TREE" not in plan, plan
    for emoji in (await stores.emojis.page(replace(first, size=20))).emojis:
        await stores.emojis.add_favorite(emoji.id, Viewer(owner.id), owner, utc_now())
    mine = replace(first, favorites_of=Viewer(owner.id))
    with statements(stores.database) as seen:
        after = (await stores.emojis.page(mine)).after
        assert len((await stores.emojis.page(replace(mine, after=after))).emojis) == 8
    for plan in await plans(stores.database, seen):
        assert "INDEX" in plan, plan
        assert sort != "new" or "TEMP B-TREE" not in plan, plan
    with statements(stores.database) as more:
        assert len((await stores.emojis.page(replace(first, owner_id=owner.id))).emojis) == 8
    for plan in await plans(stores.database, more):
        assert "INDEX" in plan, plan


@pytest.mark.parametrize("sort", ["new", "popular", "favorites"])
@pytest.mark.parametrize("query", [("cat", ""), ("c", "pet"), ("", "pet"), ("cat 1", "pet")])
async def test_gathering_and_scanning_find_the_same(stores, monkeypatch, sort, query):
    await some_templates(stores)
    wanted = PageRequest(parse_search(*query), sort, None, False, 8)

    async def all_pages() -> list[str]:
        page = await stores.emojis.page(wanted)
        found = list(page.emojis)
        while page.after is not None:
            page = await stores.emojis.page(replace(wanted, after=page.after))
            found += page.emojis
        assert len(found) == page.total
        return [emoji.name for emoji in found]

    with statements(stores.database) as seen:
        gathered = await all_pages()
        monkeypatch.setattr(listing, "MAX_GATHERED", 0)
        scanned = await all_pages()
    assert gathered == scanned
    assert len(set(gathered)) == len(gathered) == (11 if "1" in query[0] else 30)
    for plan in await plans(stores.database, seen):
        assert "SCAN emojis" not in plan, plan
        assert "SCAN emoji_terms" not in plan, plan


async def test_other_queries_use_an_index(stores):
    owner = await some_templates(stores, 10)
    emoji_id = (await stores.emojis.page(PageRequest(Search(), "new", None, False, 8))).emojis[0].id
    with statements(stores.database) as seen:
        await stores.emojis.batch([emoji_id])
        await stores.emojis.add_favorite(emoji_id, Viewer(owner.id), owner, utc_now())
        await stores.emojis.favorites_in([emoji_id], owner.id)
        await stores.emojis.remove_favorite(emoji_id, owner.id)
        await stores.emojis.rename_maker(replace(owner, alias="new"), utc_now())
        await stores.emojis.remove(emoji_id, owner.id)
        await stores.emojis.remove_user(owner.id, utc_now())
        await stores.database.write(stores.sweep._sweep)
    for plan in await plans(stores.database, seen):
        assert "SCAN" not in plan or "SCAN released_pictures" in plan or "CONSTANT ROW" in plan, plan
