"""Leases on tasks: the right of one worker to change a task.

A worker loses its lease to a cancellation, to a revision, or when the lease expires. Each write names the lease in the
statement that changes the row, so that only this row is locked.
"""

import datetime
import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from igemoji_inference.adapters.clients.deliveries import RECORD_USE, record_use
from igemoji_inference.adapters.db import rows
from igemoji_inference.adapters.db.codec import findings_from_json
from igemoji_inference.adapters.db.messages import TaskMessages
from igemoji_inference.adapters.db.tables import NEVER, OPEN, tasks
from igemoji_inference.domain.model import Failure, Findings, Task, TaskState, utc_now
from igemoji_inference.domain.work import FIRST_PROGRESS, LEASE_SECONDS, Done, Job, Lease, Progress
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.outbox import OutboxWriter
from igemoji_mesh.ids import new_id


class SqlLeaseStore:
    """Implementation of the port LeaseStore."""

    def __init__(self, database: Database, messages: TaskMessages, outbox: OutboxWriter) -> None:
        self._database = database
        self._messages = messages
        self._outbox = outbox

    async def claim(self, task_id: str | None, *, take_over: bool) -> Lease | None:
        """See LeaseStore."""
        return await self._database.write(
            lambda connection: claim(connection, task_id, take_over=take_over),
            isolation="SERIALIZABLE" if task_id is None else "READ COMMITTED",
        )

    async def record_progress(self, lease: Lease, progress: Progress) -> int | None:
        """See LeaseStore."""
        values = _progressed(progress)
        return await self._database.write(
            lambda connection: _advance(connection, lease, values, progress.findings), isolation="READ COMMITTED"
        )

    async def record_done(self, lease: Lease, done: Done, original_until: datetime.datetime) -> Task | None:
        """See LeaseStore."""

        def record(connection: sa.Connection) -> Task | None:
            before = rows.select_task(connection, lease.job.task_id)
            values = _progressed(Progress(TaskState.DONE, 100, done.findings)) | {
                "faces": len(done.findings.faces),
                "result_key": done.result_key,
                "result_checksum": done.result_checksum,
                "content_type": done.content_type,
            }
            if before is None or _advance(connection, lease, values, done.findings) is None:
                return None
            if before.revision == 0:
                connection.execute(tasks.update().where(tasks.c.id == before.id).values(original_until=original_until))
            if not before.result_key:
                self._outbox.add(connection, RECORD_USE, record_use(before, utc_now()))
            return before

        return await self._database.write(record, isolation="READ COMMITTED")

    async def record_failure(self, lease: Lease, failure: Failure) -> bool:
        """See LeaseStore."""
        sequence = await self._database.write(
            lambda connection: _advance(connection, lease, rows.failed(failure), None), isolation="READ COMMITTED"
        )
        return sequence is not None

    async def release(self, lease: Lease, delay_seconds: float, attempts: int) -> None:
        """See LeaseStore."""

        def release(connection: sa.Connection) -> None:
            until = utc_now() + datetime.timedelta(seconds=delay_seconds)
            held = (tasks.c.id == lease.job.task_id, tasks.c.lease == lease.id)
            released = tasks.update().where(*held).values(lease="", lease_until=until, attempts=attempts)
            if connection.execute(released).rowcount == 1:
                self._messages.add(connection, lease.job.task_id, lease.megapixels, delay_seconds)

        await self._database.write(release, isolation="READ COMMITTED")

    async def release_all(self) -> int:
        """See LeaseStore."""
        held = sa.and_(tasks.c.state.in_(OPEN), tasks.c.lease != "")
        released = tasks.update().where(held).values(lease="", lease_until=NEVER)
        return await self._database.write(lambda connection: connection.execute(released).rowcount)

    async def has_result(self, key: str) -> bool:
        """See LeaseStore."""
        return await self._database.read(lambda connection: has_result(connection, key))


def claim(connection: sa.Connection, task_id: str | None = None, *, take_over: bool = False) -> Lease | None:
    """Claim a task, or the next one in the queue. An expired lease counts as none.

    Taking over a lease is not counted as an attempt: the loss of its holder need not be the fault of the photo.
    """
    now = utc_now()
    query = sa.select(tasks).where(tasks.c.state.in_(OPEN))
    if task_id is None:
        query = query.where(tasks.c.lease_until <= now).order_by(tasks.c.turn_at, tasks.c.id).limit(1)
    else:
        query = query.where(tasks.c.id == task_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    held = row.lease != "" and row.lease_until > now
    if held and not take_over:
        return None
    return _claim_row(connection, row, row.attempts if held else row.attempts + 1)


def _claim_row(connection: sa.Connection, row: sa.Row[Any], attempts: int) -> Lease | None:
    """Return None if another worker has claimed the row since it was read."""
    unchanged = (
        tasks.c.sequence == row.sequence,
        tasks.c.lease == row.lease,
        tasks.c.lease_until == row.lease_until,
    )
    lease_id, until = new_id(), utc_now() + datetime.timedelta(seconds=LEASE_SECONDS)
    values: dict[str, Any] = {"lease": lease_id, "lease_until": until, "attempts": attempts}
    sequence = None
    if not row.revision:
        sequence = row.sequence + 1
        values |= _progressed(FIRST_PROGRESS) | {"sequence": sequence}
    claimed = connection.execute(tasks.update().where(tasks.c.id == row.id, *unchanged).values(values))
    if claimed.rowcount != 1:
        return None
    if sequence is not None:
        first = FIRST_PROGRESS
        rows.insert_step(connection, row.id, sequence, first.state, first.percent, first.findings)
    job = Job(
        task_id=row.id,
        photo_key=row.photo_key,
        photo_checksum=row.photo_checksum,
        pictures=json.loads(row.pictures),
        result_key=f"results/{row.id}-{lease_id}",
        revised=findings_from_json(json.loads(row.findings)) if row.revision else None,
    )
    return Lease(
        lease_id,
        job,
        attempts,
        created_at=row.created_at,
        queued_at=row.turn_at if row.revision else row.created_at,
        megapixels=row.megapixels,
        request_id=row.request_id,
        traceparent=row.traceparent,
        sequence=sequence,
    )


def find_stranded(connection: sa.Connection, grace_seconds: float, limit: int) -> Sequence[Any]:
    """Return tasks that no worker holds and for which there may be no message, for `claim_stranded`.

    These are tasks whose lease has expired, and tasks that no worker has claimed for `grace_seconds`.
    """
    now = utc_now()
    return connection.execute(
        sa.select(tasks.c.id, tasks.c.megapixels, tasks.c.lease, tasks.c.lease_until)
        .where(tasks.c.state.in_(OPEN), tasks.c.lease_until <= now)
        .where(sa.or_(tasks.c.lease != "", tasks.c.turn_at <= now - datetime.timedelta(seconds=grace_seconds)))
        .order_by(tasks.c.turn_at, tasks.c.id)
        .limit(limit)
    ).all()


def claim_stranded(connection: sa.Connection, found: Sequence[Any], grace_seconds: float) -> list[tuple[str, float]]:
    """Return ids and megapixels of those that are still unclaimed; no other call gets them for `grace_seconds`."""
    now, grace = utc_now(), datetime.timedelta(seconds=grace_seconds)
    claimed = []
    for row in found:
        changed = connection.execute(
            tasks.update()
            .where(tasks.c.id == row.id, tasks.c.state.in_(OPEN), tasks.c.lease == row.lease)
            .where(tasks.c.lease_until == row.lease_until)
            .values(lease="", lease_until=now + grace)
        )
        if changed.rowcount == 1:
            claimed.append((row.id, row.megapixels))
    return claimed


def has_result(connection: sa.Connection, key: str) -> bool:
    """Return whether this object is the result of its task."""
    task_id = key.removeprefix("results/")[:36]
    found = connection.execute(sa.select(tasks.c.result_key).where(tasks.c.id == task_id)).scalar_one_or_none()
    return found == key


def _progressed(progress: Progress) -> dict[str, Any]:
    return {"state": progress.state, "percent": progress.percent, "findings": rows.dump(progress.findings)}


def _advance(connection: sa.Connection, lease: Lease, values: dict[str, Any], findings: Findings | None) -> int | None:
    """Change a task and add the step if the lease still holds; return the step's sequence."""
    held = sa.and_(tasks.c.lease == lease.id, tasks.c.state.in_(OPEN))
    return rows.advance(connection, lease.job.task_id, held, values, findings)
