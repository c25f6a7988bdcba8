"""What those who send tasks and those who work on them agree on: queues, and how Celery treats messages."""

from celery import Celery
from kombu import Exchange, Queue

WORK = "igemoji.photos.work"
"""The one task that Celery knows."""

SMALL = "igemoji.photos.small"
LARGE = "igemoji.photos.large"
FAILED = "igemoji.photos.failed"
"""Messages that were delivered too often; a worker ends their tasks."""
KEPT_ASIDE = "igemoji.photos.kept-aside"
"""The same messages, for an operator to look at."""

DELIVERY_LIMIT = 5
"""A message that so many workers took and never acknowledged is not delivered again: it may be what ends them."""
KEPT_ASIDE_DAYS = 14
KEPT_ASIDE_MOST = 10_000

CONNECT_SECONDS = 3.0
CONFIRM_SECONDS = 3.0
"""How long the broker may take to say that it has a message."""
HEARTBEAT_SECONDS = 10

_work = Exchange("igemoji.photos", type="direct", durable=True)
_dead = Exchange("igemoji.photos.dead", type="fanout", durable=True)


def _work_queue(name: str) -> Queue:
    """Quorum queues: they survive the loss of a broker, and count deliveries."""
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
ASIDE = Queue(
    KEPT_ASIDE,
    _dead,
    routing_key=FAILED,
    durable=True,
    queue_arguments={
        "x-queue-type": "quorum",
        "x-message-ttl": KEPT_ASIDE_DAYS * 24 * 3600 * 1000,
        "x-max-length": KEPT_ASIDE_MOST,
    },
)


def celery_app(url: str) -> Celery:
    """Sends and takes JSON only, keeps no results, and acknowledges what is done and not what is begun."""
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
