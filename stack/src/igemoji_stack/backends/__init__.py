"""Private backend servers on 127.0.0.1: database, message broker, progress feed, object store."""

from igemoji_stack.backends.mariadb import MariaDb
from igemoji_stack.backends.nanio import Nanio
from igemoji_stack.backends.rabbitmq import RabbitMq
from igemoji_stack.backends.redis import Redis
from igemoji_stack.backends.server import BackendError, BackendFailed, BackendMissing, BackendServer

__all__ = [
    "BackendError",
    "BackendFailed",
    "BackendMissing",
    "BackendServer",
    "MariaDb",
    "Nanio",
    "RabbitMq",
    "Redis",
]
