"""Batched, coalesced reads of task histories (a DataLoader), for many watchers at a time.

All watchers together use one database connection: requests that arrive during a read are answered by the next one, and
a task is read once however many watch it.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Any

import sqlalchemy as sa

from igemoji_inference.adapters.db import rows
from igemoji_inference.adapters.db.codec import findings_from_json
from igemoji_inference.adapters.db.tables import task_steps, tasks
from igemoji_inference.domain.model import Findings, Step, Task, TaskHistory, TaskState, at_step
from igemoji_mesh.db.database import Database

BATCH = 100
"""Tasks per read."""


class TaskHistoryLoader:
    """Reads tasks with their steps."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._requested: dict[str, asyncio.Future[TaskHistory | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def load(self, task_id: str) -> TaskHistory | None:
        """Return the history of a task from a read that begins after this call; None if there is no such task."""
        history = self._requested.get(task_id)
        if history is None:
            history = self._requested[task_id] = asyncio.get_running_loop().create_future()
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return await asyncio.shield(history)

    async def _read(self) -> None:
        try:
            while self._requested:
                ids = list(islice(self._requested, BATCH))
                await self._read_batch({task_id: self._requested.pop(task_id) for task_id in ids})
        finally:
            self._reading = None

    async def _read_batch(self, batch: dict[str, "asyncio.Future[TaskHistory | None]"]) -> None:
        def read(connection: sa.Connection) -> dict[str, TaskHistory]:
            found = rows.select_tasks(connection, tasks.c.id.in_(list(batch)))
            return {task.id: (task, steps) for task, steps in _with_steps(connection, found)}

        try:
            histories = await self._database.read(read)
        except Exception as error:
            for future in batch.values():
                future.set_exception(error)
                future.exception()  # marks it as retrieved, in case all watchers have disconnected
        else:
            for task_id, future in batch.items():
                future.set_result(histories.get(task_id))


def _with_steps(connection: sa.Connection, found: Sequence[Task]) -> Iterator[TaskHistory]:
    """Yield each task with its steps. A step shows the task as it was then."""
    found_steps = connection.execute(
        sa.select(task_steps)
        .where(task_steps.c.task_id.in_([task.id for task in found]))
        .order_by(task_steps.c.task_id, task_steps.c.sequence)
    ).all()
    by_task = {task_id: list(group) for task_id, group in groupby(found_steps, lambda row: row.task_id)}
    for task in found:
        yield task, _steps(task, by_task.get(task.id, []))


def _steps(task: Task, step_rows: Sequence[sa.Row[Any]]) -> list[Step]:
    steps, findings = [], Findings()
    for row in step_rows:
        findings = findings_from_json(json.loads(row.findings)) if row.findings else findings
        steps.append(Step(row.sequence, at_step(task, TaskState(row.state), row.percent, findings)))
    return steps
