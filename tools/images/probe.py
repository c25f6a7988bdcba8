"""Make the probes of a kubelet until each has succeeded once.

Usage: python probe.py '[["auth", {"grpc": {"port": 50052}}], ...]'

The Python of an image runs it in the network of the mesh, because podman 4.3 does not run probes without systemd.
"""

import json
import socket
import sys
import time
import urllib.request
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

ANSWER_SECONDS = 10
START_SECONDS = 180
"""Time limit of a startup probe."""


def main() -> None:
    """Make the probes of the command line."""
    until = time.monotonic() + START_SECONDS
    for host, probe in json.loads(sys.argv[1]):
        while found := fault(host, probe):
            if time.monotonic() > until:
                sys.exit(f"{host} does not pass {probe}: {found}")
            time.sleep(1)


def fault(host: str, probe: dict[str, Any]) -> str:
    """Return why a probe fails, or an empty string."""
    ((how, check),) = probe.items()
    address = f"{host}:{check['port']}"
    try:
        if how == "grpc":
            return _of_health(address, check.get("service", ""))
        if how == "httpGet":
            urllib.request.urlopen(f"http://{address}{check['path']}", timeout=ANSWER_SECONDS).close()
        else:
            socket.create_connection((host, check["port"]), timeout=ANSWER_SECONDS).close()
    except (OSError, grpc.RpcError) as error:
        return str(error)
    return ""


def _of_health(address: str, service: str) -> str:
    with grpc.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=ANSWER_SECONDS)
    return "" if answer.status == health_pb2.HealthCheckResponse.SERVING else str(answer)


if __name__ == "__main__":
    main()
