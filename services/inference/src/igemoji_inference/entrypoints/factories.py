"""What the service and `igemoji-inference worker` are both put together from."""

from igemoji_inference.adapters.queue.photo_worker import Materials, Worker, WorkerOptions
from igemoji_inference.entrypoints.settings import SERVICE, WorkSettings
from igemoji_inference.usecases.progress import MemoryFeed, ProgressFeed
from igemoji_mesh.objects.port import ObjectStore, object_store
from igemoji_mesh.settings import StorageSettings


def inference_objects(settings: StorageSettings) -> ObjectStore:
    """Raises StartError."""
    return object_store(settings.objects(SERVICE), settings.object_store_keys)


def progress_feed(settings: WorkSettings) -> ProgressFeed:
    if not settings.progress_url:
        return MemoryFeed()
    from igemoji_inference.adapters.progress.redis import RedisFeed  # not loaded where it is not used

    return RedisFeed(settings.progress_url)


def worker_processes(settings: WorkSettings, objects: ObjectStore, count: int) -> list[Worker]:
    options = WorkerOptions(
        models=settings.models_dir.resolve(),
        memory_bytes=settings.task_memory_bytes,
        task_seconds=settings.task_seconds,
        engine=settings.vision_engine,
    )
    materials = Materials(objects)
    return [Worker(options, materials) for _ in range(count)]
