"""docs/adding-an-rpc.md and docs/adding-a-service.md: their steps work, performed in a copy of the tree."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from .guide import Copy

RUFF = (sys.executable, "-m", "ruff")
PYTEST = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider")

ROUTES = """
import json
from pathlib import Path
from igemoji_gateway import Certificates, GatewayOptions
from igemoji_gateway.config.bootstrap import bootstrap
from igemoji_stack.mesh.options import SERVICES

options = GatewayOptions.machine(dict.fromkeys(SERVICES, 1), Certificates(Path("cert"), Path("key"), Path("ca")))
static = bootstrap(options)["static_resources"]
manager = static["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
routes = manager["route_config"]["virtual_hosts"][0]["routes"]
print(json.dumps({"routes": [route["name"] for route in routes if "name" in route],
                  "clusters": [cluster["name"] for cluster in static["clusters"]],
                  "services": SERVICES}))
"""
"""Prints what the gateway of a mesh on one machine routes, and to where."""


def check_style(copy: Copy, touched: Iterable[Path]) -> None:
    files = [str(path) for path in touched]
    copy.run([*RUFF, "check", *files])
    copy.run([*RUFF, "format", "--check", *files])


def openapi_paths(copy: Copy) -> dict[str, object]:
    document = copy.folder / "libs/protos/src/igemoji_protos/data/openapi.json"
    paths: dict[str, object] = json.loads(document.read_text())["paths"]
    return paths


def test_steps_of_a_new_rpc_make_it_answer(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    check_style(copy, copy.perform("adding-an-rpc.md"))

    assert "/api/v1/faces/ranking/{emoji_id}" in openapi_paths(copy)
    gateway = json.loads(copy.run([sys.executable, "-c", ROUTES]))
    assert "/igemoji.ranking.v1.RankingService/GetUseCount" in gateway["routes"]
    suites = ["services/ranking/tests/test_use_count.py", "tests/contract/test_access.py", "tests/docs/test_limits.py"]
    copy.run([*PYTEST, *suites, "-k", "use_count or table"])
