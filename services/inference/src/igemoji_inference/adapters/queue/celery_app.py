"""Celery configuration common to the service and its workers: queues and handling of messages."""

from celery import Celery
from kombu import Exchange, Queue

WORK = "igemoji.photos.work"
"""Name of the only Celery task."""

SMALL = "igemoji.photos.small"
LARGE = "igemoji.photos.large"
FAILED = "igemoji.photos.failed"
"""Messages that were delivered too often; a worker fails their tasks."""
DEAD_LETTER = "igemoji.photos.kept-aside"
"""The same messages, for the operator."""

DELIVERY_LIMIT = 5
"""A message that this many workers received and never acknowledged is not delivered again: it may be what ends them."""
DEAD_LETTER_DAYS = 14
MAX_DEAD_LETTERS = 10_000

CONNECT_SECONDS = 3.0
CONFIRM_SECONDS = 3.0
"""Maximum time for the broker to confirm a message."""
HEARTBEAT_SECONDS = 10

_work = Exchange("igemoji.photos", type="direct", durable=True)
_dead = Exchange("igemoji.photos.dead", type="fanout", durable=True)


def _work_queue(name: str) -> Queue:
    """Return a quorum queue: it survives the loss of a broker, and counts deliveries."""
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": _dead.name,
        "x-dead-letter-routing-key": FAILED,
    }
    return Queue(name, _work, routing_key=name, durable=True, queue_arguments=arguments)


QUEUES = {
    SMALL: _work_queue(SMALL),
    LARGE: _work_queue(LARGE),
    FAILED: Queue(FAILED, _dead, routing_key=FAILED, durable=True, queue_arguments={"x-queue-type": "quorum"}),
}
DEAD_LETTERS = Queue(
    DEAD_LETTER,
    _dead,
    routing_key=FAILED,
    durable=True,
    queue_arguments={
        "x-queue-type": "quorum",
        "x-message-ttl": DEAD_LETTER_DAYS * 24 * 3600 * 1000,
        "x-max-length": MAX_DEAD_LETTERS,
    },
)


def celery_app(url: str) -> Celery:
    """Return an app that accepts JSON only, stores no results and acknowledges messages after their tasks."""
    app = Celery("igemoji", broker=url, set_as_current=False)
    app.conf.update(
        task_queues=list(QUEUES.values()),
        task_default_queue=SMALL,
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        result_backend=None,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_enable_prefetch_count_reduction=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_timeout=CONNECT_SECONDS,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_heartbeat=HEARTBEAT_SECONDS,
        broker_transport_options={"confirm_publish": True},
    )
    return app
