"""Where things listen on this machine."""

import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path

HOST = "127.0.0.1"
LISTENING = range(20_000, 32_768)
"""Below what Linux gives to outgoing connections: none of them takes a port between its choice and its use."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, all different.

    They are this process's until it ends: no other call gets them, here or in another process of the same user, while
    what is to listen there is started, killed and started again.
    """
    found: list[int] = []
    while len(found) < count:
        port = random.choice(LISTENING)  # noqa: S311 - no secret
        if _claim(port) and _is_free(port):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _claim(port: int) -> bool:
    """False where another process has claimed it, or this one has."""
    claimed = _claimed()
    if port in claimed:
        return False
    try:
        fcntl.lockf(_register(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except BlockingIOError:
        return False
    claimed.add(port)
    return True


@cache
def _claimed() -> set[int]:
    """The ports that this process has: its locks don't keep it out itself."""
    return set()


@cache
def _register() -> int:
    """A file whose bytes stand for ports. Who has a lock on one has the port; locks end with their process."""
    path = Path(tempfile.gettempdir()) / f"igemoji-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
