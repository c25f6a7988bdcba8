"""Who may work on a task: everything that changes a task after it was made, each change with its step.

A worker holds a lease, and may change its task until somebody takes the lease away: a cancellation, a revision, or the
end of the lease's time. What a worker writes names the lease in the statement that changes the row, so that no more
than this row is locked.
"""

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from igemoji_inference.adapters.db.codec import findings_from_json
from igemoji_inference.adapters.db.tasks import ENDED, NEVER, OPEN, add_step, dump, get_task, tasks
from igemoji_inference.domain.model import Done, Failure, Findings, Job, Progress, Task, TaskState
from igemoji_mesh.db.database import utc_now
from igemoji_mesh.observability import logging, tracing


@dataclass(frozen=True)
class Lease:
    """The right to work on a task, until it runs out."""

    id: str
    job: Job
    attempts: int
    """How often the task was begun, this time included."""
    created_at: datetime.datetime
    """When the photo was uploaded."""
    queued_at: datetime.datetime
    """The same, or when its faces were last revised."""
    megapixels: float
    """Of the photo."""
    request_id: str
    traceparent: str
    """Of the call that brought the task."""
    sequence: int | None
    """Of the step BEGUN, which was written when the lease was taken; None for a revision, which begins otherwise."""


BEGUN = Progress(TaskState.DECODING, 0, Findings())
"""What a task has come to when a worker has it. Whoever watches is told before the photo is fetched."""


@dataclass(frozen=True)
class Finished:
    """What a result was written for."""

    task: Task
    """As it was before."""
    replaced_key: str
    """Where the result lies that this one replaces; empty where there was none."""


def claim(connection: sa.Connection, lease_id: str, seconds: float) -> Lease | None:
    """Takes the task whose turn it is among those that nobody works on. A lease that ran out is as good as none."""
    now = utc_now()
    row = connection.execute(
        sa.select(tasks)
        .where(tasks.c.state.in_(OPEN), tasks.c.lease_until <= now)
        .order_by(tasks.c.turn_at, tasks.c.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return _take(connection, row, lease_id, seconds, row.attempts + 1)


def claim_task(
    connection: sa.Connection, task_id: str, lease_id: str, seconds: float, *, holder_is_lost: bool
) -> Lease | None:
    """Takes one task; None where it has ended, or where somebody works on it.

    Where its holder is lost, the lease is taken away from it; that is no try that counts, it may have been no fault of
    the photo's.
    """
    row = connection.execute(sa.select(tasks).where(tasks.c.id == task_id, tasks.c.state.in_(OPEN))).one_or_none()
    if row is None:
        return None
    held = row.lease != "" and row.lease_until > utc_now()
    if held and not holder_is_lost:
        return None
    return _take(connection, row, lease_id, seconds, row.attempts if held else row.attempts + 1)


def _take(connection: sa.Connection, row: sa.Row[Any], lease_id: str, seconds: float, attempts: int) -> Lease | None:
    """None where somebody else took it since the row was read."""
    as_read = (
        tasks.c.sequence == row.sequence,
        tasks.c.lease == row.lease,
        tasks.c.lease_until == row.lease_until,
    )
    until = utc_now() + datetime.timedelta(seconds=seconds)
    values: dict[str, Any] = {"lease": lease_id, "lease_until": until, "attempts": attempts}
    sequence = None
    if not row.revision:
        sequence = row.sequence + 1
        values |= _progressed(BEGUN) | {"sequence": sequence}
    taken = connection.execute(tasks.update().where(tasks.c.id == row.id, *as_read).values(values))
    if taken.rowcount != 1:
        return None
    if sequence is not None:
        add_step(connection, row.id, sequence, BEGUN.state, BEGUN.percent, BEGUN.findings)
    revised = findings_from_json(json.loads(row.findings)) if row.revision else None
    job = Job(
        row.id, row.photo_key, row.photo_checksum, json.loads(row.pictures), f"results/{row.id}-{lease_id}", revised
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


def find_stranded(connection: sa.Connection, quiet_seconds: float, limit: int) -> Sequence[Any]:
    """Tasks that no worker has and that none may be told of any more, for `take_stranded`.

    That is where a lease ran out, or where nobody began in `quiet_seconds`.
    """
    now = utc_now()
    return connection.execute(
        sa.select(tasks.c.id, tasks.c.megapixels, tasks.c.lease, tasks.c.lease_until)
        .where(tasks.c.state.in_(OPEN), tasks.c.lease_until <= now)
        .where(sa.or_(tasks.c.lease != "", tasks.c.turn_at <= now - datetime.timedelta(seconds=quiet_seconds)))
        .order_by(tasks.c.turn_at, tasks.c.id)
        .limit(limit)
    ).all()


def take_stranded(connection: sa.Connection, rows: Sequence[Any], quiet_seconds: float) -> list[tuple[str, float]]:
    """Ids and megapixels of those that nobody has taken since they were found; for a while no other call gets them."""
    now, quiet = utc_now(), datetime.timedelta(seconds=quiet_seconds)
    taken = []
    for row in rows:
        changed = connection.execute(
            tasks.update()
            .where(tasks.c.id == row.id, tasks.c.state.in_(OPEN), tasks.c.lease == row.lease)
            .where(tasks.c.lease_until == row.lease_until)
            .values(lease="", lease_until=now + quiet)
        )
        if changed.rowcount == 1:
            taken.append((row.id, row.megapixels))
    return taken


def release_all(connection: sa.Connection) -> int:
    """Ends every lease: whoever held them is gone. Returns how many tasks are taken up again."""
    held = sa.and_(tasks.c.state.in_(OPEN), tasks.c.lease != "")
    return connection.execute(tasks.update().where(held).values(lease="", lease_until=NEVER)).rowcount


def record_progress(connection: sa.Connection, lease: Lease, progress: Progress) -> int | None:
    """Writes a step and returns its sequence; None where the lease is not held any more: then its words don't count."""
    return _advance(connection, lease, _progressed(progress), progress.findings)


def record_done(
    connection: sa.Connection, lease: Lease, done: Done, original_until: datetime.datetime
) -> Finished | None:
    """Ends a task with its result; None where the lease is not held any more."""
    before = get_task(connection, lease.job.task_id)
    values = {
        "state": TaskState.DONE,
        "percent": 100,
        "findings": dump(done.findings),
        "faces": len(done.findings.faces),
        "result_key": done.result_key,
        "result_checksum": done.result_checksum,
        "content_type": done.content_type,
    }
    if before is None or _advance(connection, lease, values, done.findings) is None:
        return None
    if before.revision == 0:
        connection.execute(tasks.update().where(tasks.c.id == before.id).values(original_until=original_until))
    return Finished(before, before.result_key)


def record_failure(connection: sa.Connection, lease: Lease, failure: Failure) -> bool:
    """Ends a task without a result; False where the lease is not held any more."""
    return _advance(connection, lease, _failed(failure), None) is not None


def revise(connection: sa.Connection, task: Task, findings: Findings) -> None:
    """Queues a finished task once more. Whoever works on an earlier revision of it works in vain."""
    values = {
        "state": TaskState.QUEUED,
        "percent": 0,
        "findings": dump(findings),
        "failure_reason": "",
        "failure_message": "",
        "revision": tasks.c.revision + 1,
        "request_id": logging.request_id.get(),
        "traceparent": tracing.current_trace(),
        "turn_at": utc_now(),
        "attempts": 0,
        "lease": "",
        "lease_until": NEVER,
    }
    _change(connection, task.id, sa.true(), values, findings)


def cancel(connection: sa.Connection, task_id: str, failure: Failure) -> str | None:
    """Ends a task, whoever works on it. Returns the key of its photo; None where it has a result or had ended."""
    unfinished = sa.and_(tasks.c.id == task_id, tasks.c.state.in_(OPEN), tasks.c.result_key == "")
    photo_key: str | None = connection.execute(sa.select(tasks.c.photo_key).where(unfinished)).scalar_one_or_none()
    if photo_key is not None:
        _change(connection, task_id, tasks.c.state.in_(OPEN), _failed(failure), None)
    return photo_key


def release(connection: sa.Connection, lease: Lease, delay_seconds: float, attempts: int) -> bool:
    """Gives a task back, to be begun again after a while; `attempts` are those that count.

    False where the lease was not held any more.
    """
    until = utc_now() + datetime.timedelta(seconds=delay_seconds)
    released = connection.execute(
        tasks.update()
        .where(tasks.c.id == lease.job.task_id, tasks.c.lease == lease.id)
        .values(lease="", lease_until=until, attempts=attempts)
    )
    return released.rowcount == 1


def _progressed(progress: Progress) -> dict[str, Any]:
    return {"state": progress.state, "percent": progress.percent, "findings": dump(progress.findings)}


def _failed(failure: Failure) -> dict[str, Any]:
    return {"state": TaskState.FAILED, "failure_reason": failure.reason, "failure_message": failure.message}


def _advance(connection: sa.Connection, lease: Lease, values: dict[str, Any], findings: Findings | None) -> int | None:
    """Changes a task and adds the step, if the lease still holds; returns the step's sequence."""
    held = sa.and_(tasks.c.lease == lease.id, tasks.c.state.in_(OPEN))
    return _change(connection, lease.job.task_id, held, values, findings)


def _change(
    connection: sa.Connection,
    task_id: str,
    condition: sa.ColumnElement[bool],
    values: dict[str, Any],
    findings: Findings | None,
) -> int | None:
    if values["state"] in ENDED:
        values |= {"lease": "", "lease_until": NEVER}
    changed = connection.execute(
        tasks.update().where(tasks.c.id == task_id, condition).values(sequence=tasks.c.sequence + 1, **values)
    )
    if changed.rowcount != 1:
        return None
    row = connection.execute(sa.select(tasks.c.sequence, tasks.c.percent).where(tasks.c.id == task_id)).one()
    add_step(connection, task_id, row.sequence, values["state"], row.percent, findings)
    return int(row.sequence)
