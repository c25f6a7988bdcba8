"""Free TCP ports of this machine."""

import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path

HOST = "127.0.0.1"
LISTENING = range(20_000, 32_768)
"""Below the range of outgoing connections, which therefore can't take a port between its choice and its use."""

_reserved: set[int] = set()
"""Ports that this process has reserved: its file locks don't exclude itself."""


def free_ports(count: int) -> list[int]:
    """Return different ports that are free.

    This process reserves them until it ends, against other processes of the same user: a server on one of them may be
    killed and started again.
    """
    found: list[int] = []
    while len(found) < count:
        port = random.choice(LISTENING)  # noqa: S311 - not a secret
        if _reserve(port) and _is_free(port):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _reserve(port: int) -> bool:
    """Reserve a port; return False if it is reserved already."""
    if port in _reserved:
        return False
    try:
        fcntl.lockf(_register(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except BlockingIOError:
        return False
    _reserved.add(port)
    return True


@cache
def _register() -> int:
    """Open the file of reservations: a lock on byte n reserves port n, and ends with its process."""
    path = Path(tempfile.gettempdir()) / f"igemoji-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
