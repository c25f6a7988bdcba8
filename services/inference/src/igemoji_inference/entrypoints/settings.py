"""Settings of the inference service and of its workers."""

import datetime
import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic_settings import BaseSettings, SettingsConfigDict

from igemoji_inference.domain.quotas import Quotas
from igemoji_mesh.errors import StartError
from igemoji_mesh.settings import MIB, ServiceSettings, StorageSettings
from igemoji_vision.engines import EngineName

SERVICE = "inference"


class WorkSettings(BaseSettings):
    """Settings common to the service and its workers, by environment variable."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True, extra="ignore")

    models_dir: Path = Path("assets/build/models")
    """Folder of the models that `make assets` builds."""
    vision_engine: EngineName = EngineName.ONNX
    """Engine that detects faces and classifies expressions: onnx, or the fer package as fer-haar or fer-mtcnn."""
    workers: int = 0
    """Number of worker processes. 0: one per core."""
    task_queue_url: str = ""
    """amqp://…: workers on any machine get tasks from RabbitMQ. Empty: the service has worker processes itself."""
    progress_url: str = ""
    """redis://…: progress feed on Redis. Empty: in memory, for a single replica."""
    large_megapixels: float = 6
    """Photos of this size and larger have a separate queue in RabbitMQ."""
    original_hours: float = 24
    """Time for which the original of a finished photo is kept, so that its faces can be revised."""
    task_seconds: float = 20
    """Time limit of a worker for one photo."""
    task_memory_bytes: int = 1536 * MIB
    """Memory limit of a worker."""

    @property
    def worker_count(self) -> int:
        """Return the number of worker processes."""
        return self.workers or os.cpu_count() or 1

    @property
    def keep_original(self) -> datetime.timedelta:
        """Return the time for which an original is kept."""
        return datetime.timedelta(hours=self.original_hours)


class Settings(WorkSettings, ServiceSettings):
    """Settings of the inference service, by environment variable."""

    max_photo_bytes: int = 16 * MIB
    """Maximum size of an upload."""
    max_open_tasks: int = 5
    """Tasks per user that have not ended."""
    max_daily_photos: int = 1000
    """Uploads per user, from midnight to midnight (UTC). Photos that were deleted count."""
    max_daily_guest_photos: int = 100
    """The same for guests. Guest accounts are free to create, so their quota is lower."""
    max_watched: int = 20
    """Tasks that a user can watch at a time, on one replica."""
    max_queued_tasks: int = 0
    """Tasks of all users that have not ended. 0: 50 per worker process of the service, some half a minute of work, or
    1,000 with RabbitMQ."""
    result_days: float = 30
    """Time for which a result is kept."""
    rpc_deadline_seconds: float = 60
    """Default deadline, with time for an upload over a slow line."""

    @property
    def queue_limit(self) -> int:
        """Return the limit on open tasks of all users."""
        return self.max_queued_tasks or (1000 if self.task_queue_url else 50 * self.worker_count)

    @property
    def quotas(self) -> Quotas:
        """Return the limits per user."""
        return Quotas(self.max_open_tasks, self.max_daily_photos, self.max_daily_guest_photos, self.max_watched)


class WorkerSettings(WorkSettings, StorageSettings):
    """Settings of `igemoji-inference worker`, including all credentials that it gets."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    metrics_listen: str = "127.0.0.1:9090"
    """Address for Prometheus; it answers once the worker accepts tasks."""
    otel_exporter_otlp_endpoint: str = ""
    """OTLP collector for traces, over gRPC. Empty: no traces."""


def check_backends(settings: Settings | WorkerSettings) -> None:
    """Raise StartError if the configured backends can't work together."""
    queue, progress = (urlsplit(url).scheme for url in (settings.task_queue_url, settings.progress_url))
    if queue not in ("", "amqp", "amqps"):
        raise StartError(f"TASK_QUEUE_URL has the scheme {queue}, which is not supported. Use amqp://user@host.")
    if progress not in ("", "redis", "rediss"):
        raise StartError(f"PROGRESS_URL has the scheme {progress}, which is not supported. Use redis://host.")
    if not queue:
        return
    local = {
        "DATABASE_URL, a database on the network (mysql+pymysql://…)": settings.database(SERVICE).startswith("sqlite"),
        "OBJECT_STORE_URL, an object store on the network (s3://…)": settings.objects(SERVICE).startswith("file:"),
        "PROGRESS_URL, for their progress (redis://…)": not progress,
    }
    missing = [setting for setting, is_local in local.items() if is_local]
    if missing:
        raise StartError(f"With TASK_QUEUE_URL, workers run elsewhere; they also need {'; and '.join(missing)}.")
