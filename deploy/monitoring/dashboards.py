"""Writes the dashboards of Grafana: python deploy/monitoring/dashboards.py

They are made from this list and kept beside it, so that a change is seen in a diff and Grafana needs nothing but files.
Every expression stands on its own, without variables: tests/deploy asks each of a real Prometheus.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent / "grafana" / "dashboards"
SERVICES = ("auth", "emoji-catalog", "ranking", "inference")
EDGE = 'job="gateway",envoy_http_conn_manager_prefix="edge"'
DISK = '{fstype!~"tmpfs|overlay|squashfs|ramfs"}'


@dataclass(frozen=True)
class Panel:
    title: str
    queries: dict[str, str]
    """By legend."""
    unit: str = "short"
    """As Grafana names it: s, reqps, percentunit, bytes."""
    kind: str = "timeseries"
    """Or `stat`, for one number."""
    help: str = ""


def rpc_panels(service: str) -> list[Panel]:
    of = f'job="{service}"'
    failed = 'code=~"INTERNAL|UNKNOWN|UNAVAILABLE|DEADLINE_EXCEEDED|DATA_LOSS"'
    return [
        Panel("Calls", {"{{method}}": f"sum by (method) (rate(igemoji_rpc_seconds_count{{{of}}}[5m]))"}, "reqps"),
        Panel("Answers by code", {"{{code}}": f"sum by (code) (rate(igemoji_rpc_seconds_count{{{of}}}[5m]))"}, "reqps"),
        Panel(
            "Failed by a fault of ours",
            {
                "of all calls": f"(sum(rate(igemoji_rpc_seconds_count{{{of},{failed}}}[5m])) or vector(0))"
                f" / sum(rate(igemoji_rpc_seconds_count{{{of}}}[5m]))"
            },
            "percentunit",
        ),
        Panel("Time of 99 % of calls", {"{{method}}": quantile("igemoji_rpc_seconds", of, "method")}, "s"),
        Panel("Being answered", {"{{method}}": f"sum by (method) (igemoji_rpc_in_flight{{{of}}})"}),
        Panel(
            "Dependencies", {"{{dependency}}": f"min by (dependency) (igemoji_ready{{{of}}})"}, help="1: it answers."
        ),
        Panel(
            "Time of 95 % of statements",
            {"{{statement}}": quantile("igemoji_database_statement_seconds", of, "statement", 0.95)},
            "s",
        ),
        Panel("Wait for a connection, 95 %", {"wait": quantile("igemoji_database_wait_seconds", of, "", 0.95)}, "s"),
        Panel(
            "Database connections at work", {"{{instance}}": f"igemoji_database_connections{{{of}}}"}, help="Of eight."
        ),
        Panel("Memory", {"{{instance}}": f"process_resident_memory_bytes{{{of}}}"}, "bytes"),
        Panel("Processor", {"{{instance}}": f"rate(process_cpu_seconds_total{{{of}}}[5m])"}, help="Cores."),
        Panel("Runs", {"{{version}}": f"count by (version) (igemoji_build_info{{{of}}})"}, help="Replicas by version."),
        Panel(
            "Certificate runs out in",
            {"{{instance}}": f"igemoji_certificate_expires_timestamp_seconds{{{of}}} - time()"},
            "s",
        ),
    ]


def outbox(service: str) -> list[Panel]:
    of = f'{{job="{service}"}}'
    return [
        Panel("Calls to others, not yet made", {"{{outbox}}": f"max by (outbox) (igemoji_outbox_pending{of})"}),
        Panel("Age of the oldest of them", {"{{outbox}}": f"max by (outbox) (igemoji_outbox_oldest_seconds{of})"}, "s"),
    ]


def objects(*services: str) -> list[Panel]:
    of = f'job=~"{"|".join(services)}"'
    return [
        Panel(
            "Object store, 95 %",
            {"{{operation}}": quantile("igemoji_object_store_seconds", of, "operation", 0.95)},
            "s",
            help="Of a stream: until its first byte.",
        ),
        Panel(
            "Objects damaged",
            {"{{job}} in a day": f"sum by (job) (increase(igemoji_objects_damaged_total{{{of}}}[1d]))"},
            help="Read, and not what had been put.",
        ),
    ]


def cache(service: str) -> Panel:
    counted = f'igemoji_cache_total{{job="{service}"'
    return Panel(
        "Known without asking",
        {
            "{{cache}}": f'sum by (cache) (rate({counted},outcome="hit"}}[5m]))'
            f" / (sum by (cache) (rate({counted}}}[5m])) > 0)"
        },
        "percentunit",
    )


def quantile(metric: str, matchers: str, by: str, q: float = 0.99) -> str:
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{{{matchers}}}[5m])))"


OVERVIEW = [
    Panel("Requests", {"per second": f"sum(rate(envoy_http_downstream_rq_completed{{{EDGE}}}[5m]))"}, "reqps", "stat"),
    Panel("Failed, last hour", {"of all": "igemoji:edge:bad_ratio_rate1h"}, "percentunit", "stat", "Objective: 0.1 %."),
    Panel("Slow, last hour", {"of all": "igemoji:slow:bad_ratio_rate1h"}, "percentunit", "stat", "Objective: 1 %."),
    Panel(
        "Photos late, last hour",
        {"of all": "igemoji:photos:bad_ratio_rate1h"},
        "percentunit",
        "stat",
        "Objective: 1 %.",
    ),
    Panel(
        "Photos done", {"per minute": 'sum(rate(igemoji_inference_tasks_total{outcome="done"}[5m])) * 60'}, kind="stat"
    ),
    Panel("Faces covered", {"per minute": "sum(rate(igemoji_inference_faces_sum[5m])) * 60"}, kind="stat"),
    Panel("Photos that wait", {"waiting": 'max(igemoji_inference_queue_tasks{state="queued"})'}, kind="stat"),
    Panel("Alerts", {"{{alertname}}": 'ALERTS{alertstate="firing"}'}, kind="stat", help="Watchdog is always there."),
    Panel(
        "Answers at the edge",
        {
            "{{envoy_response_code_class}}xx": "sum by (envoy_response_code_class) "
            f"(rate(envoy_http_downstream_rq_xx{{{EDGE}}}[5m]))"
        },
        "reqps",
    ),
    Panel("Calls by service", {"{{job}}": "sum by (job) (igemoji:rpc:rate5m)"}, "reqps"),
    Panel("Time of 99 % of calls, by service", {"{{job}}": "max by (job) (igemoji:rpc:p99_seconds_5m)"}, "s"),
    Panel("Replicas that answer", {"{{job}}": "sum by (job) (up)"}),
]

INFERENCE = [
    Panel(
        "Photos by how they ended",
        {"{{outcome}}": "sum by (outcome) (rate(igemoji_inference_tasks_total[5m]))"},
        "reqps",
    ),
    Panel("Tasks by state", {"{{state}}": "max by (state) (igemoji_inference_queue_tasks)"}),
    Panel("Age of the oldest that waits", {"oldest": "max(igemoji_inference_queue_oldest_seconds)"}, "s"),
    Panel("Wait for a worker, 95 %", {"wait": quantile("igemoji_inference_wait_seconds", "", "", 0.95)}, "s"),
    Panel(
        "From upload to result",
        {
            "half": quantile("igemoji_inference_task_seconds", "", "", 0.5),
            "95 %": quantile("igemoji_inference_task_seconds", "", "", 0.95),
        },
        "s",
    ),
    Panel("Stages, 95 %", {"{{stage}}": quantile("igemoji_inference_stage_seconds", "", "stage", 0.95)}, "s"),
    Panel(
        "Faces in a photo",
        {"mean": "sum(rate(igemoji_inference_faces_sum[5m])) / sum(rate(igemoji_inference_faces_count[5m]))"},
    ),
    Panel("Workers lost", {"in an hour": "sum(increase(igemoji_inference_workers_lost_total[1h]))"}),
    Panel("Models", {"{{model}} {{sha256}}": "max by (model, sha256) (igemoji_inference_model_info)"}, kind="stat"),
]

GATEWAY = [
    Panel("Requests by class", OVERVIEW[8].queries, "reqps"),
    Panel(
        "Time to answer",
        {
            "half": quantile("envoy_http_downstream_rq_time", EDGE, "", 0.5) + " / 1000",
            "99 %": quantile("envoy_http_downstream_rq_time", EDGE, "", 0.99) + " / 1000",
        },
        "s",
        help="Uploads and streams of progress are among them.",
    ),
    Panel("Connections", {"open": f"sum(envoy_http_downstream_cx_active{{{EDGE}}})"}),
    Panel("Requests under way", {"now": f"sum(envoy_http_downstream_rq_active{{{EDGE}}})"}),
    Panel(
        "Refused for asking too often",
        {"per second": "sum(rate(envoy_http_local_rate_limit_rate_limited[5m])) or vector(0)"},
        "reqps",
    ),
    Panel("Tokens refused", {"per second": 'sum(rate(envoy_http_jwt_authn_denied{job="gateway"}[5m]))'}, "reqps"),
    Panel("Keys of tokens fetched", {"ok": "sum(increase(envoy_http_jwt_authn_jwks_fetch_success[1h]))"}),
    Panel(
        "Healthy replicas", {"{{envoy_cluster_name}}": "max by (envoy_cluster_name) (envoy_cluster_membership_healthy)"}
    ),
    Panel("Calls by RPC", {"{{rpc}}": "sum by (rpc) (rate(envoy_cluster_grpc_total[5m]))"}, "reqps"),
    Panel(
        "Tried again",
        {"{{envoy_cluster_name}}": "sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_retry[5m]))"},
        "reqps",
    ),
    Panel("Memory", {"{{instance}}": 'envoy_server_memory_physical_size{job="gateway"}'}, "bytes"),
    Panel("Certificate runs out in", {"{{instance}}": "envoy_server_days_until_first_cert_expiring * 86400"}, "s"),
]

NODES = [
    Panel(
        "Processor",
        {"{{instance}}": '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))'},
        "percentunit",
    ),
    Panel(
        "Memory that is left",
        {"{{instance}}": "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"},
        "percentunit",
    ),
    Panel("Load", {"{{instance}}": "node_load5"}),
    Panel(
        "Disk that is left",
        {"{{instance}} {{mountpoint}}": f"node_filesystem_avail_bytes{DISK} / node_filesystem_size_bytes"},
        "percentunit",
    ),
    Panel(
        "Disk time", {"{{instance}}": "sum by (instance) (rate(node_disk_io_time_seconds_total[5m]))"}, "percentunit"
    ),
    Panel(
        "Network",
        {
            "{{instance}} in": 'sum by (instance) (rate(node_network_receive_bytes_total{device!="lo"}[5m]))',
            "{{instance}} out": 'sum by (instance) (rate(node_network_transmit_bytes_total{device!="lo"}[5m]))',
        },
        "Bps",
    ),
]

DASHBOARDS = {
    "overview": ("Overview", OVERVIEW),
    "auth": ("auth", [*rpc_panels("auth"), *outbox("auth")]),
    "emoji-catalog": (
        "emoji-catalog",
        [
            *rpc_panels("emoji-catalog"),
            *outbox("emoji-catalog"),
            cache("emoji-catalog"),
            *objects("emoji-catalog"),
        ],
    ),
    "ranking": ("ranking", [*rpc_panels("ranking"), cache("ranking")]),
    "inference": (
        "inference",
        [
            *INFERENCE,
            *rpc_panels("inference"),
            *outbox("inference"),
            cache("inference"),
            *objects("inference", "inference-worker"),
        ],
    ),
    "gateway": ("gateway", GATEWAY),
    "nodes": ("Nodes", NODES),
}


def dashboard(name: str, title: str, panels: list[Panel]) -> dict[str, Any]:
    placed, x, y, row = [], 0, 0, 0
    for number, panel in enumerate(panels, start=1):
        width, height = (6, 4) if panel.kind == "stat" else (12, 8)
        if x + width > 24:
            x, y, row = 0, y + row, 0
        placed.append(_panel(number, panel, {"x": x, "y": y, "w": width, "h": height}))
        x, row = x + width, max(row, height)
    return {
        "uid": f"igemoji-{name}",
        "title": f"IGE MOJI: {title}",
        "tags": ["igemoji"],
        "schemaVersion": 41,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "links": [
            {"title": "IGE MOJI", "type": "dashboards", "tags": ["igemoji"], "asDropdown": True, "keepTime": True}
        ],
        "panels": placed,
    }


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "prometheus"}
    return {
        "id": number,
        "title": panel.title,
        "description": panel.help,
        "type": panel.kind,
        "datasource": source,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(65 + index), "datasource": source, "expr": expr, "legendFormat": legend}
            for index, (legend, expr) in enumerate(panel.queries.items())
        ],
    }


def rendered() -> dict[str, str]:
    """By file name."""
    return {
        f"{name}.json": json.dumps(dashboard(name, title, panels), indent=1, ensure_ascii=False) + "\n"
        for name, (title, panels) in DASHBOARDS.items()
    }


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for file, text in rendered().items():
        (OUT / file).write_text(text, encoding="utf-8")
