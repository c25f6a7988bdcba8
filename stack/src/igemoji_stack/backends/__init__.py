"""Private servers on 127.0.0.1 for what real parts do: a database, a broker, progress, an object store."""

from igemoji_stack.backends.ceph import Ceph
from igemoji_stack.backends.mariadb import MariaDb
from igemoji_stack.backends.nanio import Nanio
from igemoji_stack.backends.rabbitmq import RabbitMq
from igemoji_stack.backends.redis import Redis
from igemoji_stack.backends.server import Part, PartFailed, PartMissing

__all__ = ["Ceph", "MariaDb", "Nanio", "Part", "PartFailed", "PartMissing", "RabbitMq", "Redis"]
