"""Rows of tasks and steps, mapped to entities."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from igemoji_inference.adapters.db.codec import findings_from_json, findings_to_json
from igemoji_inference.adapters.db.tables import ENDED, NEVER, shares, task_steps, tasks
from igemoji_inference.domain.model import Failure, Findings, Task, TaskState, Upload, fair_queue_position
from igemoji_mesh import call_context
from igemoji_mesh.observability import tracing


def insert_task(connection: sa.Connection, task: Task, upload: Upload, open_tasks: int) -> None:
    """Insert a task with its first step; `open_tasks` is the number of the user's other open tasks."""
    # Not `values(…)`: compiling a statement with this many values takes ten times as long as binding parameters.
    row = {
        "id": task.id,
        "user_id": task.user_id,
        "emoji_id": task.emoji_id,
        "created_at": task.created_at,
        "turn_at": fair_queue_position(task.created_at, upload.megapixels, open_tasks),
        "state": task.state,
        "percent": task.percent,
        "findings": dump(task.findings),
        "photo_key": upload.key,
        "photo_checksum": upload.checksum,
        "pictures": json.dumps(dict(upload.pictures)),
        "sequence": 1,
        "megapixels": upload.megapixels,
        **origin(),
    }
    connection.execute(tasks.insert(), row)
    insert_step(connection, task.id, 1, task.state, task.percent, None)


def insert_step(
    connection: sa.Connection, task_id: str, sequence: int, state: TaskState, percent: int, findings: Findings | None
) -> None:
    """Insert a step."""
    text = dump(findings) if findings is not None else None
    row = {"task_id": task_id, "sequence": sequence, "state": state, "percent": percent, "findings": text}
    connection.execute(task_steps.insert(), row)


def advance(
    connection: sa.Connection,
    task_id: str,
    condition: sa.ColumnElement[bool],
    values: dict[str, Any],
    findings: Findings | None,
) -> int | None:
    """Update a task if it meets the condition, add the step and return its sequence; None if it does not.

    The condition is part of the statement that changes the row, so that no other row is locked.
    """
    if values["state"] in ENDED:
        values |= {"lease": "", "lease_until": NEVER}
    changed = connection.execute(
        tasks.update().where(tasks.c.id == task_id, condition).values(sequence=tasks.c.sequence + 1, **values)
    )
    if changed.rowcount != 1:
        return None
    row = connection.execute(sa.select(tasks.c.sequence, tasks.c.percent).where(tasks.c.id == task_id)).one()
    insert_step(connection, task_id, row.sequence, values["state"], row.percent, findings)
    return int(row.sequence)


def select_task(connection: sa.Connection, task_id: str) -> Task | None:
    """Return a task."""
    return next(iter(select_tasks(connection, tasks.c.id == task_id)), None)


def select_tasks(connection: sa.Connection, condition: sa.ColumnElement[bool], limit: int | None = None) -> list[Task]:
    """Return the tasks that meet a condition."""
    return [_task(row) for row in connection.execute(sa.select(tasks).where(condition).limit(limit))]


def delete_tasks(connection: sa.Connection, task_ids: Sequence[str]) -> None:
    """Delete tasks with their steps and links."""
    for task_id in task_ids:
        connection.execute(shares.delete().where(shares.c.task_id == task_id))
        connection.execute(task_steps.delete().where(task_steps.c.task_id == task_id))
        connection.execute(tasks.delete().where(tasks.c.id == task_id))


def failed(failure: Failure) -> dict[str, Any]:
    """Return the columns of a task that ends with a failure."""
    return {"state": TaskState.FAILED, "failure_reason": failure.reason, "failure_message": failure.message}


def origin() -> dict[str, str]:
    """Return the columns that name the current call, whose request id and trace later work continues."""
    return {"request_id": call_context.current().request_id, "traceparent": tracing.current_trace()}


def dump(findings: Findings) -> str:
    """Return findings as stored."""
    return json.dumps(findings_to_json(findings), separators=(",", ":"))


def _task(row: sa.Row[Any]) -> Task:
    return Task(
        id=row.id,
        user_id=row.user_id,
        emoji_id=row.emoji_id,
        created_at=row.created_at,
        state=TaskState(row.state),
        percent=row.percent,
        findings=findings_from_json(json.loads(row.findings)),
        failure=Failure(row.failure_reason, row.failure_message) if row.state == TaskState.FAILED else None,
        result_key=row.result_key,
        result_checksum=row.result_checksum,
        content_type=row.content_type,
        original_until=row.original_until,
        revision=row.revision,
    )
