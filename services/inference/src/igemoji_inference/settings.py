"""Settings of the inference service."""

import os
from pathlib import Path

from igemoji_inference.vision.engines import EngineName
from igemoji_mesh.settings import MIB, ServiceSettings


class Settings(ServiceSettings):
    """What the inference service can be told, by environment variable."""

    models_dir: Path = Path("assets/build/models")
    """What `make assets` built."""
    vision_engine: EngineName = EngineName.ONNX
    """What finds faces and tells their expressions: onnx, or the fer package as fer-haar or fer-mtcnn."""
    workers: int = 0
    """Worker processes. 0: one for each core."""
    max_photo_bytes: int = 16 * MIB
    """A larger photo is refused."""
    max_open_tasks: int = 5
    """Of one user at a time."""
    max_queued_tasks: int = 1000
    """Of all users together; more are refused until some are done."""
    original_hours: float = 24
    """How long the original of a finished photo stays, so that its faces can be revised."""
    result_days: float = 30
    """How long a finished photo stays."""
    task_seconds: float = 20
    """What a worker may take for one photo before it is ended."""
    task_memory_bytes: int = 1536 * MIB
    """What a worker may hold while it works on one photo."""
    rpc_deadline_seconds: float = 60
    """An upload over a slow line takes its time."""

    @property
    def worker_count(self) -> int:
        return self.workers or os.cpu_count() or 1
