"""docs/adding-an-rpc.md and docs/adding-a-service.md: their steps work, performed in a copy of the tree."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .guide import Copy

pytestmark = pytest.mark.timeout(300)  # ten seconds on an idle machine

RUFF = (sys.executable, "-m", "ruff")
PYTEST = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider")

KNOWN = """
import json, os
from pathlib import Path
from igemoji_gateway.config.options import Certificates, GatewayOptions
from igemoji_gateway.config.bootstrap import bootstrap
from igemoji_mesh.settings import ServiceSettings
from igemoji_stack.mesh.commands import Commands
from igemoji_stack.mesh.options import SERVICES, MeshOptions
from igemoji_stack.mesh.tcp_ports import assign_ports

gateway = GatewayOptions.machine(dict.fromkeys(SERVICES, 1), Certificates(Path("cert"), Path("key"), Path("ca")))
static = bootstrap(gateway)["static_resources"]
manager = static["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
routes = manager["route_config"]["virtual_hosts"][0]["routes"]
options = MeshOptions(data=Path("data"), assets=Path("assets"))
ports = assign_ports(options)
commands = Commands(options, "http://127.0.0.1:8080", ports, lambda name: [each.rpc for each in ports[name]], None)
started = {command.name: command for command in commands.services()}
os.environ.update(started["auth"].environment)
print(json.dumps({
    "routes": [route["name"] for route in routes if "name" in route],
    "clusters": [cluster["name"] for cluster in static["clusters"]],
    "arguments": {name: command.arguments for name, command in started.items()},
    "upstreams": ServiceSettings().upstreams,
}))
"""
"""Prints what the gateway routes and to where, what `igemoji up` starts, and the upstreams in the settings of auth."""


@pytest.fixture
def workbench(tmp_path: Path) -> Copy:
    """Return a copy of the tree in which a guide can be performed."""
    return Copy(tmp_path)


def check_style(copy: Copy, touched: Iterable[Path]) -> None:
    files = [str(path.relative_to(copy.folder)) for path in touched]
    copy.run([*RUFF, "check", *files])
    copy.run([*RUFF, "format", "--check", *files])


def openapi_paths(copy: Copy) -> dict[str, object]:
    document = copy.folder / "libs/protos/src/igemoji_protos/data/openapi.json"
    paths: dict[str, object] = json.loads(document.read_text())["paths"]
    return paths


def known(copy: Copy) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(copy.run([sys.executable, "-c", KNOWN]))
    return found


def test_steps_of_a_new_rpc_make_it_answer(workbench: Copy) -> None:
    check_style(workbench, workbench.perform("adding-an-rpc.md"))

    assert "/api/v1/faces/ranking/{emoji_id}" in openapi_paths(workbench)
    assert "/igemoji.ranking.v1.RankingService/GetUseCount" in known(workbench)["routes"]
    suites = ["services/ranking/tests/test_use_count.py", "tests/contract/test_access.py", "tests/docs/test_limits.py"]
    workbench.run([*PYTEST, *suites, "-k", "use_count or table"])


def test_steps_of_a_new_service_make_it_known_and_answer(workbench: Copy) -> None:
    check_style(workbench, workbench.perform("adding-a-service.md"))

    assert "/api/v1/announcement" in openapi_paths(workbench)
    found = known(workbench)
    assert "/igemoji.announcements.v1.AnnouncementsService/GetAnnouncement" in found["routes"]
    assert "announcements" in found["clusters"]
    assert "igemoji_announcements.entrypoints.main" in found["arguments"]["announcements"]
    assert "announcements" in found["upstreams"]
    manifests = [*yaml.safe_load_all((workbench.folder / "deploy/k8s/base/announcements.yaml").read_text())]
    (deployment,) = (manifest for manifest in manifests if manifest["kind"] == "Deployment")
    assert "env" not in deployment["spec"]["template"]["spec"]["containers"][0]
    workbench.run([str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"])
    suites = ["services/announcements/tests", "tests/contract/test_access.py", "tests/docs/test_limits.py"]
    workbench.run([*PYTEST, *suites, "-k", "shown_until or table"])
