"""Tools that build and check manifests, from their own environment in deploy/tools."""

import os
import shutil
import subprocess
from collections.abc import Callable
from os.path import relpath
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
K8S = DEPLOY / "k8s"
TOOLS = DEPLOY / "tools" / ".venv" / "bin"

Manifest = dict[str, Any]

IN_CLUSTER = ("mariadb", "minio", "rabbitmq", "redis")
EXTERNAL = ("external-database", "external-s3")

OVERLAYS = ("dev", "prod")
COMBINATIONS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "in-cluster": IN_CLUSTER,
    "in-cluster, closed": (*IN_CLUSTER, "network-policies"),
    "external, closed": (*EXTERNAL, "public-pictures", "rabbitmq", "redis", "network-policies"),
    "external database, own S3": ("external-database", "minio", "rabbitmq", "redis", "network-policies"),
    "own database, external S3": ("mariadb", "external-s3", "rabbitmq", "redis", "network-policies"),
    "scaled": (*IN_CLUSTER, "hpa", "keda"),
    "watched": (*IN_CLUSTER, "network-policies", "../../monitoring"),
    "certificates": (*IN_CLUSTER, "cert-manager"),
    "reached": (*IN_CLUSTER, "gateway-api"),
    "everything": (
        *(*IN_CLUSTER, "network-policies", "hpa", "keda", "cert-manager", "gateway-api"),
        "../../monitoring",
    ),
}
"""Components on top of the base, by name of the combination."""


def tool(name: str) -> str:
    """Return a program of deploy/tools or of this machine. If it is missing, a test is skipped, and in CI it fails."""
    found = str(TOOLS / name) if (TOOLS / name).exists() else shutil.which(name)
    if found is None:
        if os.environ.get("CI") == "true":
            raise RuntimeError(f"{name} is missing: make test-deploy installs it")
        pytest.skip(f"{name} is missing: make test-deploy installs those from PyPI and names the Debian packages")
    return found


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that builds an overlay or a combination once, and returns the file."""
    known: dict[str, Path] = {}
    folder = tmp_path_factory.mktemp("manifests")

    def build(name: str) -> Path:
        if name not in known:
            target = K8S / "overlays" / name if name in OVERLAYS else _combine(folder / f"c{len(known)}", name)
            done = subprocess.run([tool("kubectl"), "kustomize", str(target)], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            known[name] = folder / f"{len(known)}.yaml"
            known[name].write_text(done.stdout)
        return known[name]

    return build


@pytest.fixture
def manifests(built: Callable[[str], Path], request: pytest.FixtureRequest) -> list[Manifest]:
    """Return the manifests of the overlay or combination that a test is parametrized with."""
    return list(yaml.safe_load_all(built(request.param).read_text()))


def _combine(folder: Path, name: str) -> Path:
    folder.mkdir()
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "igemoji-test",
        "resources": [relpath(K8S / "base", folder.resolve())],
        "components": [relpath(K8S / "components" / part, folder.resolve()) for part in COMBINATIONS[name]],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return folder
