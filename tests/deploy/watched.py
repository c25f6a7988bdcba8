"""Prometheus, Alertmanager, node exporter, and receivers of traces, alerts and mails, around a monitored mesh."""

import json
import re
import socketserver
import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import httpx
import yaml
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from igemoji_mesh.testing.free_ports import HOST, free_ports

from .conftest import DEPLOY, tool

MONITORING = DEPLOY / "monitoring"


@dataclass(frozen=True)
class Span:
    """A span of a trace."""

    trace: str
    service: str
    name: str
    attributes: Mapping[str, str]


@dataclass
class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Receives traces by OTLP over gRPC and keeps their spans."""

    spans: list[Span] = field(default_factory=list)

    def start(self) -> str:
        self._server = grpc.server(ThreadPoolExecutor(4))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        port = self._server.add_insecure_port(f"{HOST}:0")
        self._server.start()
        return f"http://{HOST}:{port}"

    def stop(self) -> None:
        self._server.stop(None).wait()

    def Export(self, request: Any, context: Any) -> Any:
        for resource in request.resource_spans:
            service = _attributes(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [
                    Span(span.trace_id.hex(), service, span.name, _attributes(span.attributes)) for span in scope.spans
                ]
        return trace_service_pb2.ExportTraceServiceResponse()


def _attributes(found: Any) -> dict[str, str]:
    return {attribute.key: attribute.value.string_value for attribute in found}


class Receiver:
    """Receives alerts of Alertmanager."""

    def __init__(self) -> None:
        self.alerts: list[tuple[str, str]] = []
        """(path, name and job of the alert)"""
        alerts = self.alerts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                alerts.extend(
                    (self.path, f"{a['labels']['alertname']} {a['labels'].get('job', '')}") for a in body["alerts"]
                )
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class MailServer:
    """Accepts mails by SMTP (RFC 5321) and discards them."""

    def __init__(self) -> None:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 ready\r\n")
                for line in self.rfile:
                    if line.upper().startswith(b"DATA"):
                        self.wfile.write(b"354 go on\r\n")
                        while self.rfile.readline() not in (b".\r\n", b""):
                            pass
                    self.wfile.write(b"250 fine\r\n")

        self._server = socketserver.ThreadingTCPServer((HOST, 0), Handler)
        self.url = f"smtp://{HOST}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Programs:
    """Child processes, ended by their own ids."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, log: Path, *command: str | Path) -> None:
        with log.open("wb") as out:
            self._running.append(subprocess.Popen([*map(str, command)], stdout=out, stderr=subprocess.STDOUT))

    def stop(self) -> None:
        for program in reversed(self._running):
            program.terminate()
        for program in self._running:
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


class Prometheus:
    """Queries the real Prometheus."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30)

    def ready(self) -> bool:
        try:
            return self._http.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def ask(self, expression: str) -> list[dict[str, Any]]:
        answer = self._http.get("/api/v1/query", params={"query": expression})
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def firing(self) -> set[tuple[str, str]]:
        """Return the firing alerts as (alert, job)."""
        found = self.ask('ALERTS{alertstate="firing"}')
        return {(one["metric"]["alertname"], one["metric"].get("job", "")) for one in found}

    def close(self) -> None:
        self._http.close()


def start_monitoring(programs: Programs, folder: Path, targets: Mapping[str, list[str]], receiver: str) -> Prometheus:
    """Start the deployed configuration with targets on this machine, seconds instead of minutes, and a receiver."""
    prometheus, alertmanager, nodes = free_ports(3)
    routing = re.sub(
        r"group_wait: \d+s", "group_wait: 1s", (MONITORING / "alertmanager" / "alertmanager.yml").read_text()
    )
    # Debian's Alertmanager is too old to read addresses from files.
    routing = re.sub(r"url_file: [\w/]+/([\w-]+)-url", rf"url: {receiver}/\1", routing)
    (folder / "alertmanager.yml").write_text(routing)
    configuration = yaml.safe_load((MONITORING / "prometheus" / "prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"}
    configuration["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [f"{HOST}:{alertmanager}"]}]}]
    here = {**targets, "prometheus": [f"{HOST}:{prometheus}"], "nodes": [f"{HOST}:{nodes}"]}
    jobs = [job for job in configuration["scrape_configs"] if job["job_name"] in here]
    assert {job["job_name"] for job in jobs} == set(here), "every job of the cluster must be scraped here"
    for job in jobs:
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [{"targets": here[job["job_name"]]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump({**configuration, "scrape_configs": jobs}))
    (folder / "rules.yml").write_text((MONITORING / "prometheus" / "rules.yml").read_text())
    alerts = (MONITORING / "prometheus" / "alerts.yml").read_text()
    (folder / "alerts.yml").write_text(re.sub(r"for: \d+[smh]", "for: 2s", alerts))
    programs.start(
        folder / "nodes.log",
        tool("prometheus-node-exporter"),
        f"--web.listen-address={HOST}:{nodes}",
        "--no-collector.wifi",
    )
    programs.start(
        *(folder / "alertmanager.log", tool("prometheus-alertmanager"), f"--config.file={folder}/alertmanager.yml"),
        *(f"--storage.path={folder}/alertmanager", f"--web.listen-address={HOST}:{alertmanager}"),
        "--cluster.listen-address=",
    )
    programs.start(
        *(folder / "prometheus.log", tool("prometheus"), f"--config.file={folder}/prometheus.yml"),
        *(f"--storage.tsdb.path={folder}/prometheus", f"--web.listen-address={HOST}:{prometheus}"),
    )
    return Prometheus(f"http://{HOST}:{prometheus}")
