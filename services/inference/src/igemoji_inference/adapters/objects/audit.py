"""`igemoji-inference check-objects`: whether photos, results and pictures lie there as they were put."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import sqlalchemy as sa

from igemoji_inference.adapters.db import tasks as store
from igemoji_inference.domain.model import picture_checksum
from igemoji_inference.entrypoints.factories import inference_objects
from igemoji_inference.entrypoints.settings import SERVICE
from igemoji_inference.usecases.orphans import YOUNG, Orphans
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.errors import StartError
from igemoji_mesh.objects.audit import Named, take_stock
from igemoji_mesh.settings import StorageSettings, load_settings

AT_ONCE = 500


class TaskLedger:
    """What tasks say of their objects. Pictures that no task needs any more are copies that may be needed again."""

    swept: tuple[str, ...] = ("photos/", "results/")

    def __init__(self, database: Database, orphans: Orphans) -> None:
        self._database = database
        self._orphans = orphans
        self._pictures: set[str] = set()

    async def named(self) -> AsyncIterator[Named]:
        last = ""
        while rows := await self._database.read(lambda connection, after=last: _rows(connection, after)):  # type: ignore[misc]
            for row in rows:
                for named in self._of(row):
                    yield named
            last = rows[-1].id

    async def is_named(self, key: str) -> bool:
        return key.startswith("pictures/") or await self._orphans.is_needed(key, YOUNG)

    def _of(self, row: Any) -> Iterator[Named]:
        by = f"task {row.id}"
        if row.result_key:
            yield Named(row.result_key, row.result_checksum, by)
        if row.state in store.ENDED and row.original_until is None:
            return
        yield Named(row.photo_key, row.photo_checksum, by)
        for key in json.loads(row.pictures).values():
            if key not in self._pictures:
                self._pictures.add(key)
                yield Named(key, picture_checksum(key), by)


def check_objects(*, remove_orphans: bool) -> None:
    """Prints what it finds; exits with 1 where something is lost."""
    try:
        whole = asyncio.run(_check(load_settings(StorageSettings), remove_orphans))
    except StartError as error:
        sys.exit(str(error))
    sys.exit(0 if whole else 1)


async def _check(settings: StorageSettings, remove_orphans: bool) -> bool:
    migrate(settings.database(SERVICE), "igemoji_inference")
    database = Database(settings.database(SERVICE))
    objects = inference_objects(settings)
    try:
        orphans = Orphans(database, objects)
        stock = await take_stock(objects, TaskLedger(database, orphans))
        sys.stdout.write(stock.report(SERVICE))
        if remove_orphans:
            await orphans.sweep(YOUNG)
        return stock.is_whole
    finally:
        objects.close()
        await database.close()


def _rows(connection: sa.Connection, after: str) -> list[Any]:
    tasks = store.tasks.c
    columns = (tasks.id, tasks.state, tasks.original_until, tasks.photo_key, tasks.photo_checksum, tasks.pictures)
    rows = sa.select(*columns, tasks.result_key, tasks.result_checksum).where(tasks.id > after)
    return list(connection.execute(rows.order_by(tasks.id).limit(AT_ONCE)))
