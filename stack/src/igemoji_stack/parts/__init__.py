"""Private servers on 127.0.0.1 for what real parts do: a database, a broker, progress, an object store."""

from igemoji_stack.parts.ceph import Ceph
from igemoji_stack.parts.mariadb import MariaDb
from igemoji_stack.parts.nanio import Nanio
from igemoji_stack.parts.part import Part, PartFailed, PartMissing
from igemoji_stack.parts.rabbitmq import RabbitMq
from igemoji_stack.parts.redis import Redis

__all__ = ["Ceph", "MariaDb", "Nanio", "Part", "PartFailed", "PartMissing", "RabbitMq", "Redis"]
