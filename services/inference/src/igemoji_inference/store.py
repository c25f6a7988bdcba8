"""Tables of the inference service, and every query on them."""

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from igemoji_inference.domain import (
    Done,
    Failure,
    Findings,
    Job,
    Progress,
    Step,
    Task,
    TaskResult,
    TaskState,
    Upload,
    turn,
)
from igemoji_inference.records import findings_from_json, findings_to_json
from igemoji_mesh.database import UtcDateTime, utc_now
from igemoji_mesh.outbox import outbox_table

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

_LONG_TEXT = sa.Text(length=2**24 - 1)
"""MEDIUMTEXT on MySQL: 200 faces are longer than its TEXT."""

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("user_id", sa.String(36), nullable=False),
    sa.Column("emoji_id", sa.String(36), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("turn_at", UtcDateTime, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("percent", sa.Integer, nullable=False),
    sa.Column("findings", _LONG_TEXT, nullable=False),
    sa.Column("faces", sa.Integer, nullable=False),
    sa.Column("failure_reason", sa.String(64), nullable=False),
    sa.Column("failure_message", sa.String(500), nullable=False),
    sa.Column("photo_key", sa.String(200), nullable=False),
    sa.Column("pictures", sa.Text, nullable=False),
    sa.Column("result_key", sa.String(200), nullable=False),
    sa.Column("content_type", sa.String(64), nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("lease", sa.String(36), nullable=False),
    sa.Column("lease_until", UtcDateTime, nullable=False),
    sa.Index(None, "user_id", "state", "created_at", "id"),
    sa.Index(None, "state", "turn_at", "id"),
)

task_steps = sa.Table(
    "task_steps",
    metadata,
    sa.Column("task_id", sa.String(36), sa.ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("percent", sa.Integer, nullable=False),
    sa.Column("findings", _LONG_TEXT, nullable=True),
)
"""`findings` is empty where the step found nothing new."""

outbox = outbox_table(metadata)

ENDED = (TaskState.DONE, TaskState.FAILED)
_OPEN = tuple(state for state in TaskState if not state.ended)
_NEVER = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Lease:
    """The right to work on a task, until it runs out."""

    id: str
    job: Job
    attempts: int
    """How often the task was begun, this time included."""


def add_task(connection: sa.Connection, task: Task, upload: Upload) -> None:
    turn_at = turn(task.created_at, upload.megapixels, count_open(connection, task.user_id))
    connection.execute(
        tasks.insert().values(
            id=task.id,
            user_id=task.user_id,
            emoji_id=task.emoji_id,
            created_at=task.created_at,
            turn_at=turn_at,
            state=task.state,
            percent=task.percent,
            findings=_dump(task.findings),
            faces=0,
            failure_reason="",
            failure_message="",
            photo_key=upload.key,
            pictures=json.dumps(dict(upload.pictures)),
            result_key="",
            content_type="",
            sequence=1,
            attempts=0,
            lease="",
            lease_until=_NEVER,
        )
    )
    _add_step(connection, task.id, 1, task.state, task.percent, None)


def get_task(connection: sa.Connection, task_id: str) -> Task | None:
    row = connection.execute(sa.select(tasks).where(tasks.c.id == task_id)).one_or_none()
    return _task(row) if row else None


def steps_after(connection: sa.Connection, task: Task, sequence: int) -> list[Step]:
    """The steps of a task with a higher sequence. Each shows the task as it was then."""
    rows = connection.execute(
        sa.select(task_steps).where(task_steps.c.task_id == task.id).order_by(task_steps.c.sequence)
    ).all()
    steps, findings = [], Findings()
    for row in rows:
        findings = findings_from_json(json.loads(row.findings)) if row.findings else findings
        state = TaskState(row.state)
        shown = Task(
            id=task.id,
            user_id=task.user_id,
            emoji_id=task.emoji_id,
            created_at=task.created_at,
            state=state,
            percent=row.percent,
            findings=findings,
            failure=task.failure if state is TaskState.FAILED else None,
            result_key=task.result_key if state is TaskState.DONE else "",
            content_type=task.content_type if state is TaskState.DONE else "",
        )
        steps.append(Step(row.sequence, shown))
    return [step for step in steps if step.sequence > sequence]


def count_open(connection: sa.Connection, user_id: str | None = None) -> int:
    """Tasks that have not ended, of one user or of all."""
    query = sa.select(sa.func.count()).select_from(tasks).where(tasks.c.state.in_(_OPEN))
    if user_id is not None:
        query = query.where(tasks.c.user_id == user_id)
    return connection.execute(query).scalar_one()


def list_results(
    connection: sa.Connection, user_id: str, page_number: int, page_size: int
) -> tuple[Sequence[TaskResult], int]:
    """A page of a user's finished photos, newest first, and how many there are."""
    mine = sa.and_(tasks.c.user_id == user_id, tasks.c.state == TaskState.DONE)
    total = connection.execute(sa.select(sa.func.count()).select_from(tasks).where(mine)).scalar_one()
    rows = connection.execute(
        sa.select(tasks.c.id, tasks.c.emoji_id, tasks.c.faces, tasks.c.created_at)
        .where(mine)
        .order_by(tasks.c.created_at.desc(), tasks.c.id.desc())
        .limit(page_size)
        .offset((page_number - 1) * page_size)
    )
    return [TaskResult(row.id, row.emoji_id, row.faces, row.created_at) for row in rows], total


def claim(connection: sa.Connection, lease_id: str, seconds: float) -> Lease | None:
    """Takes the task whose turn it is among those that nobody works on. A lease that ran out is as good as none."""
    now = utc_now()
    row = connection.execute(
        sa.select(tasks.c.id, tasks.c.photo_key, tasks.c.pictures, tasks.c.attempts, tasks.c.lease)
        .where(tasks.c.state.in_(_OPEN), tasks.c.lease_until <= now)
        .order_by(tasks.c.turn_at, tasks.c.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    taken = connection.execute(
        tasks.update()
        .where(tasks.c.id == row.id, tasks.c.lease == row.lease, tasks.c.lease_until <= now)
        .values(lease=lease_id, lease_until=now + datetime.timedelta(seconds=seconds), attempts=row.attempts + 1)
    )
    if taken.rowcount != 1:
        return None
    return Lease(lease_id, Job(row.id, row.photo_key, json.loads(row.pictures)), row.attempts + 1)


def release_all(connection: sa.Connection) -> int:
    """Ends every lease: whoever held them is gone. Returns how many tasks are taken up again."""
    held = sa.and_(tasks.c.state.in_(_OPEN), tasks.c.lease != "")
    return connection.execute(tasks.update().where(held).values(lease="", lease_until=_NEVER)).rowcount


def record_progress(connection: sa.Connection, lease: Lease, progress: Progress) -> bool:
    """Writes a step. False where the lease is not held any more: the worker's words count no longer."""
    return _advance(
        connection,
        lease,
        {"state": progress.state, "percent": progress.percent, "findings": _dump(progress.findings)},
        progress.findings,
    )


def record_done(connection: sa.Connection, lease: Lease, done: Done) -> Task | None:
    """Ends a task with its result; None where the lease is not held any more."""
    values = {
        "state": TaskState.DONE,
        "percent": 100,
        "findings": _dump(done.findings),
        "faces": len(done.findings.faces),
        "result_key": done.result_key,
        "content_type": done.content_type,
    }
    return get_task(connection, lease.job.task_id) if _advance(connection, lease, values, done.findings) else None


def record_failure(connection: sa.Connection, lease: Lease, failure: Failure) -> bool:
    """Ends a task without a result; False where the lease is not held any more."""
    return _advance(connection, lease, _failed(failure), None)


def cancel(connection: sa.Connection, task_id: str, failure: Failure) -> str | None:
    """Ends a task, whoever works on it. Returns the key of its photo; None where it had ended."""
    photo_key: str | None = connection.execute(
        sa.select(tasks.c.photo_key).where(tasks.c.id == task_id, tasks.c.state.in_(_OPEN))
    ).scalar_one_or_none()
    if photo_key is not None:
        _change(connection, task_id, tasks.c.state.in_(_OPEN), _failed(failure), None)
    return photo_key


def release(connection: sa.Connection, lease: Lease, delay_seconds: float) -> None:
    """Gives a task back, to be begun again after a while."""
    until = utc_now() + datetime.timedelta(seconds=delay_seconds)
    connection.execute(
        tasks.update()
        .where(tasks.c.id == lease.job.task_id, tasks.c.lease == lease.id)
        .values(lease="", lease_until=until)
    )


def photo_is_needed(connection: sa.Connection, task_id: str) -> bool:
    """Whether an original must stay: its task has not ended."""
    state = connection.execute(sa.select(tasks.c.state).where(tasks.c.id == task_id)).scalar_one_or_none()
    return state is not None and not TaskState(state).ended


def result_is_known(connection: sa.Connection, key: str) -> bool:
    task_id = key.rpartition("/")[2].partition(".")[0]
    found = connection.execute(sa.select(tasks.c.result_key).where(tasks.c.id == task_id)).scalar_one_or_none()
    return found == key


def _failed(failure: Failure) -> dict[str, Any]:
    return {"state": TaskState.FAILED, "failure_reason": failure.reason, "failure_message": failure.message}


def _advance(connection: sa.Connection, lease: Lease, values: dict[str, Any], findings: Findings | None) -> bool:
    """Changes a task and adds the step, if the lease still holds."""
    held = sa.and_(tasks.c.lease == lease.id, tasks.c.state.in_(_OPEN))
    return _change(connection, lease.job.task_id, held, values, findings)


def _change(
    connection: sa.Connection,
    task_id: str,
    condition: sa.ColumnElement[bool],
    values: dict[str, Any],
    findings: Findings | None,
) -> bool:
    if values["state"] in ENDED:
        values |= {"lease": "", "lease_until": _NEVER}
    changed = connection.execute(
        tasks.update().where(tasks.c.id == task_id, condition).values(sequence=tasks.c.sequence + 1, **values)
    )
    if changed.rowcount != 1:
        return False
    row = connection.execute(sa.select(tasks.c.sequence, tasks.c.percent).where(tasks.c.id == task_id)).one()
    _add_step(connection, task_id, row.sequence, values["state"], row.percent, findings)
    return True


def _add_step(
    connection: sa.Connection, task_id: str, sequence: int, state: TaskState, percent: int, findings: Findings | None
) -> None:
    text = _dump(findings) if findings is not None else None
    connection.execute(
        task_steps.insert().values(task_id=task_id, sequence=sequence, state=state, percent=percent, findings=text)
    )


def _dump(findings: Findings) -> str:
    return json.dumps(findings_to_json(findings), separators=(",", ":"))


def _task(row: sa.Row[Any]) -> Task:
    failed = row.state == TaskState.FAILED
    return Task(
        id=row.id,
        user_id=row.user_id,
        emoji_id=row.emoji_id,
        created_at=row.created_at,
        state=TaskState(row.state),
        percent=row.percent,
        findings=findings_from_json(json.loads(row.findings)),
        failure=Failure(row.failure_reason, row.failure_message) if failed else None,
        result_key=row.result_key,
        content_type=row.content_type,
    )
