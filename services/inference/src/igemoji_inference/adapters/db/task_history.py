"""Reads how tasks go, for many who watch: in few readings, one at a time.

However many watch, they take one connection of the database: who asks while there is a reading waits for the next one,
which is for all of them. Of one task there is one reading, whoever watches it.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Any

import sqlalchemy as sa

from igemoji_inference.adapters.db import tasks as store
from igemoji_inference.adapters.db.codec import findings_from_json
from igemoji_inference.adapters.db.tasks import task_steps
from igemoji_inference.domain.model import Findings, Step, Task, TaskState
from igemoji_mesh.db.database import Database

MOST_AT_ONCE = 100
"""Tasks in a reading."""

Course = tuple[Task, list[Step]]
"""A task and all its steps, as they were at one moment."""


class Courses:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked: dict[str, asyncio.Future[Course | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def read(self, task_id: str) -> Course | None:
        """How a task goes, not earlier than now; None where there is no such task."""
        answer = self._asked.get(task_id)
        if answer is None:
            answer = self._asked[task_id] = asyncio.get_running_loop().create_future()
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return await asyncio.shield(answer)

    async def _read(self) -> None:
        try:
            while self._asked:
                batch = {task_id: self._asked.pop(task_id) for task_id in list(islice(self._asked, MOST_AT_ONCE))}
                await self._answer(batch)
        finally:
            self._reading = None

    async def _answer(self, batch: dict[str, "asyncio.Future[Course | None]"]) -> None:
        def read(connection: sa.Connection) -> dict[str, Course]:
            tasks = store.get_tasks(connection, list(batch))
            return {task.id: (task, steps) for task, steps in _with_steps(connection, tasks)}

        try:
            found = await self._database.read(read)
        except Exception as error:
            for answer in batch.values():
                answer.set_exception(error)
                answer.exception()  # they may all have gone meanwhile: then it is nobody's
        else:
            for task_id, answer in batch.items():
                answer.set_result(found.get(task_id))


def _with_steps(connection: sa.Connection, found: Sequence[Task]) -> Iterator[tuple[Task, list[Step]]]:
    """Tasks, each with its steps from the first on. A step shows the task as it was then."""
    rows = connection.execute(
        sa.select(task_steps)
        .where(task_steps.c.task_id.in_([task.id for task in found]))
        .order_by(task_steps.c.task_id, task_steps.c.sequence)
    ).all()
    by_task = {task_id: list(group) for task_id, group in groupby(rows, lambda row: row.task_id)}
    for task in found:
        yield task, _steps(task, by_task.get(task.id, []))


def _steps(task: Task, rows: Sequence[sa.Row[Any]]) -> list[Step]:
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
            original_until=task.original_until if state is TaskState.DONE else None,
        )
        steps.append(Step(row.sequence, shown))
    return steps
