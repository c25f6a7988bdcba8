"""Tasks in the database: what users do with them."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa

from igemoji_inference.adapters.db import quotas, results, rows
from igemoji_inference.adapters.db.messages import TaskMessages
from igemoji_inference.adapters.db.tables import NEVER, OPEN, tasks
from igemoji_inference.adapters.db.task_history import TaskHistoryLoader
from igemoji_inference.domain import model
from igemoji_inference.domain.quotas import Usage
from igemoji_mesh.db.database import Database
from igemoji_mesh.idempotency.replay import Replay


class SqlTaskStore:
    """Implementation of the port TaskStore."""

    def __init__(self, database: Database, messages: TaskMessages) -> None:
        self._database = database
        self._messages = messages
        self._histories = TaskHistoryLoader(database)

    async def usage(self, user_id: str) -> Usage:
        """See TaskStore."""
        return await self._database.read(lambda connection: quotas.read_usage(connection, user_id))

    async def add(
        self, task: model.Task, upload: model.Upload, admit: Callable[[Usage], None], replay: Replay[str]
    ) -> None:
        """See TaskStore."""

        def add(connection: sa.Connection) -> None:
            # Checked under the lock: concurrent uploads of one user must not exceed a quota together.
            quotas.lock_user_shard(connection, task.user_id)
            usage = quotas.read_usage(connection, task.user_id)
            admit(usage)
            quotas.count_photo(connection, task.user_id, usage)
            self._messages.add(connection, task.id, upload.megapixels)
            replay.save(connection, task.id)
            # Last: the wait for a worker is measured from here.
            rows.insert_task(connection, replace(task, created_at=model.utc_now()), upload, usage.open_tasks)

        # Not SERIALIZABLE: counting open tasks would lock each of them, and uploads would wait for each other.
        await self._database.write(add, isolation="READ COMMITTED")

    async def get(self, task_id: str) -> model.Task | None:
        """See TaskStore."""
        return await self._database.read(lambda connection: rows.select_task(connection, task_id))

    async def history(self, task_id: str) -> model.TaskHistory | None:
        """See TaskStore."""
        return await self._histories.load(task_id)

    async def cancel(self, task_id: str, failure: model.Failure) -> str | None:
        """See TaskStore."""
        return await self._database.write(lambda connection: cancel(connection, task_id, failure))

    async def revise(
        self, task_id: str, user_id: str, change: Callable[[model.Task], model.Findings], replay: Replay[model.Task]
    ) -> model.Task:
        """See TaskStore."""

        def revise(connection: sa.Connection) -> model.Task:
            task = model.owned(rows.select_task(connection, task_id), user_id)
            _queue_again(connection, task_id, change(task))
            self._messages.add(connection, task_id, task.findings.megapixels)
            revised = model.owned(rows.select_task(connection, task_id), user_id)
            replay.save(connection, revised)
            return revised

        return await self._database.write(revise)

    async def results(self, user_id: str, page_number: int, page_size: int, page_token: str) -> model.ResultsPage:
        """See TaskStore."""
        return await self._database.read(
            lambda connection: results.page(connection, user_id, page_number, page_size, page_token)
        )


def cancel(connection: sa.Connection, task_id: str, failure: model.Failure) -> str | None:
    """End an unfinished task and return the key of its original; None if it has a result or has ended."""
    unfinished = sa.and_(tasks.c.id == task_id, tasks.c.state.in_(OPEN), tasks.c.result_key == "")
    photo_key: str | None = connection.execute(sa.select(tasks.c.photo_key).where(unfinished)).scalar_one_or_none()
    if photo_key is not None:
        rows.advance(connection, task_id, tasks.c.state.in_(OPEN), rows.failed(failure), None)
    return photo_key


def _queue_again(connection: sa.Connection, task_id: str, findings: model.Findings) -> None:
    values = {
        "state": model.TaskState.QUEUED,
        "percent": 0,
        "findings": rows.dump(findings),
        "failure_reason": "",
        "failure_message": "",
        "revision": tasks.c.revision + 1,
        **rows.origin(),
        "turn_at": model.utc_now(),
        "attempts": 0,
        "lease": "",
        "lease_until": NEVER,
    }
    rows.advance(connection, task_id, sa.true(), values, findings)


@dataclass(frozen=True)
class QueueState:
    """Tasks that have not ended."""

    tasks: Mapping[str, int]
    """Number by state."""
    oldest_at: datetime.datetime | None
    """Upload time of the oldest task that no worker has claimed yet."""


def queue_state(connection: sa.Connection) -> QueueState:
    """Return the state of the queue."""
    by_state = connection.execute(
        sa.select(tasks.c.state, sa.func.count()).where(tasks.c.state.in_(OPEN)).group_by(tasks.c.state)
    ).all()
    waiting = (tasks.c.state == model.TaskState.QUEUED, tasks.c.revision == 0)
    oldest = connection.execute(sa.select(sa.func.min(tasks.c.created_at)).where(*waiting)).scalar()
    return QueueState({str(state): count for state, count in by_state}, oldest)
