"""Where things listen on this machine."""

import contextlib
import random
import socket

HOST = "127.0.0.1"
LISTENING = range(20_000, 32_768)
"""Below what Linux gives to outgoing connections: none of them takes a port between its choice and its use."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, all different."""
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(found) < count:
            probe = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind((HOST, random.choice(LISTENING)))  # noqa: S311 - no secret
                found.append(probe.getsockname()[1])
    return found
