"""References of tasks to their objects, for the audit of `igemoji-inference check-objects`."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import sqlalchemy as sa

from igemoji_inference.adapters.db.tables import ENDED, tasks
from igemoji_inference.domain.model import picture_checksum
from igemoji_inference.usecases.orphans import GRACE, SWEPT_PREFIXES, Orphans
from igemoji_mesh.db.database import Database
from igemoji_mesh.objects.audit import ObjectRef

BATCH = 500


class TaskReferences:
    """References of all tasks. Pictures that no task needs are no orphans: they are copies that may be needed again."""

    swept: tuple[str, ...] = SWEPT_PREFIXES

    def __init__(self, database: Database, orphans: Orphans) -> None:
        self._database = database
        self._orphans = orphans
        self._pictures: set[str] = set()

    async def references(self) -> AsyncIterator[ObjectRef]:
        """Yield all references."""
        last = ""
        while rows := await self._database.read(lambda connection, after=last: _rows(connection, after)):  # type: ignore[misc]
            for row in rows:
                for ref in self._references_of(row):
                    yield ref
            last = rows[-1].id

    async def is_referenced(self, key: str) -> bool:
        """Return whether a task refers to an object, or may do so soon."""
        return key.startswith("pictures/") or await self._orphans.is_needed(key, GRACE)

    def _references_of(self, row: Any) -> Iterator[ObjectRef]:
        owner = f"task {row.id}"
        if row.result_key:
            yield ObjectRef(row.result_key, row.result_checksum, owner)
        if row.state in ENDED and row.original_until is None:
            return
        yield ObjectRef(row.photo_key, row.photo_checksum, owner)
        for key in json.loads(row.pictures).values():
            if key not in self._pictures:
                self._pictures.add(key)
                yield ObjectRef(key, picture_checksum(key), owner)


def _rows(connection: sa.Connection, after: str) -> list[Any]:
    columns = tasks.c.id, tasks.c.state, tasks.c.original_until, tasks.c.photo_key, tasks.c.photo_checksum
    rows = sa.select(*columns, tasks.c.pictures, tasks.c.result_key, tasks.c.result_checksum).where(tasks.c.id > after)
    return list(connection.execute(rows.order_by(tasks.c.id).limit(BATCH)))
