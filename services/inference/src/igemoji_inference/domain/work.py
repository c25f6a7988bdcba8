"""Work on a task: the job, the lease to do it, its progress and its outcome."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from igemoji_inference.domain.model import Findings, TaskState

LEASE_SECONDS = 60.0


@dataclass(frozen=True)
class Job:
    """Everything that a worker needs for one task."""

    task_id: str
    photo_key: str
    photo_checksum: str
    """Empty if the photo was stored before checksums were."""
    pictures: Mapping[str, str]
    """Keys of the template's pictures, by expression."""
    result_key: str
    """Key for the result, without its extension; each attempt has its own."""
    revised: Findings | None = None
    """Faces as their owner revised them; None if they are still to be detected."""


@dataclass(frozen=True)
class Done:
    """Successful outcome of a job."""

    findings: Findings
    result_key: str
    result_checksum: str
    content_type: str


@dataclass(frozen=True)
class Progress:
    """Beginning of a step in a worker."""

    state: TaskState
    percent: int
    findings: Findings


FIRST_PROGRESS = Progress(TaskState.DECODING, 0, Findings())
"""Written with the claim, so that watchers see it before the worker has fetched the photo."""


@dataclass(frozen=True)
class Lease:
    """The exclusive right to work on a task until it expires."""

    id: str
    """Fencing token: each write of the holder names it."""
    job: Job
    attempts: int
    """Number of attempts, this one included."""
    created_at: datetime.datetime
    """Time of the upload."""
    queued_at: datetime.datetime
    """Time of the upload, or of the latest revision."""
    megapixels: float
    request_id: str
    traceparent: str
    """Trace of the call that created or revised the task."""
    sequence: int | None
    """Sequence of the step FIRST_PROGRESS; None for a revision, which has no such step."""
