"""The compose file, checked without Docker."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import DEPLOY, ROOT

COMPOSE = DEPLOY / "compose"
PROMETHEUS = DEPLOY / "monitoring" / "prometheus" / "prometheus.yml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of secrets, as `make compose` creates it."""
    spec = importlib.util.spec_from_file_location("prepare", COMPOSE / "prepare.py")
    assert spec is not None
    assert spec.loader is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path])
        prepare = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(prepare)
        secrets = tmp_path_factory.mktemp("compose") / "secrets"
        patch.setattr(prepare, "SECRETS", secrets)
        umask = os.umask(0o077)
        prepare.main()
        os.umask(umask)
        before = (secrets / "auth.env").read_text()
        prepare.main()
        assert (secrets / "auth.env").read_text() == before, "existing secrets must stay: databases know them"
    return secrets


def test_mounted_files_exist(compose: dict[str, Any], prepared: Path) -> None:
    for name, service in compose["services"].items():
        for file in service.get("env_file", []):
            assert (prepared / Path(file).name).is_file(), name
        for mount in service.get("volumes", []):
            source = mount.partition(":")[0]
            if source.startswith("./secrets/"):
                assert (prepared / source.removeprefix("./secrets/")).exists(), mount
            elif source.startswith("."):
                assert (COMPOSE / source).exists(), mount
            else:
                assert source.startswith("/") or source in compose["volumes"], mount
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).is_file(), name
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name


def test_secrets_are_readable_in_containers_only(prepared: Path) -> None:
    assert prepared.stat().st_mode & 0o077 == 0
    for path in (*prepared.glob("*-tls"), *prepared.glob("*-tls/*"), *prepared.glob("redis/*")):
        assert path.stat().st_mode & 0o004, path


def test_compose_uses_the_images_of_the_manifests(compose: dict[str, Any]) -> None:
    named = {image for path in DEPLOY.rglob("*.yaml") if path.parent != COMPOSE for image in _images(path)}
    assert {service["image"] for service in compose["services"].values()} <= named


def test_prometheus_targets_resolve(compose: dict[str, Any]) -> None:
    names = set(compose["services"])
    for service in compose["services"].values():
        networks = service.get("networks", {})
        names |= set(networks.get("default", {}).get("aliases", []))
    jobs = yaml.safe_load(PROMETHEUS.read_text())["scrape_configs"]
    looked_up = {name for job in jobs for found in job.get("dns_sd_configs", []) for name in found["names"]}
    assert looked_up <= names


def test_own_containers_are_hardened_and_ports_are_local(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if service["image"].startswith("igemoji/"):
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name


def _images(path: Path) -> set[str]:
    lines = [line.strip() for line in path.read_text().splitlines()]
    return {line.removeprefix("image: ") for line in lines if line.startswith("image: ")}
