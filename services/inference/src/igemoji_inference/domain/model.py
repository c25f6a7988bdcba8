"""Tasks: entities, states and the rules for revising faces."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from igemoji_inference.domain.errors import BoxOutside, FaceNotFound, NothingToRevise, TaskNotFound, TooManyFaces
from igemoji_vision.faces import Box, Face

HEARTBEAT_SECONDS = 10.0

DELAY_SECONDS_PER_MEGAPIXEL = 0.25
DELAY_SECONDS_PER_OPEN_TASK = 1.0

MIN_FACE_PIXELS = 8
MAX_FACES = 200

CANCELLED = "CANCELLED"
"""Failure reason of a task that its owner stopped."""


class TaskState(StrEnum):
    """`QUEUED → DECODING → DETECTING → CLASSIFYING → COMPOSING → DONE | FAILED`."""

    QUEUED = "QUEUED"
    DECODING = "DECODING"
    DETECTING = "DETECTING"
    CLASSIFYING = "CLASSIFYING"
    COMPOSING = "COMPOSING"
    DONE = "DONE"
    FAILED = "FAILED"

    @property
    def ended(self) -> bool:
        """Return whether a task in this state is DONE or FAILED."""
        return self in (TaskState.DONE, TaskState.FAILED)


@dataclass(frozen=True)
class Failure:
    """Reason for which a task ended without a result."""

    reason: str
    """For programs, UPPER_SNAKE."""
    message: str
    """For people."""


@dataclass(frozen=True)
class Upload:
    """Facts about a photo that are known before a worker has it."""

    key: str
    """Key of the original in the object store."""
    checksum: str
    """SHA-256 of the original."""
    megapixels: float
    pictures: Mapping[str, str]
    """Keys of the template's pictures, by expression."""


@dataclass(frozen=True)
class Findings:
    """Facts that the pipeline has found in a photo so far."""

    width: int = 0
    """Width of the upright photo in pixels; 0 until it is decoded."""
    height: int = 0
    faces: tuple[Face, ...] = ()
    more_faces: bool = False
    """There are more faces than the limit; the largest are covered."""
    uncovered: frozenset[int] = frozenset()
    """Numbers of the faces that their owner has uncovered."""

    @property
    def megapixels(self) -> float:
        """Return the size of the photo in millions of pixels."""
        return self.width * self.height / 1e6


@dataclass(frozen=True)
class Task:
    """The work on one photo."""

    id: str
    user_id: str
    emoji_id: str
    created_at: datetime.datetime
    state: TaskState = TaskState.QUEUED
    percent: int = 0
    findings: Findings = field(default_factory=Findings)
    failure: Failure | None = None
    result_key: str = ""
    """Key of the result in the object store; empty until DONE."""
    result_checksum: str = ""
    """SHA-256 of the result; empty if it was stored before checksums were."""
    content_type: str = ""
    """Content type of the result."""
    original_until: datetime.datetime | None = None
    """Time at which retention deletes the original; None if the task has no result yet or the original is deleted."""
    revision: int = 0
    """Number of revisions."""


@dataclass(frozen=True)
class Step:
    """One state of a task; steps are numbered from 1."""

    sequence: int
    task: Task


TaskHistory = tuple[Task, list[Step]]
"""A task and all its steps, read in one transaction."""


@dataclass(frozen=True)
class Share:
    """A share link to a result."""

    token: str
    """Secret; only its digest is stored."""
    expires_at: datetime.datetime


@dataclass(frozen=True)
class TaskResult:
    """One entry in a user's list of results."""

    task_id: str
    emoji_id: str
    faces: int
    created_at: datetime.datetime


@dataclass(frozen=True)
class ResultsPage:
    """A page of a user's results, newest first."""

    results: Sequence[TaskResult]
    total: int
    total_is_exact: bool
    next_page_token: str
    """Empty on the last page."""


def utc_now() -> datetime.datetime:
    """Return the current time, aware."""
    return datetime.datetime.now(datetime.UTC)


def picture_key(checksum: str) -> str:
    """Return the key of a template's picture: its checksum names it."""
    return f"pictures/{checksum}.png"


def picture_checksum(key: str) -> str:
    """Return the checksum of the picture that has this key."""
    return key.removeprefix("pictures/").removesuffix(".png")


def fair_queue_position(created_at: datetime.datetime, megapixels: float, open_tasks: int) -> datetime.datetime:
    """Return the time by which the queue orders a task.

    Large photos, and each further open task of one user, are placed a little later, so that small photos do not wait
    behind them. Both delays are bounded, so no task starves.
    """
    delay = megapixels * DELAY_SECONDS_PER_MEGAPIXEL + open_tasks * DELAY_SECONDS_PER_OPEN_TASK
    return created_at + datetime.timedelta(seconds=delay)


def owned(task: Task | None, user_id: str) -> Task:
    """Return `task` if it belongs to the user. Raises TaskNotFound."""
    if task is None or task.user_id != user_id:
        raise TaskNotFound
    return task


def at_step(task: Task, state: TaskState, percent: int, findings: Findings) -> Task:
    """Return a task as it was at one of its steps."""
    shown = replace(task, state=state, percent=percent, findings=findings)
    if state is not TaskState.FAILED:
        shown = replace(shown, failure=None)
    if state is not TaskState.DONE:
        shown = replace(shown, result_key="", content_type="", original_until=None)
    return shown


def with_revised_face(findings: Findings, number: int, expression: str | None, covered: bool | None) -> Findings:
    """Return findings with one face revised. Raises NothingToRevise or FaceNotFound."""
    if expression is None and covered is None:
        raise NothingToRevise
    if number >= len(findings.faces):
        raise FaceNotFound(number, len(findings.faces))
    faces = list(findings.faces)
    if expression is not None:
        faces[number] = replace(faces[number], expression=expression, uncertain=False)
    uncovered = findings.uncovered
    if covered is not None:
        uncovered = uncovered - {number} if covered else uncovered | {number}
    return replace(findings, faces=tuple(faces), uncovered=uncovered)


def with_added_face(findings: Findings, box: Box) -> Findings:
    """Return findings with one more face, still without an expression. Raises BoxOutside or TooManyFaces."""
    if len(findings.faces) >= MAX_FACES:
        raise TooManyFaces(MAX_FACES)
    inside_x = min(box.x + box.width, findings.width) - max(box.x, 0)
    inside_y = min(box.y + box.height, findings.height) - max(box.y, 0)
    if min(inside_x, inside_y) < MIN_FACE_PIXELS:
        raise BoxOutside(findings.width, findings.height, MIN_FACE_PIXELS)
    added = Face(box, 0.0, (), 1.0, "", {}, uncertain=True)
    return replace(findings, faces=(*findings.faces, added))
