"""Run Envoy in a container, and drain it before it stops.

Envoy drops its connections on SIGTERM. So this process receives the signal instead: it fails the health check, so that
load balancers send no new calls; then asks clients to reconnect elsewhere, with each answer; then stops Envoy.
"""

import contextlib
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from igemoji_gateway.config.options import Address
from igemoji_gateway.runtime.admin import NOT_RUNNING, admin_request
from igemoji_gateway.runtime.binary import envoy_command

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Drain:
    """Durations of a drain."""

    notice_seconds: float = 5
    """Time for load balancers to notice the failing health check."""
    grace_seconds: float = 20
    """Time for active calls to finish after that."""


def serve(configuration: Path, admin: Address, drain: Drain, *, concurrency: int) -> int:
    """Run Envoy until it ends by itself, or until SIGTERM or SIGINT and the drain. Return its exit code."""
    stopping = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda _signum, _frame: stopping.set())
    command = [
        *envoy_command(configuration, concurrency=concurrency),
        # While draining, every answer asks to close the connection, instead of a share that grows over ten minutes.
        *("--drain-strategy", "immediate"),
        *("--drain-time-s", str(max(1, round(drain.grace_seconds)))),
    ]
    with subprocess.Popen(command) as envoy:  # noqa: S603
        while envoy.poll() is None and not stopping.wait(POLL_SECONDS):
            pass
        if envoy.poll() is None:
            _drain(envoy, admin, drain)
            envoy.terminate()
        return envoy.wait()


def _drain(envoy: "subprocess.Popen[bytes]", admin: Address, drain: Drain) -> None:
    # Without an admin API, Envoy is starting or stopping, and has no connections.
    with contextlib.suppress(*NOT_RUNNING):
        admin_request(admin, "POST", "/healthcheck/fail")
        with contextlib.suppress(subprocess.TimeoutExpired):
            envoy.wait(drain.notice_seconds)
        admin_request(admin, "POST", "/drain_listeners?graceful&skip_exit")
        until = time.monotonic() + drain.grace_seconds
        while time.monotonic() < until and envoy.poll() is None and _active_calls(admin):
            time.sleep(POLL_SECONDS)


def _active_calls(admin: Address) -> int:
    return int(admin_request(admin, "GET", "/stats?filter=^http.edge.downstream_rq_active$").rpartition(":")[2])
