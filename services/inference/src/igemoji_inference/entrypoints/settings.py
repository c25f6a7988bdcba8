"""Settings of the inference service and of its workers."""

import datetime
import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic_settings import BaseSettings, SettingsConfigDict

from igemoji_inference.adapters.db.quotas import Quotas
from igemoji_mesh.errors import StartError
from igemoji_mesh.settings import MIB, ServiceSettings, StorageSettings
from igemoji_vision.engines import EngineName

SERVICE = "inference"


class WorkSettings(BaseSettings):
    """What the service and its workers must agree on, by environment variable."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True, extra="ignore")

    models_dir: Path = Path("assets/build/models")
    """What `make assets` built."""
    vision_engine: EngineName = EngineName.ONNX
    """What finds faces and tells their expressions: onnx, or the fer package as fer-haar or fer-mtcnn."""
    workers: int = 0
    """Worker processes. 0: one for each core."""
    task_queue_url: str = ""
    """amqp://… : workers elsewhere take tasks from RabbitMQ. Empty: worker processes of the service itself."""
    progress_url: str = ""
    """redis://… : news of tasks go through Redis. Empty: they stay within the service."""
    large_megapixels: float = 6
    """Photos of so many megapixels and more wait in a queue of their own, in RabbitMQ."""
    original_hours: float = 24
    """How long the original of a finished photo stays, so that its faces can be revised."""
    task_seconds: float = 20
    """What a worker may take for one photo before it is ended."""
    task_memory_bytes: int = 1536 * MIB
    """What a worker may hold while it works on one photo."""

    @property
    def worker_count(self) -> int:
        return self.workers or os.cpu_count() or 1

    @property
    def keep_original(self) -> datetime.timedelta:
        return datetime.timedelta(hours=self.original_hours)


class Settings(WorkSettings, ServiceSettings):
    """What the inference service can be told, by environment variable."""

    max_photo_bytes: int = 16 * MIB
    """A larger photo is refused."""
    max_open_tasks: int = 5
    """Of one user at a time."""
    max_daily_photos: int = 1000
    """Of one user, from midnight to midnight (UTC). Photos that were deleted count too."""
    max_daily_guest_photos: int = 100
    """The same of a guest: anybody can be one, and another one."""
    max_watched: int = 20
    """Tasks that one user may watch at a time, on one replica."""
    max_queued_tasks: int = 0
    """Of all users together; more are refused until some are done. 0: 50 for each worker process of the service itself,
    some half a minute of work, and 1,000 where workers run elsewhere."""
    result_days: float = 30
    """How long a finished photo stays."""
    rpc_deadline_seconds: float = 60
    """An upload over a slow line takes its time."""

    @property
    def queue_bound(self) -> int:
        return self.max_queued_tasks or (1000 if self.task_queue_url else 50 * self.worker_count)

    @property
    def quotas(self) -> Quotas:
        return Quotas(self.max_open_tasks, self.max_daily_photos, self.max_daily_guest_photos, self.max_watched)


class WorkerSettings(WorkSettings, StorageSettings):
    """What `igemoji-inference worker` can be told: all that it needs, and so all the credentials that it gets."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    metrics_listen: str = "127.0.0.1:9090"
    """Where Prometheus may scrape; it answers once the worker takes tasks."""
    otel_exporter_otlp_endpoint: str = ""
    """Where traces go, by OTLP over gRPC. Empty: none are recorded."""


def check_parts(settings: Settings | WorkerSettings) -> None:
    """Raises StartError, with a sentence, where the parts that are named can't work together."""
    queue, progress = (urlsplit(url).scheme for url in (settings.task_queue_url, settings.progress_url))
    if queue not in ("", "amqp", "amqps"):
        raise StartError(f"TASK_QUEUE_URL names {queue}, which is not supported: it must look like amqp://user@host.")
    if progress not in ("", "redis", "rediss"):
        raise StartError(f"PROGRESS_URL names {progress}, which is not supported: it must look like redis://host.")
    if not queue:
        return
    on_this_machine = {
        "DATABASE_URL, a database on the network (mysql+pymysql://…)": settings.database(SERVICE).startswith("sqlite"),
        "OBJECT_STORE_URL, an object store on the network (s3://…)": settings.objects(SERVICE).startswith("file:"),
        "PROGRESS_URL, to hear of their progress (redis://…)": not progress,
    }
    missing = [what for what, is_here in on_this_machine.items() if is_here]
    if missing:
        raise StartError(f"With TASK_QUEUE_URL workers run elsewhere; they also need {'; and '.join(missing)}.")
