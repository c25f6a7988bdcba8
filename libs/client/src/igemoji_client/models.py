"""Responses of the API. Fields that this version does not know are ignored."""

import datetime
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

Expression = Literal["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
Visibility = Literal["public", "unlisted", "private"]
Sort = Literal["new", "popular", "favorites"]
Window = Literal["day", "week", "month", "all"]
ReportReason = Literal["offensive", "copyright", "privacy", "spam", "other"]
Decision = Literal["hide", "restore", "delete"]

Picture = bytes | Path
"""The bytes of a picture or photo, or the path of its file."""
Pictures = Mapping[str, Picture]
"""Pictures by expression."""


class Model(BaseModel):
    """Base of all responses: immutable values."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class User(Model):
    """An account."""

    id: str
    email: str = ""
    alias: str = ""
    created_at: datetime.datetime | None = None
    role: str = "user"
    """`user`, `operator` or `guest`."""


class Session(Model):
    """A login. Keep it like a password."""

    access_token: str
    expires_in: int
    """Seconds from when it was issued."""
    user: User
    refresh_token: str = ""
    """Works once: the session after a refresh has another one."""
    refresh_expires_in: int = 0


class Deletion(Model):
    """Progress of the deletion of an account."""

    id: str
    requested_at: datetime.datetime | None = None
    complete: bool = False
    remaining: tuple[str, ...] = ()
    """Services that have not finished."""


class Maker(Model):
    """The account that owns a template."""

    id: str
    alias: str = ""


class Template(Model):
    """A template: seven pictures, one per expression."""

    id: str
    name: str
    owner: Maker
    images: dict[str, str]
    """Paths of the pictures on the server, by expression."""
    etag: str = ""
    """Changes with every edit."""
    created_at: datetime.datetime | None = None
    built_in: bool = False
    visibility: str = "public"
    tags: tuple[str, ...] = ()
    uses: int = 0
    favorites: int = 0
    is_favorite: bool = False
    hidden: bool = False


class TemplatePage(Model):
    """A page of a list of templates."""

    emojis: tuple[Template, ...] = ()
    total: int = 0
    total_is_exact: bool = True
    """False: there are more than `total`."""
    next_page_token: str = ""


class Report(Model):
    """A user's report of a template."""

    reason: str
    comment: str = ""
    reported_at: datetime.datetime | None = None


class Reported(Model):
    """A template in the operators' queue."""

    emoji: Template
    total: int
    """Number of reports."""
    reports: tuple[Report, ...] = ()
    """The newest reports."""
    waiting_since: datetime.datetime | None = None


class TaskState(StrEnum):
    """State of a task."""

    UNSPECIFIED = "TASK_STATE_UNSPECIFIED"
    QUEUED = "TASK_STATE_QUEUED"
    DECODING = "TASK_STATE_DECODING"
    DETECTING = "TASK_STATE_DETECTING"
    CLASSIFYING = "TASK_STATE_CLASSIFYING"
    COMPOSING = "TASK_STATE_COMPOSING"
    DONE = "TASK_STATE_DONE"
    FAILED = "TASK_STATE_FAILED"

    @classmethod
    def _missing_(cls, _value: object) -> "TaskState":
        return cls.UNSPECIFIED  # a step that this version does not know

    @property
    def ended(self) -> bool:
        """Return whether the state is final."""
        return self in (TaskState.DONE, TaskState.FAILED)


class Box(Model):
    """A box in pixels of the upright photo, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float


class Face(Model):
    """A face in a photo."""

    face: int = 0
    """Its number in the photo."""
    box: Box
    roll: float = 0
    """Degrees by which the head is rotated clockwise."""
    expression: str = ""
    uncertain: bool = False
    scores: dict[str, float] | None = None
    """Probabilities by expression."""
    covered: bool = True


class TaskError(Model):
    """Why a task failed."""

    reason: str = ""
    message: str = ""


class Task(Model):
    """The work on one photo."""

    task_id: str
    state: TaskState
    percent: int = 0
    faces: tuple[Face, ...] = ()
    image_url: str = ""
    """Path of the finished photo on the server."""
    error: TaskError | None = None
    emoji_id: str = ""
    created_at: datetime.datetime | None = None
    width: int = 0
    height: int = 0
    more_faces: bool = False
    revisable_until: datetime.datetime | None = None


class Result(Model):
    """A finished photo on my page."""

    task_id: str
    emoji_id: str = ""
    image_url: str = ""
    faces: int = 0
    created_at: datetime.datetime | None = None


class Share(Model):
    """A share link."""

    token: str
    url: str
    """Path of the shared photo's page."""
    expires_at: datetime.datetime | None = None


class Shared(Model):
    """The photo behind a share link."""

    image_url: str
    width: int = 0
    height: int = 0
    emoji_id: str = ""
    expires_at: datetime.datetime | None = None


class RankingEntry(Model):
    """A template in the ranking."""

    rank: int
    emoji: Template
    uses: int


class Ranking(Model):
    """The most used templates of a window."""

    entries: tuple[RankingEntry, ...] = ()


class WatchEvent(Model):
    """An event of the progress stream."""

    sequence: int = 0
    heartbeat: bool = False
    task: Task


Json = dict[str, Any]
