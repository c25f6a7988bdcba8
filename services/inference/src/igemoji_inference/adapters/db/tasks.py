"""Tables of the inference service, and every query on them."""

import datetime
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from igemoji_inference.adapters.db.codec import findings_from_json, findings_to_json
from igemoji_inference.domain.model import Failure, Findings, Task, TaskState, Upload, turn
from igemoji_mesh.db.database import UtcDateTime
from igemoji_mesh.db.outbox import outbox_table
from igemoji_mesh.idempotency.keys import idempotency_table
from igemoji_mesh.observability import logging, tracing

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
    sa.Column("photo_checksum", sa.String(64), nullable=False),
    sa.Column("pictures", sa.Text, nullable=False),
    sa.Column("result_key", sa.String(200), nullable=False),
    sa.Column("result_checksum", sa.String(64), nullable=False),
    sa.Column("content_type", sa.String(64), nullable=False),
    sa.Column("original_until", UtcDateTime, nullable=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("megapixels", sa.Float, nullable=False),
    sa.Column("request_id", sa.String(64), nullable=False),
    sa.Column("traceparent", sa.String(64), nullable=False),
    sa.Column("lease", sa.String(36), nullable=False),
    sa.Column("lease_until", UtcDateTime, nullable=False),
    # The last one tells which of them have a result: a list of them is counted without reading the rows.
    sa.Index(None, "user_id", "created_at", "id", "result_key"),
    sa.Index(None, "original_until"),
    sa.Index(None, "created_at"),
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

shares = sa.Table(
    "shares",
    metadata,
    sa.Column("token_digest", sa.String(64), primary_key=True),
    sa.Column("task_id", sa.String(36), sa.ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Index(None, "task_id"),
    sa.Index(None, "expires_at"),
)
"""Of a link's token only the SHA-256 is kept: who reads the database can't use it."""

gone_users = sa.Table("gone_users", metadata, sa.Column("user_id", sa.String(36), primary_key=True))
"""A token of a deleted account is good for some minutes more; nothing is taken in for it."""

upload_gates = sa.Table(
    "upload_gates", metadata, sa.Column("number", sa.Integer, primary_key=True, autoincrement=False)
)
"""Uploads of one user go one by one through the same gate, so that they are counted rightly; others hardly meet."""

GATES = 64

daily_photos = sa.Table(
    "daily_photos",
    metadata,
    sa.Column("user_id", sa.String(36), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("photos", sa.Integer, nullable=False),
    sa.Index(None, "day"),
)
"""How many photos a user has brought in a day; deleting them gives none back."""

outbox = outbox_table(metadata)
queue_outbox = outbox_table(metadata, "queue_outbox")
"""Tasks on their way to the broker, apart from calls to services: neither waits while the other is down."""

idempotency_keys = idempotency_table(metadata)

ENDED = (TaskState.DONE, TaskState.FAILED)
OPEN = tuple(state for state in TaskState if not state.ended)
NEVER = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def add_task(connection: sa.Connection, task: Task, upload: Upload, open_tasks: int) -> None:
    """`open_tasks` are the user's other ones."""
    turn_at = turn(task.created_at, upload.megapixels, open_tasks)
    # Not `values(…)`: a statement with so many values takes ten times as long to make as parameters beside one.
    row = {
        "id": task.id,
        "user_id": task.user_id,
        "emoji_id": task.emoji_id,
        "created_at": task.created_at,
        "turn_at": turn_at,
        "state": task.state,
        "percent": task.percent,
        "findings": dump(task.findings),
        "faces": 0,
        "failure_reason": "",
        "failure_message": "",
        "photo_key": upload.key,
        "photo_checksum": upload.checksum,
        "pictures": json.dumps(dict(upload.pictures)),
        "result_key": "",
        "result_checksum": "",
        "content_type": "",
        "original_until": None,
        "revision": 0,
        "sequence": 1,
        "attempts": 0,
        "megapixels": upload.megapixels,
        "request_id": logging.request_id.get(),
        "traceparent": tracing.current_trace(),
        "lease": "",
        "lease_until": NEVER,
    }
    connection.execute(tasks.insert(), row)
    add_step(connection, task.id, 1, task.state, task.percent, None)


@dataclass(frozen=True)
class QueueState:
    """What has not ended yet."""

    tasks: Mapping[str, int]
    """By state."""
    oldest_at: datetime.datetime | None
    """When the oldest of those came that nobody works on."""


def queue_state(connection: sa.Connection) -> QueueState:
    by_state = connection.execute(
        sa.select(tasks.c.state, sa.func.count()).where(tasks.c.state.in_(OPEN)).group_by(tasks.c.state)
    ).all()
    waiting = (tasks.c.state == TaskState.QUEUED, tasks.c.revision == 0)
    oldest = connection.execute(sa.select(sa.func.min(tasks.c.created_at)).where(*waiting)).scalar()
    return QueueState({str(state): count for state, count in by_state}, oldest)


def get_task(connection: sa.Connection, task_id: str) -> Task | None:
    row = connection.execute(sa.select(tasks).where(tasks.c.id == task_id)).one_or_none()
    return _task(row) if row else None


def get_tasks(connection: sa.Connection, task_ids: Sequence[str]) -> list[Task]:
    return [_task(row) for row in connection.execute(sa.select(tasks).where(tasks.c.id.in_(task_ids)))]


def pass_gate(connection: sa.Connection, user_id: str) -> None:
    """Waits until no other upload of this user is being stored. SQLite has one writer anyway."""
    number = zlib.crc32(user_id.encode()) % GATES
    connection.execute(sa.select(upload_gates).where(upload_gates.c.number == number).with_for_update())


def count_open(connection: sa.Connection, user_id: str | None = None) -> int:
    """Tasks that have not ended, of one user or of all."""
    query = sa.select(sa.func.count()).select_from(tasks).where(tasks.c.state.in_(OPEN))
    if user_id is not None:
        query = query.where(tasks.c.user_id == user_id)
    return connection.execute(query).scalar_one()


def tasks_of(connection: sa.Connection, user_id: str, limit: int) -> list[Task]:
    rows = connection.execute(sa.select(tasks).where(tasks.c.user_id == user_id).limit(limit))
    return [_task(row) for row in rows]


def is_gone(connection: sa.Connection, user_id: str) -> bool:
    """Whether the account of a user was deleted."""
    return connection.execute(sa.select(gone_users).where(gone_users.c.user_id == user_id)).one_or_none() is not None


def originals_to_forget(connection: sa.Connection, now: datetime.datetime, limit: int) -> list[tuple[str, str]]:
    """Ids and photo keys of tasks whose original is not kept any longer."""
    rows = connection.execute(
        sa.select(tasks.c.id, tasks.c.photo_key)
        .where(tasks.c.original_until <= now, tasks.c.state.in_(ENDED))
        .limit(limit)
    )
    return [(row.id, row.photo_key) for row in rows]


def forget_original(connection: sa.Connection, task_id: str) -> None:
    connection.execute(tasks.update().where(tasks.c.id == task_id).values(original_until=None))


def tasks_to_forget(connection: sa.Connection, before: datetime.datetime, limit: int) -> list[tuple[str, str, str]]:
    """Ids, photo keys and result keys of tasks made before an instant that have ended."""
    rows = connection.execute(
        sa.select(tasks.c.id, tasks.c.photo_key, tasks.c.result_key)
        .where(tasks.c.created_at < before, tasks.c.state.in_(ENDED))
        .limit(limit)
    )
    return [(row.id, row.photo_key, row.result_key) for row in rows]


def forget_task(connection: sa.Connection, task_id: str) -> None:
    connection.execute(shares.delete().where(shares.c.task_id == task_id))
    connection.execute(task_steps.delete().where(task_steps.c.task_id == task_id))
    connection.execute(tasks.delete().where(tasks.c.id == task_id))


def photo_is_needed(connection: sa.Connection, task_id: str) -> bool:
    """Whether an original must stay: its task has not ended, or may be revised."""
    task = get_task(connection, task_id)
    return task is not None and (not task.state.ended or task.original_until is not None)


def result_is_known(connection: sa.Connection, key: str) -> bool:
    task_id = key.removeprefix("results/")[:36]
    found = connection.execute(sa.select(tasks.c.result_key).where(tasks.c.id == task_id)).scalar_one_or_none()
    return found == key


def add_step(
    connection: sa.Connection, task_id: str, sequence: int, state: TaskState, percent: int, findings: Findings | None
) -> None:
    text = dump(findings) if findings is not None else None
    row = {"task_id": task_id, "sequence": sequence, "state": state, "percent": percent, "findings": text}
    connection.execute(task_steps.insert(), row)


def dump(findings: Findings) -> str:
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
        result_checksum=row.result_checksum,
        content_type=row.content_type,
        original_until=row.original_until,
        revision=row.revision,
    )
