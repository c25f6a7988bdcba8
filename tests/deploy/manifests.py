"""Readers of Kubernetes manifests."""

from collections.abc import Iterator
from typing import Any

Manifest = dict[str, Any]
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
NAME = "app.kubernetes.io/name"


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def name_of(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Return the pod template of each workload, by name."""
    return {name_of(workload): workload["spec"]["template"] for workload in of_kind(manifests, *WORKLOADS)}


def containers(pod: Manifest) -> list[Manifest]:
    """Return the containers of a pod, init containers included."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def selected(selector: Manifest, labels: dict[str, str]) -> bool:
    """Return whether a selector matches labels: matchLabels and `In` expressions; an empty one matches all."""
    wanted = selector.get("matchLabels", {})
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", expression
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return all(labels.get(key) == value for key, value in wanted.items())


def references(pod: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield the references of a pod: (ConfigMap, Secret or PersistentVolumeClaim; its name; the key or "")."""
    for container in containers(pod):
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                yield "ConfigMap", source["configMapRef"]["name"], ""
            else:
                yield "Secret", source["secretRef"]["name"], ""
        for variable in container.get("env", []):
            taken = variable.get("valueFrom", {})
            for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                if field in taken and not taken[field].get("optional"):
                    yield kind, taken[field]["name"], taken[field]["key"]
    for volume in pod["spec"].get("volumes", []):
        if "configMap" in volume:
            yield from _keys("ConfigMap", volume["configMap"]["name"], volume["configMap"])
        if "secret" in volume:
            yield from _keys("Secret", volume["secret"]["secretName"], volume["secret"])
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"], ""


def _keys(kind: str, name: str, source: Manifest) -> Iterator[tuple[str, str, str]]:
    yield kind, name, ""
    for item in source.get("items", []):
        yield kind, name, item["key"]


def probe_ports(container: Manifest) -> Iterator[str | int]:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        for how in ("grpc", "httpGet", "tcpSocket"):
            if how in container.get(probe, {}):
                yield container[probe][how]["port"]


def allowed(manifests: list[Manifest]) -> set[tuple[str, str, int]]:
    """Return the connections between pods that the network policies of both ends allow: (from, to, port)."""
    by_name = pods(manifests)
    labels = {name: pod["metadata"]["labels"] for name, pod in by_name.items()}
    policies = of_kind(manifests, "NetworkPolicy")
    out = {edge for policy in policies for edge in _edges(policy, labels, "egress", "to")}
    into = {(a, b, port) for policy in policies for b, a, port in _edges(policy, labels, "ingress", "from")}
    return out & into


def _edges(policy: Manifest, labels: dict[str, Any], direction: str, peer: str) -> Iterator[tuple[str, str, int]]:
    subjects = [name for name, found in labels.items() if selected(policy["spec"]["podSelector"], found)]
    for rule in policy["spec"].get(direction, []):
        for other in rule.get(peer, [{"podSelector": {}}]):
            if "podSelector" not in other or "namespaceSelector" in other:
                continue
            for name, found in labels.items():
                if selected(other["podSelector"], found):
                    for port in rule["ports"]:
                        yield from ((subject, name, port["port"]) for subject in subjects)
