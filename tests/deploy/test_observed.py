"""A mesh with real backends, monitored by Prometheus and Alertmanager with the deployed configuration."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from support.loops import LoopThread
from support.mesh import eventually as wait_until
from support.users import ASSETS, encoded_pictures
from support.users import PEOPLE_PHOTO as PHOTO

from igemoji_mesh.testing.free_ports import HOST
from igemoji_stack.backends.backend import Backend
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import CannotStart, MeshOptions

from .conftest import tool
from .registry import METRICS, processes
from .watched import MONITORING, Collector, MailServer, Programs, Prometheus, Receiver, start_monitoring

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

SERVICES = ("auth", "emoji-catalog", "ranking", "inference", "inference-worker")
DASHBOARDS = sorted((MONITORING / "grafana" / "dashboards").glob("*.json"))

PASSWORD = "a long enough one"

eventually = partial(wait_until, seconds=120)


@dataclass
class Watched:
    """A mesh and its monitoring."""

    mesh: Mesh
    collector: Collector
    prometheus: Prometheus
    receiver: Receiver
    run: Callable[..., Any]
    lines: list[tuple[str, str]]
    """Log lines of processes: (service, line)."""
    request_id: str = ""
    """Request id of the first upload."""
    accounts: int = 0
    """Number of accounts made so far."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    for name in ("prometheus", "prometheus-alertmanager", "prometheus-node-exporter"):
        tool(name)
    loop = LoopThread("mesh")
    run = partial(loop.run, seconds=200)
    lines: list[tuple[str, str]] = []
    collector, receiver, mails, programs = Collector(), Receiver(), MailServer(), Programs()
    options = MeshOptions(
        data=folder / "mesh",
        assets=ASSETS,
        port=0,
        workers=1,
        rate_factor=100,
        backend=Backend.REAL,
        traces=collector.start(),
        smtp_url=mails.url,
    )
    mesh = Mesh(options, lambda name, line: lines.append((name, line)))
    try:
        try:
            run(mesh.start())
        except CannotStart as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"{error} (make install-backends)")
        targets = {name: [f"{HOST}:{mesh.metrics_port(name)}"] for name in (*SERVICES, "gateway")}
        prometheus = start_monitoring(programs, folder, targets, receiver.url)
        watched = Watched(mesh, collector, prometheus, receiver, run, lines)
        eventually(prometheus.ready)
        use(watched)
        yield watched
        prometheus.close()
    finally:
        run(mesh.stop())
        programs.stop()
        receiver.stop()
        mails.stop()
        collector.stop()
        loop.close()


def use(watched: Watched) -> None:
    """Use every feature twice: a counter has a rate only after it was scraped before it grew."""
    watched.request_id = use_again(watched)
    eventually(lambda: watched.prometheus.ask("igemoji_inference_tasks_total"))
    use_again(watched)


def use_again(watched: Watched) -> str:
    """Use the features of a new account, and return the request id of the upload.

    One account may not ask for more than three password resets an hour.
    """
    watched.accounts += 1
    account = {
        "email": f"minji{watched.accounts}@example.org",
        "password": PASSWORD,
        "alias": f"민지{watched.accounts}",
    }
    with httpx.Client(base_url=watched.mesh.url, timeout=60) as http:
        assert http.post("/api/v1/users", json=account).status_code == 201
        token = http.post("/api/v1/users/auth", json=account).json()["access_token"]
        me = {"Authorization": f"Bearer {token}"}
        emoji = http.get("/api/v1/emojis/pages/1").json()["emojis"][0]["id"]
        upload = http.post("/api/v1/faces/tasks", params={"emoji_id": emoji}, content=PHOTO.read_bytes(), headers=me)
        assert upload.status_code == 202, upload.text
        eventually(partial(_done, http, upload.json()["task_id"], me))
        made = http.post("/api/v1/emojis", json={"name": "Mine", "images": encoded_pictures()}, headers=me)
        assert http.delete(f"/api/v1/emojis/{made.json()['id']}", headers=me).status_code == 200
        page = {"X-Requested-With": "fetch"}
        assert http.post("/api/v1/users/auth/refresh", json={}, headers=page).status_code == 200
        assert http.get("/api/v1/users/mypage/result", headers=me).status_code == 200
        assert http.get("/api/v1/faces/ranking").status_code == 200
        assert http.get("/api/v1/users/me", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert http.post("/api/v1/users/password-reset", json={"email": account["email"]}).status_code == 202
        return str(upload.headers["x-request-id"])


def _done(http: httpx.Client, task: str, me: dict[str, str]) -> bool:
    state = http.get(f"/api/v1/faces/tasks/{task}", headers=me).json()["state"]
    assert state != "TASK_STATE_FAILED"
    return bool(state == "TASK_STATE_DONE")


def test_every_metric_is_exposed(watched: Watched) -> None:
    wanted = {(metric.series, job) for metric in METRICS.values() for job in processes(metric.name)}

    def missing() -> set[tuple[str, str]]:
        found = watched.prometheus.ask('{__name__=~"igemoji_.+"}')
        return wanted - {(one["metric"]["__name__"], one["metric"]["job"]) for one in found}

    try:
        eventually(lambda: not missing())
    except AssertionError:
        raise AssertionError(missing()) from None
    made = {one["metric"]["__name__"] for one in watched.prometheus.ask('{__name__=~"igemoji_.+"}')}
    known = {name + suffix for name in METRICS for suffix in ("", "_bucket", "_sum", "_count", "_created")}
    known |= {f"{name.removesuffix('_total')}_created" for name in METRICS}
    assert made <= known, "a metric is not registered"


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_every_expression_of_a_dashboard_returns_data(watched: Watched, dashboard: Path) -> None:
    panels = json.loads(dashboard.read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert expressions

    empty: list[str] = []

    def complete() -> bool:
        empty[:] = [expression for expression in expressions if not watched.prometheus.ask(expression)]
        if empty:
            use_again(watched)
            time.sleep(10)  # scrapes and evaluations; an IP address may log in ten times in five minutes
        return not empty

    try:
        eventually(complete)
    except AssertionError as error:
        raise AssertionError(empty) from error


def test_trace_of_an_upload_spans_services_queue_and_worker(watched: Watched) -> None:
    def trace() -> dict[str, set[str]]:
        ids = {s.trace for s in watched.collector.spans if s.attributes.get("igemoji.request_id") == watched.request_id}
        found: dict[str, set[str]] = {}
        for span in list(watched.collector.spans):
            if span.trace in ids:
                found.setdefault(span.service, set()).add(span.name)
        return found

    def whole() -> bool:
        found = trace()
        return set(found) >= {"gateway", *SERVICES} and "composing" in found["inference-worker"]

    try:
        eventually(whole)
    except AssertionError:
        raise AssertionError(trace()) from None
    spans = trace()
    assert {"task queued", "task", "decoding", "detecting", "classifying", "composing"} <= spans["inference-worker"]
    assert "igemoji.inference.v1.InferenceService/CreateTask" in spans["inference"]
    assert "igemoji.ranking.v1.RankingService/RecordUse" in spans["ranking"]


def test_request_id_is_in_the_logs_of_every_service(watched: Watched) -> None:
    def logged() -> set[str]:
        return {name for name, line in list(watched.lines) if watched.request_id in line}

    eventually(lambda: logged() >= {"gateway", "auth", "emoji-catalog", "ranking", "inference"})
    services = [line for name, line in watched.lines if name in SERVICES and line.startswith("{")]
    assert services
    for line in services:
        json.loads(line)
    for personal in ("minji", "example.org", "민지", "a long enough one"):
        assert not any(personal in line for _, line in watched.lines), personal


def test_spans_and_metrics_have_no_personal_data(watched: Watched) -> None:
    values = [value for span in watched.collector.spans for value in (span.name, *span.attributes.values())]
    labels = [value for one in watched.prometheus.ask('{__name__=~"igemoji_.+"}') for value in one["metric"].values()]
    for personal in ("minji", "example.org", "민지", "email"):
        assert not any(personal in value for value in (*values, *labels)), personal


def test_healthy_mesh_fires_no_page(watched: Watched) -> None:
    eventually(lambda: ("Watchdog", "") in watched.prometheus.firing())
    eventually(lambda: any(path == "/heartbeat" for path, _ in watched.receiver.alerts))
    pages = {
        rule["alert"]
        for group in yaml.safe_load((MONITORING / "prometheus" / "alerts.yml").read_text())["groups"]
        for rule in group["rules"]
        if rule["labels"]["severity"] == "page"
    }
    assert {alert for alert, _ in watched.prometheus.firing()} & pages == set()


def test_stopped_service_fires_an_alert(watched: Watched) -> None:
    """Runs last, because ranking stays stopped."""
    watched.run(watched.mesh.processes["ranking"].stop())
    eventually(lambda: ("ServiceDown", "ranking") in watched.prometheus.firing())
    eventually(lambda: ("/on-call", "ServiceDown ranking") in watched.receiver.alerts)
