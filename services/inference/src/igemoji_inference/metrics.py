"""Metrics of the inference service and its workers."""

from igemoji_mesh.observability.metrics import Metric

WAITS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)
TASKS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 60, 300)
STAGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
FACE_COUNTS = (0, 1, 2, 5, 10, 20, 50, 100, 200)

TASKS_ENDED = Metric("igemoji_inference_tasks_total", "Tasks that ended, by outcome.", ("outcome",))
WAIT_SECONDS = Metric("igemoji_inference_wait_seconds", "Time from upload to the start of work.", (), WAITS)
TASK_SECONDS = Metric("igemoji_inference_task_seconds", "Time from upload to the end of a task.", (), TASKS)
STAGE_SECONDS = Metric("igemoji_inference_stage_seconds", "Duration of a stage of a task.", ("stage",), STAGES)
FACES = Metric("igemoji_inference_faces", "Faces in a photo.", (), FACE_COUNTS)
WORKERS_LOST = Metric("igemoji_inference_workers_lost_total", "Worker processes that died during a task.")
WORKER_METRICS = (TASKS_ENDED, WAIT_SECONDS, TASK_SECONDS, STAGE_SECONDS, FACES, WORKERS_LOST)
"""Exposed by the process that works on photos: the service (embedded queue), or workers (RabbitMQ)."""

QUEUE_TASKS = Metric("igemoji_inference_queue_tasks", "Tasks that have not ended, by state.", ("state",))
QUEUE_OLDEST_SECONDS = Metric("igemoji_inference_queue_oldest_seconds", "Age of the oldest task without a worker.")
MODEL_INFO = Metric(
    "igemoji_inference_model_info", "1 for each model in use, with the start of its SHA-256.", ("model", "sha256")
)
