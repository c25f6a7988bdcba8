"""What the API answers with. Fields that this version does not know are passed over."""

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
"""A picture's or a photo's file, or where it lies."""
Pictures = Mapping[str, Picture]
"""By expression."""


class Model(BaseModel):
    """Base of all of them: values that are compared by what they say and are not changed."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class User(Model):
    id: str
    email: str = ""
    alias: str = ""
    created_at: datetime.datetime | None = None
    role: str = "user"
    """`user`, `operator` or `guest`."""


class Session(Model):
    """A login. Who has it is logged in: keep it like a password."""

    access_token: str
    expires_in: int
    """Seconds, from when it was given."""
    user: User
    refresh_token: str = ""
    """Counts once: after a refresh the new session has another."""
    refresh_expires_in: int = 0


class Deletion(Model):
    """How far the deletion of an account is."""

    id: str
    requested_at: datetime.datetime | None = None
    complete: bool = False
    remaining: tuple[str, ...] = ()
    """Services that have not reported yet."""


class Maker(Model):
    id: str
    alias: str = ""


class Template(Model):
    """Seven pictures, one an expression."""

    id: str
    name: str
    owner: Maker
    images: dict[str, str]
    """Paths of the pictures below the server's address, by expression."""
    etag: str = ""
    """Changes whenever the template does."""
    created_at: datetime.datetime | None = None
    built_in: bool = False
    visibility: str = "public"
    tags: tuple[str, ...] = ()
    uses: int = 0
    favorites: int = 0
    is_favorite: bool = False
    hidden: bool = False


class TemplatePage(Model):
    emojis: tuple[Template, ...] = ()
    total: int = 0
    total_is_exact: bool = True
    """False: there are more than `total`."""
    next_page_token: str = ""


class Report(Model):
    reason: str
    comment: str = ""
    reported_at: datetime.datetime | None = None


class Reported(Model):
    """A template in the operators' queue."""

    emoji: Template
    total: int
    """Of reports."""
    reports: tuple[Report, ...] = ()
    """The newest."""
    waiting_since: datetime.datetime | None = None


class TaskState(StrEnum):
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
        return self in (TaskState.DONE, TaskState.FAILED)


class Box(Model):
    """In pixels of the upright photo, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float


class Face(Model):
    face: int = 0
    """Its number in the photo."""
    box: Box
    roll: float = 0
    """Degrees that the head is turned clockwise."""
    expression: str = ""
    uncertain: bool = False
    scores: dict[str, float] | None = None
    """Probabilities by expression."""
    covered: bool = True


class TaskError(Model):
    reason: str = ""
    message: str = ""


class Task(Model):
    """A photo that is being worked on, or was."""

    task_id: str
    state: TaskState
    percent: int = 0
    faces: tuple[Face, ...] = ()
    image_url: str = ""
    """The path of the finished photo below the server's address."""
    error: TaskError | None = None
    emoji_id: str = ""
    created_at: datetime.datetime | None = None
    width: int = 0
    height: int = 0
    more_faces: bool = False
    revisable_until: datetime.datetime | None = None


class Result(Model):
    """A finished photo on one's page."""

    task_id: str
    emoji_id: str = ""
    image_url: str = ""
    faces: int = 0
    created_at: datetime.datetime | None = None


class Share(Model):
    token: str
    url: str
    """The path of what the link leads to."""
    expires_at: datetime.datetime | None = None


class Shared(Model):
    """What a link leads to."""

    image_url: str
    width: int = 0
    height: int = 0
    emoji_id: str = ""
    expires_at: datetime.datetime | None = None


class RankingEntry(Model):
    rank: int
    emoji: Template
    uses: int


class Ranking(Model):
    entries: tuple[RankingEntry, ...] = ()


class WatchEvent(Model):
    """A step of a task, as the server sends it."""

    sequence: int = 0
    heartbeat: bool = False
    task: Task


Json = dict[str, Any]
