"""All metrics of the mesh, and the processes that expose them."""

from igemoji_auth import metrics as auth
from igemoji_inference import metrics as inference
from igemoji_mesh.observability import metrics as mesh

SERVICES = ("auth", "emoji-catalog", "ranking", "inference")
WORKER = "inference-worker"

METRICS = mesh.METRICS


def processes(name: str) -> tuple[str, ...]:
    """Return the processes that expose a metric in a mesh with Celery workers."""
    metric = METRICS[name]
    if metric in vars(inference).values():
        return (WORKER,) if metric in inference.WORKER_METRICS else ("inference",)
    if metric in vars(auth).values():
        return ("auth",)
    if metric in (mesh.OUTBOX_PENDING, mesh.OUTBOX_OLDEST_SECONDS):
        return ("auth", "emoji-catalog", "inference")
    if metric in (mesh.OBJECT_STORE_SECONDS, mesh.OBJECTS_DAMAGED):
        return ("emoji-catalog", "inference", WORKER)
    return ("emoji-catalog", "ranking", "inference") if metric is mesh.CACHE else SERVICES
