"""Generate the dashboards of Grafana: python deploy/monitoring/dashboards.py.

The generated files are in git, so that a diff shows changes and Grafana needs only files. Expressions have no
variables: tests/deploy runs each of them on a real Prometheus.
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
    """Expressions by legend."""
    unit: str = "short"
    """Grafana's name of the unit: s, reqps, percentunit, bytes."""
    kind: str = "timeseries"
    """Grafana's name of the panel: timeseries, or stat for one number."""
    help: str = ""


def rpc_panels(service: str) -> list[Panel]:
    of = f'job="{service}"'
    failed = 'code=~"INTERNAL|UNKNOWN|UNAVAILABLE|DEADLINE_EXCEEDED|DATA_LOSS"'
    return [
        Panel("Calls", {"{{method}}": f"sum by (method) (rate(igemoji_rpc_seconds_count{{{of}}}[5m]))"}, "reqps"),
        Panel("Answers by code", {"{{code}}": f"sum by (code) (rate(igemoji_rpc_seconds_count{{{of}}}[5m]))"}, "reqps"),
        Panel(
            "Server errors",
            {
                "of all calls": f"(sum(rate(igemoji_rpc_seconds_count{{{of},{failed}}}[5m])) or vector(0))"
                f" / sum(rate(igemoji_rpc_seconds_count{{{of}}}[5m]))"
            },
            "percentunit",
        ),
        Panel("Latency, 99 %", {"{{method}}": quantile("igemoji_rpc_seconds", of, "method")}, "s"),
        Panel("Active calls", {"{{method}}": f"sum by (method) (igemoji_rpc_in_flight{{{of}}})"}),
        Panel(
            "Dependencies", {"{{dependency}}": f"min by (dependency) (igemoji_ready{{{of}}})"}, help="1: it answers."
        ),
        Panel(
            "Database statements, 95 %",
            {"{{statement}}": quantile("igemoji_database_statement_seconds", of, "statement", 0.95)},
            "s",
        ),
        Panel(
            "Wait for a database connection, 95 %",
            {"wait": quantile("igemoji_database_wait_seconds", of, "", 0.95)},
            "s",
        ),
        Panel(
            "Database connections in use",
            {"{{instance}}": f"igemoji_database_connections{{{of}}}"},
            help="At most eight.",
        ),
        Panel("Memory", {"{{instance}}": f"process_resident_memory_bytes{{{of}}}"}, "bytes"),
        Panel("CPU", {"{{instance}}": f"rate(process_cpu_seconds_total{{{of}}}[5m])"}, help="Cores."),
        Panel(
            "Versions", {"{{version}}": f"count by (version) (igemoji_build_info{{{of}}})"}, help="Replicas by version."
        ),
        Panel(
            "Certificate expires in",
            {"{{instance}}": f"igemoji_certificate_expires_timestamp_seconds{{{of}}} - time()"},
            "s",
        ),
    ]


def outbox(service: str) -> list[Panel]:
    of = f'{{job="{service}"}}'
    return [
        Panel("Pending outbox deliveries", {"{{outbox}}": f"max by (outbox) (igemoji_outbox_pending{of})"}),
        Panel(
            "Age of the oldest delivery", {"{{outbox}}": f"max by (outbox) (igemoji_outbox_oldest_seconds{of})"}, "s"
        ),
    ]


def objects(*services: str) -> list[Panel]:
    of = f'job=~"{"|".join(services)}"'
    return [
        Panel(
            "Object store, 95 %",
            {"{{operation}}": quantile("igemoji_object_store_seconds", of, "operation", 0.95)},
            "s",
            help="For streams: until the first byte.",
        ),
        Panel(
            "Damaged objects",
            {"{{job}} in a day": f"sum by (job) (increase(igemoji_objects_damaged_total{{{of}}}[1d]))"},
            help="Objects read whose checksum differs.",
        ),
    ]


def cache(service: str) -> Panel:
    counted = f'igemoji_cache_total{{job="{service}"'
    return Panel(
        "Cache hit ratio",
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
    Panel("Queued photos", {"waiting": 'max(igemoji_inference_queue_tasks{state="queued"})'}, kind="stat"),
    Panel("Alerts", {"{{alertname}}": 'ALERTS{alertstate="firing"}'}, kind="stat", help="Watchdog always fires."),
    Panel(
        "Answers of the gateway",
        {
            "{{envoy_response_code_class}}xx": "sum by (envoy_response_code_class) "
            f"(rate(envoy_http_downstream_rq_xx{{{EDGE}}}[5m]))"
        },
        "reqps",
    ),
    Panel("Calls by service", {"{{job}}": "sum by (job) (igemoji:rpc:rate5m)"}, "reqps"),
    Panel("Latency by service, 99 %", {"{{job}}": "max by (job) (igemoji:rpc:p99_seconds_5m)"}, "s"),
    Panel("Replicas up", {"{{job}}": "sum by (job) (up)"}),
]

INFERENCE = [
    Panel(
        "Photos by outcome",
        {"{{outcome}}": "sum by (outcome) (rate(igemoji_inference_tasks_total[5m]))"},
        "reqps",
    ),
    Panel("Tasks by state", {"{{state}}": "max by (state) (igemoji_inference_queue_tasks)"}),
    Panel("Age of the oldest queued photo", {"oldest": "max(igemoji_inference_queue_oldest_seconds)"}, "s"),
    Panel("Wait for a worker, 95 %", {"wait": quantile("igemoji_inference_wait_seconds", "", "", 0.95)}, "s"),
    Panel(
        "From upload to result",
        {
            "50 %": quantile("igemoji_inference_task_seconds", "", "", 0.5),
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
        "Latency",
        {
            "50 %": quantile("envoy_http_downstream_rq_time", EDGE, "", 0.5) + " / 1000",
            "99 %": quantile("envoy_http_downstream_rq_time", EDGE, "", 0.99) + " / 1000",
        },
        "s",
        help="Including uploads and streams of progress.",
    ),
    Panel("Connections", {"open": f"sum(envoy_http_downstream_cx_active{{{EDGE}}})"}),
    Panel("Active requests", {"now": f"sum(envoy_http_downstream_rq_active{{{EDGE}}})"}),
    Panel(
        "Refused by rate limits",
        {"per second": "sum(rate(envoy_http_local_rate_limit_rate_limited[5m])) or vector(0)"},
        "reqps",
    ),
    Panel("Tokens refused", {"per second": 'sum(rate(envoy_http_jwt_authn_denied{job="gateway"}[5m]))'}, "reqps"),
    Panel("JWKS fetched", {"ok": "sum(increase(envoy_http_jwt_authn_jwks_fetch_success[1h]))"}),
    Panel(
        "Healthy replicas", {"{{envoy_cluster_name}}": "max by (envoy_cluster_name) (envoy_cluster_membership_healthy)"}
    ),
    Panel("Calls by RPC", {"{{rpc}}": "sum by (rpc) (rate(envoy_cluster_grpc_total[5m]))"}, "reqps"),
    Panel(
        "Retries",
        {"{{envoy_cluster_name}}": "sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_retry[5m]))"},
        "reqps",
    ),
    Panel("Memory", {"{{instance}}": 'envoy_server_memory_physical_size{job="gateway"}'}, "bytes"),
    Panel("Certificate expires in", {"{{instance}}": "envoy_server_days_until_first_cert_expiring * 86400"}, "s"),
]

NODES = [
    Panel(
        "CPU",
        {"{{instance}}": '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))'},
        "percentunit",
    ),
    Panel(
        "Free memory",
        {"{{instance}}": "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"},
        "percentunit",
    ),
    Panel("Load", {"{{instance}}": "node_load5"}),
    Panel(
        "Free disk space",
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
    """Return the text of each dashboard by file name."""
    return {
        f"{name}.json": json.dumps(dashboard(name, title, panels), indent=1, ensure_ascii=False) + "\n"
        for name, (title, panels) in DASHBOARDS.items()
    }


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for file, text in rendered().items():
        (OUT / file).write_text(text, encoding="utf-8")
