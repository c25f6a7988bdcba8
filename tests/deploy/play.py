"""The dev manifests, played by podman where there is no cluster: `podman play kube`, pod by pod.

What is played is what kustomize builds, with the secrets that make_secrets.py makes. Podman knows no cluster, so that
some of it has to be said otherwise: all of that is in `_playable`. Prometheus and what belongs to it is not played.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from igemoji_mesh.ports import HOST, free_ports

from .conftest import K8S, tool
from .containers import Containers
from .manifests import Manifest, name_of, of_kind, pods, references
from .manifests import containers as containers_of

PARTS = ("mariadb", "minio", "rabbitmq", "redis")
MESH = ("auth", "emoji-catalog", "ranking", "inference", "inference-worker", "web", "gateway")
START_SECONDS = 240


@contextmanager
def played(containers: Containers) -> Iterator[tuple[str, str]]:
    """The address of the gateway, and how `igemoji-auth` is run there."""
    (port,) = free_ports(1)
    network = f"igemoji-play-{os.getpid()}"
    secrets = _secrets()
    volumes = _volumes(containers)
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder, f"{name}.yaml") for name in (*PARTS, *MESH)}
        for name, file in files.items():
            file.write_text(yaml.safe_dump_all(_pod(name, port)))
        containers("network", "create", network)
        try:
            _store(containers, secrets, Path(folder))
            for name, file in files.items():
                containers("play", "kube", f"--network={network}:alias={name}", str(file))
            url = f"http://{HOST}:{port}"
            containers.until_it_answers(url, [_container(name) for name in files], START_SECONDS)
            yield url, f"{containers.command} exec {_container('auth')} igemoji-auth"
        finally:
            for file in files.values():
                containers("play", "kube", "--down", str(file), check=False)
            containers("secret", "rm", *map(name_of, secrets), check=False)
            containers("volume", "rm", *(_volumes(containers) - volumes), check=False)
            containers("network", "rm", network, check=False)


def _manifests() -> list[Manifest]:
    command = [tool("kubectl"), "kustomize", str(K8S / "overlays" / "dev")]
    return list(yaml.safe_load_all(subprocess.run(command, check=True, capture_output=True).stdout))


def _secrets() -> list[Manifest]:
    """As an operator makes them."""
    command = [sys.executable, str(K8S / "make_secrets.py"), "igemoji-dev"]
    made = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["items"]
    for secret in made:
        values = secret.pop("stringData")
        secret["data"] = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return list(made)


def _volumes(containers: Containers) -> set[str]:
    return set(containers("volume", "ls", "--quiet").split())


def _store(containers: Containers, secrets: list[Manifest], folder: Path) -> None:
    """Podman keeps those that are mounted as manifests, and those that become variables as JSON of their keys."""
    volumes = [volume for pod in pods(_manifests()).values() for volume in pod["spec"].get("volumes", [])]
    mounted = {volume["secret"]["secretName"] for volume in volumes if "secret" in volume}
    for secret in secrets:
        name = name_of(secret)
        file = folder / f"secret-{name}"
        file.write_text(yaml.safe_dump(secret) if name in mounted else json.dumps(secret["data"]))
        containers(*(("play", "kube") if name in mounted else ("secret", "create", name)), str(file))


def _pod(name: str, port: int) -> list[Manifest]:
    """A workload, with the ConfigMaps and claims that it refers to. The gateway gets a port of this machine."""
    manifests = _manifests()
    (workload,) = [one for one in of_kind(manifests, "Deployment", "StatefulSet") if name_of(one) == name]
    wanted = {(kind, found) for kind, found, _ in references(workload["spec"]["template"])}
    config = [one for one in of_kind(manifests, "ConfigMap") if ("ConfigMap", name_of(one)) in wanted]
    return [*config, *_playable(workload, port)]


def _playable(workload: Manifest, port: int) -> list[Manifest]:
    """What podman 4 takes for a workload: it knows no StatefulSet and no subPath, and pods share volumes."""
    name = name_of(workload)
    pod = workload["spec"]["template"]
    claims = workload["spec"].pop("volumeClaimTemplates", [])
    volumes = pod["spec"].setdefault("volumes", [])
    for claim in claims:
        volumes.append({"name": name_of(claim), "persistentVolumeClaim": {"claimName": f"{name_of(claim)}-{name}"}})
        claim |= {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": f"{name_of(claim)}-{name}"}}
    for volume in volumes:
        volume["name"] += f"-{name}"
        if "secret" in volume:
            volume["secret"]["optional"] = False  # podman 4.3 falls where that is left out
    for container in containers_of(pod):
        for unknown in ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle", "ports"):
            container.pop(unknown, None)
        container["volumeMounts"] = [mount for mount in container["volumeMounts"] if "subPath" not in mount]
        for mount in container["volumeMounts"]:
            mount["name"] += f"-{name}"
        if container["image"].startswith("igemoji/"):
            container["image"] = f"localhost/{container['image']}"
    if name == "gateway":
        pod["spec"]["containers"][0]["ports"] = [{"containerPort": 8080, "hostPort": port, "hostIP": HOST}]
    # One that runs before the others stays when it has ended: podman 4.3 would remove it while it runs.
    annotations = {"io.podman.annotations.init.container.type": "always"}
    pod["metadata"]["annotations"] = pod["metadata"].get("annotations", {}) | annotations
    deployment = {key: value for key, value in workload["spec"].items() if key in ("selector", "template")}
    metadata = {"name": name, "labels": workload["metadata"]["labels"], "annotations": annotations}
    return [*claims, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment}]


def _container(workload: str) -> str:
    """What podman calls the container of a workload's one pod."""
    return f"{workload}-pod-0-{workload}"
