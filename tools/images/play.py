"""Run the dev manifests with podman, without a cluster: `podman play kube`, pod by pod.

The manifests are those that kustomize builds, with the secrets of make_secrets.py. `_playable` changes what podman
does not support. Secrets mounted as files become ConfigMaps, because podman 4.3 would mount the base64 of `data` and
ignore `stringData`. Rate limits are raised, because all calls come from one address. probe.py makes each probe once.
Monitoring is left out.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from deploy.manifests import Manifest, name_of, of_kind, pods, references
from deploy.manifests import containers as containers_of

from igemoji_mesh.testing.free_ports import HOST, free_ports

from .containers import Containers

ROOT = Path(__file__).parents[2]
K8S = ROOT / "deploy" / "k8s"
KUBECTL = ROOT / "deploy" / "tools" / ".venv" / "bin" / "kubectl"
BACKENDS = ("mariadb", "minio", "rabbitmq", "redis")
MESH = ("auth", "emoji-catalog", "ranking", "inference", "inference-worker", "web", "gateway")
START_SECONDS = 240
PROBE = Path(__file__).with_name("probe.py")
Secret = dict[str, str]
"""Values by key."""


@contextmanager
def played(containers: Containers) -> Iterator[tuple[str, str]]:
    """Run the manifests for a block; yield the address of the gateway and the command that runs `igemoji-auth`."""
    (port,) = free_ports(1)
    network = f"igemoji-play-{os.getpid()}"
    secrets = _secrets()
    volumes = _volumes(containers)
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder, f"{name}.yaml") for name in (*BACKENDS, *MESH)}
        for name, file in files.items():
            file.write_text(yaml.safe_dump_all(_pod(name, secrets, port)))
        containers("network", "create", network)
        try:
            _store(containers, secrets, Path(folder))
            for name, file in files.items():
                containers("play", "kube", f"--network={network}:alias={name}", str(file))
            url = f"http://{HOST}:{port}"
            containers.until_it_answers(url, [_container(name) for name in files], START_SECONDS)
            _probe(containers)
            before = _starts(containers, files)
            yield url, f"{containers.command} exec {_container('auth')} igemoji-auth"
            assert _starts(containers, files) == before
        finally:
            for file in files.values():
                containers("play", "kube", "--down", str(file), check=False)
            containers("secret", "rm", *secrets, check=False)
            containers("volume", "rm", *(_volumes(containers) - volumes), check=False)
            containers("network", "rm", network, check=False)


def _manifests() -> list[Manifest]:
    command = [
        str(KUBECTL) if KUBECTL.exists() else shutil.which("kubectl") or "kubectl",
        "kustomize",
        str(K8S / "overlays" / "dev"),
    ]
    return list(yaml.safe_load_all(subprocess.run(command, check=True, capture_output=True).stdout))


def _secrets() -> dict[str, Secret]:
    """Return the secrets that an operator makes, by name."""
    command = [sys.executable, str(K8S / "make_secrets.py"), "igemoji-dev"]
    made = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["items"]
    return {name_of(secret): secret["stringData"] for secret in made}


def _as_config(name: str, values: Secret) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": values}


def _volumes(containers: Containers) -> set[str]:
    return set(containers("volume", "ls", "--quiet").split())


def _store(containers: Containers, secrets: dict[str, Secret], folder: Path) -> None:
    """Create secrets for environment variables, as the JSON that podman 4.3 expects."""
    for name, values in secrets.items():
        file = folder / f"secret-{name}"
        file.write_text(json.dumps({key: base64.b64encode(value.encode()).decode() for key, value in values.items()}))
        containers("secret", "create", name, str(file))


def _pod(name: str, secrets: dict[str, Secret], port: int) -> list[Manifest]:
    """Return a workload with the ConfigMaps, secret files and claims that it refers to."""
    manifests = _manifests()
    (workload,) = [one for one in of_kind(manifests, "Deployment", "StatefulSet") if name_of(one) == name]
    pod = workload["spec"]["template"]
    wanted = {found for kind, found, _ in references(pod) if kind == "ConfigMap"}
    config = [one for one in of_kind(manifests, "ConfigMap") if name_of(one) in wanted]
    mounted = [volume["secret"]["secretName"] for volume in pod["spec"].get("volumes", []) if "secret" in volume]
    variables = {key: value for one in config for key, value in one["data"].items()}
    files = [_as_config(one, secrets[one]) for one in mounted]
    return [*config, *files, *_playable(workload, variables, port)]


def _playable(workload: Manifest, variables: dict[str, str], port: int) -> list[Manifest]:
    """Return a workload as podman 4 supports it: without StatefulSet, subPath and `$(VARIABLE)`, with own volumes.

    The gateway gets a port of this machine.
    """
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
            secret = volume.pop("secret")
            volume["configMap"] = {"name": secret["secretName"], "items": secret.get("items", [])}
    for container in containers_of(pod):
        for unknown in ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle", "ports"):
            container.pop(unknown, None)
        container["volumeMounts"] = [mount for mount in container["volumeMounts"] if "subPath" not in mount]
        for mount in container["volumeMounts"]:
            mount["name"] += f"-{name}"
        if "args" in container:
            container["args"] = [_filled_in(argument, variables) for argument in container["args"]]
        if container["image"].startswith("igemoji/"):
            container["image"] = f"localhost/{container['image']}"
        if "envFrom" in container:
            container.setdefault("env", []).append({"name": "ADDRESS_FACTOR", "value": "100"})
    if name == "gateway":
        gateway = pod["spec"]["containers"][0]
        gateway["ports"] = [{"containerPort": 8080, "hostPort": port, "hostIP": HOST}]
        gateway["args"].append("--rate-factor=100")
    # Init containers are kept after they end: podman 4.3 would remove them while they run, and with the restart policy
    # Always would restart them forever.
    annotations = {"io.podman.annotations.init.container.type": "always"}
    pod["spec"]["restartPolicy"] = "OnFailure"
    pod["metadata"]["annotations"] = pod["metadata"].get("annotations", {}) | annotations
    deployment = {key: value for key, value in workload["spec"].items() if key in ("selector", "template")}
    metadata = {"name": name, "labels": workload["metadata"]["labels"], "annotations": annotations}
    return [*claims, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment}]


def _probe(containers: Containers) -> None:
    """Make the probes of the mesh as a kubelet does, but not those of backends: their images may be substitutes."""
    probes = []
    for name, pod in pods(_manifests()).items():
        if name in MESH:
            (container,) = pod["spec"]["containers"]
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                for how in container[probe].keys() & {"grpc", "httpGet", "tcpSocket"}:
                    check = container[probe][how]
                    probes.append((name, {how: check | {"port": ports.get(check["port"], check["port"])}}))
    assert len(probes) == 3 * len(MESH)
    containers("exec", _container("auth"), "python", "-c", PROBE.read_text(), json.dumps(probes))


def _starts(containers: Containers, names: Iterable[str]) -> dict[str, str]:
    """Return the restart count and the state of each workload."""
    form = "--format={{.RestartCount}} {{.State.Running}}"
    return {name: containers("inspect", form, _container(name)) for name in names}


def _filled_in(argument: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$\((\w+)\)", lambda found: variables[found[1]], argument)


def _container(workload: str) -> str:
    """Return podman's name of the container of a workload."""
    return f"{workload}-pod-0-{workload}"
