"""Asks what a kubelet asks, until it has the answer once: python probe.py '[["auth", {"grpc": {"port": 50052}}], ...]'.

The Python of an image runs it, in the network of the mesh: podman 4.3 keeps no time for probes without systemd.
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
"""As long as a startup probe waits."""


def main() -> None:
    until = time.monotonic() + START_SECONDS
    for host, probe in json.loads(sys.argv[1]):
        while found := fault(host, probe):
            if time.monotonic() > until:
                sys.exit(f"{host} does not pass {probe}: {found}")
            time.sleep(1)


def fault(host: str, probe: dict[str, Any]) -> str:
    ((how, asked),) = probe.items()
    address = f"{host}:{asked['port']}"
    try:
        if how == "grpc":
            return _of_health(address, asked.get("service", ""))
        if how == "httpGet":
            urllib.request.urlopen(f"http://{address}{asked['path']}", timeout=ANSWER_SECONDS).close()
        else:
            socket.create_connection((host, asked["port"]), timeout=ANSWER_SECONDS).close()
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
