"""Rules, dashboards and runbooks are valid and consistent."""

import importlib.util
import re
import subprocess
from pathlib import Path

import yaml

from .conftest import DEPLOY, ROOT, tool
from .registry import METRICS

PROMETHEUS = DEPLOY / "monitoring" / "prometheus"
GRAFANA = DEPLOY / "monitoring" / "grafana"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def promtool(*arguments: str) -> None:
    done = subprocess.run([tool("promtool"), *arguments], cwd=PROMETHEUS, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def alerts() -> list[str]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule["alert"] for group in groups for rule in group["rules"]]


def test_promtool_accepts_the_configuration() -> None:
    promtool("check", "config", "--syntax-only", "prometheus.yml")
    promtool("check", "rules", "rules.yml", "alerts.yml")


def test_every_alert_has_a_rule_test() -> None:
    promtool("test", "rules", "tests.yml")
    tested = (PROMETHEUS / "tests.yml").read_text()
    assert [alert for alert in alerts() if alert not in tested] == []


def test_every_alert_has_its_runbook() -> None:
    headings = {line.removeprefix("### ").strip() for line in OPERATIONS.splitlines() if line.startswith("### ")}
    assert set(alerts()) <= headings
    for alert in alerts():
        assert f"docs/operations.md#{alert.lower()}" in (PROMETHEUS / "alerts.yml").read_text()


def test_queried_metrics_are_registered() -> None:
    texts = [PROMETHEUS / "rules.yml", PROMETHEUS / "alerts.yml", *GRAFANA.glob("dashboards/*.json")]
    asked = {name for path in texts for name in re.findall(r"\bigemoji_\w+", path.read_text())}
    known = {name + suffix for name in METRICS for suffix in ("", "_bucket", "_sum", "_count")}
    assert asked <= known


def test_every_metric_is_documented() -> None:
    assert [name for name in METRICS if f"`{name}" not in OPERATIONS] == []


def test_dashboards_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("dashboards", DEPLOY / "monitoring" / "dashboards.py")
    assert spec is not None
    assert spec.loader is not None
    dashboards = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dashboards)
    there = {path.name: path.read_text() for path in Path(GRAFANA / "dashboards").glob("*.json")}
    assert there == dashboards.rendered()
