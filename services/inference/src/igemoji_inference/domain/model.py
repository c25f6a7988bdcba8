"""Tasks: what they are, how they go, and what can be wrong with a request for one."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from igemoji_mesh.errors import Exhausted, FailedPrecondition, InvalidInput, NotFound, Unauthenticated, Violation
from igemoji_vision.errors import PhotoError
from igemoji_vision.faces import Box, Face

HEARTBEAT_SECONDS = 10.0

SECONDS_BACK_PER_MEGAPIXEL = 0.25
SECONDS_BACK_PER_OPEN_TASK = 1.0

MIN_FACE_PIXELS = 8
MAX_FACES = 200

CANCELLED = "CANCELLED"
"""The reason of a task that its owner stopped."""


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
        return self in (TaskState.DONE, TaskState.FAILED)


@dataclass(frozen=True)
class Failure:
    """Why a task ended without a result."""

    reason: str
    """For programs, UPPER_SNAKE."""
    message: str
    """For people."""


@dataclass(frozen=True)
class Upload:
    """What is known of a photo before it is worked on."""

    key: str
    """Where it lies."""
    checksum: str
    """Its SHA-256, as all checksums here."""
    megapixels: float
    pictures: Mapping[str, str]
    """The template's, by expression: their keys."""


@dataclass(frozen=True)
class Findings:
    """What is known about a photo so far."""

    width: int = 0
    """Of the upright photo, in pixels; 0 until it is decoded."""
    height: int = 0
    faces: tuple[Face, ...] = ()
    more_faces: bool = False
    """There are more faces than the limit; the largest are covered."""
    uncovered: frozenset[int] = frozenset()
    """Numbers of faces that their owner wants to be seen."""


@dataclass(frozen=True)
class Task:
    id: str
    user_id: str
    emoji_id: str
    created_at: datetime.datetime
    state: TaskState = TaskState.QUEUED
    percent: int = 0
    findings: Findings = field(default_factory=Findings)
    failure: Failure | None = None
    result_key: str = ""
    """Where the finished photo lies; empty until DONE."""
    result_checksum: str = ""
    """Empty also where it was finished before checksums were kept."""
    content_type: str = ""
    """Of the finished photo."""
    original_until: datetime.datetime | None = None
    """Until when the original is kept so that faces can be revised; None where it is gone."""
    revision: int = 0
    """How often its owner has revised it."""


@dataclass(frozen=True)
class Step:
    """One entry in the course of a task; `sequence` counts them from 1."""

    sequence: int
    task: Task


@dataclass(frozen=True)
class Job:
    """All that a worker is told: it acts for nobody and asks nobody."""

    task_id: str
    photo_key: str
    photo_checksum: str
    """Empty where the photo was uploaded before checksums were kept."""
    pictures: Mapping[str, str]
    """By expression: the key of the picture."""
    result_key: str
    """Where the result goes, without its extension. No two tries have the same."""
    revised: Findings | None = None
    """Faces as their owner wants them; None where they are still to be found."""


@dataclass(frozen=True)
class Done:
    """How a worker ends a job well."""

    findings: Findings
    result_key: str
    result_checksum: str
    content_type: str


@dataclass(frozen=True)
class Progress:
    """A worker begins a stage."""

    state: TaskState
    percent: int
    findings: Findings


@dataclass(frozen=True)
class Share:
    """A link to a finished photo."""

    token: str
    """The secret; only its digest is kept."""
    expires_at: datetime.datetime


@dataclass(frozen=True)
class TaskResult:
    """A line of a user's list of finished photos."""

    task_id: str
    emoji_id: str
    faces: int
    created_at: datetime.datetime


class TaskNotFound(NotFound):
    """There is no such task, or it is somebody else's: which of the two is not told."""

    def __init__(self) -> None:
        super().__init__("There is no such task.")


class EmojiNotFound(NotFound):
    """The template asked for does not exist, or may not be used by this user."""

    def __init__(self) -> None:
        super().__init__("There is no such emoji template.", violations=[Violation("emoji_id", "does not exist")])


class EmojiMissing(InvalidInput):
    """The upload does not say which template it is for."""

    def __init__(self) -> None:
        super().__init__("Say which template: emoji_id is missing.", violations=[Violation("emoji_id", "is missing")])


class ResultNotReady(FailedPrecondition):
    def __init__(self, state: TaskState) -> None:
        super().__init__(f"This task has no finished photo: it is {state}.", metadata={"state": state})


class NotFinished(FailedPrecondition):
    def __init__(self) -> None:
        super().__init__("Faces can be revised once the photo is finished.")


class OriginalGone(FailedPrecondition):
    def __init__(self) -> None:
        super().__init__("The original of this photo is not kept any more, so its faces can't be revised.")


class FaceNotFound(NotFound):
    def __init__(self, face: int, faces: int) -> None:
        text = f"There is no face {face}: this photo has {faces}, counted from 0."
        super().__init__(text, violations=[Violation("face", text)])


class NothingToRevise(InvalidInput):
    def __init__(self) -> None:
        text = "Say what to change: an expression, whether it is covered, or both."
        super().__init__(text, violations=[Violation("expression", text)])


class BoxOutside(InvalidInput):
    def __init__(self, width: int, height: int) -> None:
        text = f"at least {MIN_FACE_PIXELS} pixels of each side must lie within the photo of {width} x {height}"
        super().__init__(f"box: {text}", violations=[Violation("box", text)])


class TooManyFaces(FailedPrecondition):
    def __init__(self) -> None:
        super().__init__(f"A photo can have at most {MAX_FACES} faces.")


class LinkNotFound(NotFound):
    """There is no such link, or it has expired, or was revoked: which of them is not told."""

    def __init__(self) -> None:
        super().__init__("This link leads nowhere: it has expired, was revoked, or never was.")


class AccountGone(Unauthenticated):
    """The token is good, but its account was deleted."""

    def __init__(self) -> None:
        super().__init__("This account no longer exists.")


class TooManyOpenTasks(Exhausted):
    def __init__(self, limit: int) -> None:
        super().__init__(f"At most {limit} photos of yours are worked on at once.", retry_after_seconds=2)


class TooManyPhotosToday(Exhausted):
    def __init__(self, limit: int, now: datetime.datetime) -> None:
        midnight = datetime.datetime.combine(now.date() + datetime.timedelta(days=1), datetime.time(), datetime.UTC)
        super().__init__(
            f"At most {limit} photos of yours are taken in a day; the next one begins at midnight, UTC.",
            metadata={"limit": str(limit), "until": midnight.isoformat()},
            retry_after_seconds=max(1.0, (midnight - now).total_seconds()),
        )


class TooManyWatchers(Exhausted):
    def __init__(self, limit: int) -> None:
        super().__init__(f"At most {limit} photos of yours are watched at once.", retry_after_seconds=5)


class QueueFull(Exhausted):
    def __init__(self) -> None:
        super().__init__("Too many photos are waiting now. Try again in a moment.", retry_after_seconds=10)


class PhotoTooLarge(InvalidInput):
    http_code = 413

    def __init__(self, limit_bytes: int) -> None:
        text = f"The photo is larger than {limit_bytes // 2**20} MiB."
        super().__init__(text, violations=[Violation("image", text)])


class PhotoRefused(InvalidInput):
    """The upload is no photo that can be worked on; the reason is that of the vision error."""

    def __init__(self, error: PhotoError) -> None:
        super().__init__(str(error), violations=[Violation("image", str(error))])
        self._reason = error.reason

    @property
    def reason(self) -> str:
        return self._reason


def picture_key(checksum: str) -> str:
    """Where the picture of a template lies: under its checksum."""
    return f"pictures/{checksum}.png"


def picture_checksum(key: str) -> str:
    return key.removeprefix("pictures/").removesuffix(".png")


def turn(created_at: datetime.datetime, megapixels: float, open_tasks: int) -> datetime.datetime:
    """When it is a task's turn: tasks are begun in this order.

    A large photo stands a little further back, so that small ones need not wait behind it, and so does each further
    photo of one user. Both are bounded, so everybody's turn comes.
    """
    back = megapixels * SECONDS_BACK_PER_MEGAPIXEL + open_tasks * SECONDS_BACK_PER_OPEN_TASK
    return created_at + datetime.timedelta(seconds=back)


def with_revised_face(findings: Findings, number: int, expression: str | None, covered: bool | None) -> Findings:
    """Findings with one face as its owner wants it. Raises NothingToRevise or FaceNotFound."""
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
    """Findings with one face more, still without an expression. Raises BoxOutside or TooManyFaces."""
    if len(findings.faces) >= MAX_FACES:
        raise TooManyFaces
    inside_x = min(box.x + box.width, findings.width) - max(box.x, 0)
    inside_y = min(box.y + box.height, findings.height) - max(box.y, 0)
    if min(inside_x, inside_y) < MIN_FACE_PIXELS:
        raise BoxOutside(findings.width, findings.height)
    added = Face(box, 0.0, (), 1.0, "", {}, uncertain=True)
    return replace(findings, faces=(*findings.faces, added))
