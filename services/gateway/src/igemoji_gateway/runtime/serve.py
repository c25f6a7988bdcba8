"""Envoy as the one program of a container: it is run, and drained before it stops.

Envoy drops its connections on SIGTERM. So the signal comes here, and Envoy hears it when nobody is left: first it fails
its health check, so that load balancers send nobody new; then it asks clients to go, answer by answer; then it ends.
"""

import contextlib
import http.client
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from igemoji_gateway.config.options import Address
from igemoji_gateway.runtime.binary import envoy_command

ADMIN_SECONDS = 2.0
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Drain:
    """How long an end takes."""

    notice_seconds: float = 5
    """How long load balancers are given to see that the health check fails."""
    grace_seconds: float = 20
    """How long calls under way may go on after that."""


def serve(configuration: Path, admin: Address, drain: Drain, *, concurrency: int) -> int:
    """Runs Envoy until it ends, or until SIGTERM or SIGINT and the drain that follows. Returns its exit code."""
    stopping = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda _signum, _frame: stopping.set())
    command = [
        *envoy_command(configuration, concurrency=concurrency),
        # Every answer says goodbye as soon as it drains, not ever more of them over ten minutes.
        *("--drain-strategy", "immediate"),
        *("--drain-time-s", str(max(1, round(drain.grace_seconds)))),
    ]
    with subprocess.Popen(command) as envoy:  # noqa: S603
        while envoy.poll() is None and not stopping.wait(LOOK_SECONDS):
            pass
        if envoy.poll() is None:
            _drain(envoy, admin, drain)
            envoy.terminate()
        return envoy.wait()


def _drain(envoy: "subprocess.Popen[bytes]", admin: Address, drain: Drain) -> None:
    # An admin port that does not answer is of an Envoy that starts or ends: nobody is connected to it.
    with contextlib.suppress(OSError, http.client.HTTPException):
        _ask(admin, "POST", "/healthcheck/fail")
        _wait(envoy, drain.notice_seconds)
        _ask(admin, "POST", "/drain_listeners?graceful&skip_exit")
        until = time.monotonic() + drain.grace_seconds
        while time.monotonic() < until and envoy.poll() is None and _calls_under_way(admin):
            time.sleep(LOOK_SECONDS)


def _wait(envoy: "subprocess.Popen[bytes]", seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        envoy.wait(seconds)


def _calls_under_way(admin: Address) -> int:
    return int(_ask(admin, "GET", "/stats?filter=^http.edge.downstream_rq_active$").rpartition(":")[2])


def _ask(admin: Address, method: str, path: str) -> str:
    with contextlib.closing(http.client.HTTPConnection(admin.host, admin.port, timeout=ADMIN_SECONDS)) as connection:
        connection.request(method, path)
        return connection.getresponse().read().decode()
