"""The manifests in every supported combination, checked without a cluster."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from .conftest import COMBINATIONS, K8S, OVERLAYS, ROOT, tool
from .manifests import (
    NAME,
    WORKLOADS,
    Manifest,
    allowed,
    containers,
    name_of,
    of_kind,
    pods,
    probe_ports,
    references,
    selected,
)

EVERY = [*OVERLAYS, *COMBINATIONS]
EACH = pytest.mark.parametrize("manifests", EVERY, indirect=True)
CLOSED = pytest.mark.parametrize(
    "manifests", [name for name in EVERY if name in OVERLAYS or "network-policies" in COMBINATIONS[name]], indirect=True
)

OURS = ("auth", "emoji-catalog", "ranking", "inference", "inference-worker", "gateway", "web")
RPC = 50051
CALLS = {
    "gateway": {"auth", "emoji-catalog", "ranking", "inference"},
    "auth": {"emoji-catalog", "inference", "ranking"},
    "emoji-catalog": {"auth", "ranking"},
    "ranking": {"auth", "emoji-catalog"},
    "inference": {"auth", "emoji-catalog", "ranking"},
}
"""Allowed calls, by caller: the table of the README, and all services fetch the JWKS from auth."""
BACKENDS = {
    "mariadb": (3306, {"auth", "emoji-catalog", "ranking", "inference", "inference-worker"}),
    "minio": (9000, {"emoji-catalog", "inference", "inference-worker"}),
    "rabbitmq": (5672, {"inference", "inference-worker"}),
    "redis": (6379, {"inference", "inference-worker"}),
}
SCRAPED = {
    **dict.fromkeys(("auth", "emoji-catalog", "ranking", "inference", "inference-worker"), 9090),
    "gateway": 9902,
    "rabbitmq": 15692,
}


@pytest.mark.parametrize("name", EVERY)
def test_manifests_are_valid(name: str, built: Callable[[str], Path]) -> None:
    done = subprocess.run([tool("kubernetes-validate"), "--strict", str(built(name))], capture_output=True, text=True)
    unknown = {"Certificate", "Issuer", "ScaledObject", "TriggerAuthentication", "HTTPRoute", "GRPCRoute"}
    output = done.stdout + done.stderr
    kinds = set(re.findall(r"find schema for kind (\w+)", output))
    assert kinds <= unknown, output
    assert done.returncode == 0 or "ERROR" not in output, output


def test_node_exporter_manifests_are_valid() -> None:
    folder = ROOT / "deploy" / "monitoring" / "nodes"
    text = subprocess.run([tool("kubectl"), "kustomize", str(folder)], check=True, capture_output=True).stdout
    subprocess.run([tool("kubernetes-validate"), "--strict", "-"], input=text, check=True, capture_output=True)


def test_checkov_finds_no_fault(built: Callable[[str], Path]) -> None:
    files = [argument for name in ("dev", "prod", "everything") for argument in ("--file", str(built(name)))]
    command = [tool("checkov"), "--config-file", str(K8S / "checkov.yaml"), "--output", "json", *files]
    done = subprocess.run(command, capture_output=True, text=True)
    report = json.loads(done.stdout)
    reports = report if isinstance(report, list) else [report]
    failed = [
        f"{f['check_id']} {f['check_name']}: {f['resource']}" for r in reports for f in r["results"]["failed_checks"]
    ]
    assert not failed
    assert sum(r["summary"]["passed"] for r in reports) > 1000


@EACH
def test_every_selector_matches_a_workload(manifests: list[Manifest]) -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(manifests).items()}
    for workload in of_kind(manifests, *WORKLOADS):
        assert selected(workload["spec"]["selector"], labels[name_of(workload)]), name_of(workload)
    for service in of_kind(manifests, "Service"):
        found = [name for name, has in labels.items() if selected({"matchLabels": service["spec"]["selector"]}, has)]
        assert len(found) == 1, (name_of(service), found)
        ports = {port["name"] for one in pods(manifests)[found[0]]["spec"]["containers"] for port in one["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports, name_of(service)
    for budget in of_kind(manifests, "PodDisruptionBudget"):
        assert any(selected(budget["spec"]["selector"], has) for has in labels.values()), name_of(budget)
    for scaler in of_kind(manifests, "HorizontalPodAutoscaler", "ScaledObject"):
        assert scaler["spec"]["scaleTargetRef"]["name"] in labels, name_of(scaler)


@EACH
def test_probed_ports_are_open(manifests: list[Manifest]) -> None:
    for name, pod in pods(manifests).items():
        for container in pod["spec"]["containers"]:
            ports = {port["containerPort"] for port in container["ports"]} | {
                port["name"] for port in container["ports"]
            }
            probed = set(probe_ports(container))
            assert probed <= ports, name
            assert all(probe in container for probe in ("startupProbe", "readinessProbe", "livenessProbe")), name


@EACH
def test_services_are_probed_on_the_health_port_only(manifests: list[Manifest]) -> None:
    for name in ("auth", "emoji-catalog", "ranking", "inference"):
        (container,) = containers(pods(manifests)[name])
        assert set(probe_ports(container)) == {50052}
        assert container["livenessProbe"]["grpc"]["service"] == "live", "liveness must not depend on others"
        assert "service" not in container["readinessProbe"]["grpc"]


@EACH
def test_references_of_pods_exist(manifests: list[Manifest], secrets_made: dict[str, set[str]]) -> None:
    config = {name_of(found): set(found.get("data", {})) for found in of_kind(manifests, "ConfigMap")}
    claims: dict[str, set[str]] = {name_of(found): set() for found in of_kind(manifests, "PersistentVolumeClaim")}
    stateful = of_kind(manifests, "StatefulSet")
    claimed = {name_of(claim) for workload in stateful for claim in workload["spec"]["volumeClaimTemplates"]}
    accounts = {name_of(found) for found in of_kind(manifests, "ServiceAccount")}
    there = {"ConfigMap": config, "Secret": secrets_made, "PersistentVolumeClaim": claims}
    for name, pod in pods(manifests).items():
        for kind, wanted, key in references(pod):
            assert wanted in there[kind], f"{name} wants the {kind} {wanted}"
            assert not key or key in there[kind][wanted], f"{name} wants {key} of {wanted}"
        mounted = {mount["name"] for container in containers(pod) for mount in container.get("volumeMounts", [])}
        assert mounted <= claimed | {volume["name"] for volume in pod["spec"].get("volumes", [])}, name
        assert pod["spec"]["serviceAccountName"] in accounts, name


@EACH
def test_pods_meet_the_restricted_pod_security_standard(manifests: list[Manifest]) -> None:
    for name, pod in pods(manifests).items():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), name
        assert all("hostPath" not in volume for volume in spec.get("volumes", [])), name
        for container in containers(pod):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"], name


@EACH
def test_rolling_updates_keep_all_replicas_available(manifests: list[Manifest]) -> None:
    budgets = {budget["spec"]["selector"]["matchLabels"][NAME] for budget in of_kind(manifests, "PodDisruptionBudget")}
    assert set(OURS) <= budgets
    for workload in of_kind(manifests, "Deployment"):
        if name_of(workload) in OURS:
            assert workload["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
            assert workload["spec"]["template"]["spec"]["topologySpreadConstraints"]


@EACH
def test_grpc_services_are_headless(manifests: list[Manifest]) -> None:
    for service in of_kind(manifests, "Service"):
        if any(port["port"] == RPC for port in service["spec"]["ports"]):
            assert service["spec"]["clusterIP"] == "None", name_of(service)


@EACH
def test_git_has_no_secrets(manifests: list[Manifest]) -> None:
    assert of_kind(manifests, "Secret") == []
    for container in (one for pod in pods(manifests).values() for one in containers(pod)):
        for variable in container.get("env", []):
            assert "value" not in variable or not re.search("PASS|SECRET|TOKEN|KEY", variable["name"]), variable["name"]


@EACH
def test_grace_period_is_longer_than_a_stop(manifests: list[Manifest]) -> None:
    grace = {name: pod["spec"]["terminationGracePeriodSeconds"] for name, pod in pods(manifests).items()}
    assert all(grace[service] > 3 + 1 + 20 for service in ("auth", "emoji-catalog", "ranking", "inference"))
    (gateway,) = containers(pods(manifests)["gateway"])
    options = dict(argument.split("=", 1) for argument in gateway["args"])
    assert grace["gateway"] > int(options["--drain-seconds"]) + int(options["--stop-grace-seconds"])


@CLOSED
def test_network_policies_allow_exactly_the_calls(manifests: list[Manifest]) -> None:
    there = set(pods(manifests))
    expected = {(caller, callee, RPC) for caller, callees in CALLS.items() for callee in callees}
    expected.add(("gateway", "web", 8080))
    for backend, (port, users) in BACKENDS.items():
        expected |= {(user, backend, port) for user in users if backend in there}
    if "prometheus" in there:
        expected |= {("prometheus", name, port) for name, port in SCRAPED.items() if name in there}
        expected |= {("prometheus", "alertmanager", 9093), ("grafana", "prometheus", 9090)}
    # The gateway is open to all by its own policy; no pod has an egress policy to it.
    assert allowed(manifests) == expected


@CLOSED
def test_only_the_gateway_is_open(manifests: list[Manifest]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    default = next(policy for policy in policies if name_of(policy) == "nobody")
    assert default["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    open_to_all = [
        name_of(policy) for policy in policies for rule in policy["spec"].get("ingress", []) if "from" not in rule
    ]
    assert open_to_all == ["gateway"]


@pytest.fixture(scope="module")
def skaffold() -> Manifest:
    found: Manifest = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
    return found


@pytest.mark.parametrize("manifests", ["dev"], indirect=True)
def test_manifests_skaffold_and_dockerfiles_name_the_same_images(manifests: list[Manifest], skaffold: Manifest) -> None:
    artifacts = {one["image"]: one["docker"] for one in skaffold["build"]["artifacts"]}
    images = {container["image"] for pod in pods(manifests).values() for container in containers(pod)}
    assert {image for image in images if image.startswith("igemoji/")} == set(artifacts)
    for image, build in artifacts.items():
        text = (ROOT / build["dockerfile"]).read_text()
        for argument, value in build.get("buildArgs", {}).items():
            assert re.search(rf"^ARG {argument}\b", text, re.MULTILINE), argument
            text = text.replace(f"${{{argument}}}", value)
        assert f'image.title="{image.replace("/", "-")}"' in text
    assert all(re.search(r":[\w.-]*\d[\w.-]*$", image) for image in images - set(artifacts)), (
        "images of others need a version"
    )
    assert skaffold["manifests"]["kustomize"]["paths"] == ["deploy/k8s/overlays/dev"]
    for forward in skaffold["portForward"]:
        services = {name_of(found): found for found in of_kind(manifests, "Service")}
        assert forward["port"] in {port["port"] for port in services[forward["resourceName"]]["spec"]["ports"]}
        assert forward["namespace"] == services[forward["resourceName"]]["metadata"]["namespace"]


def test_skaffold_and_compose_build_the_same_images(skaffold: Manifest) -> None:
    compose = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text())["services"]
    builds = {one["image"]: one["build"] for one in compose.values() if "build" in one}
    built = {image: (build["dockerfile"], build.get("args")) for image, build in builds.items()}
    assert built == {
        one["image"]: (one["docker"]["dockerfile"], one["docker"].get("buildArgs"))
        for one in skaffold["build"]["artifacts"]
    }


def test_skaffold_tests_every_image(skaffold: Manifest) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    scripts = set(json.loads((ROOT / "web" / "package.json").read_text())["scripts"])
    assert {one["image"] for one in skaffold["test"]} == {one["image"] for one in skaffold["build"]["artifacts"]}
    for custom in (custom for one in skaffold["test"] for custom in one["custom"]):
        match [word for word in custom["command"].split() if not word.startswith(("PATH=", "-"))]:
            case ["make", target]:
                assert target in targets
            case ["npm", folder, "run", script]:
                assert (folder, script in scripts) == ("web", True), script
            case [".venv/bin/pytest", *folders]:
                assert all((ROOT / folder).is_dir() for folder in folders), folders
            case other:
                pytest.fail(f"unknown command {other}")
        assert all(any(ROOT.glob(pattern)) for pattern in custom["dependencies"]["paths"]), custom


@pytest.mark.parametrize("manifests", ["dev"], indirect=True)
def test_files_synced_by_skaffold_are_writable_in_the_image(manifests: list[Manifest], skaffold: Manifest) -> None:
    rules = [
        (one["image"], rule) for one in skaffold["build"]["artifacts"] for rule in one.get("sync", {}).get("manual", [])
    ]
    assert rules
    ignored = [line.removeprefix("**/") for line in (ROOT / ".dockerignore").read_text().splitlines() if "**/" in line]
    for image, rule in rules:
        files = [path.relative_to(ROOT) for path in ROOT.glob(f"{rule['src']}/*") if path.is_file()]
        assert files
        assert all(str(path).startswith(rule["strip"]) for path in files)
        assert not any(part in ignored for path in files for part in path.parts), (
            "skaffold syncs only files of the build context"
        )
        (pod,) = [pod for pod in pods(manifests).values() if pod["spec"]["containers"][0]["image"] == image]
        mounts = {mount["mountPath"]: mount["name"] for mount in pod["spec"]["containers"][0]["volumeMounts"]}
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        assert "emptyDir" in volumes[mounts[rule["dest"]]]


def test_release_pins_digests_without_changing_files(tmp_path: Path) -> None:
    inspect = tmp_path / "inspect"
    inspect.write_text('#!/bin/sh\necho "{\\"Digest\\": \\"sha256:$(printf %s "$1" | sha256sum | cut -c1-64)\\"}"\n')
    inspect.chmod(0o755)
    release = [sys.executable, str(K8S / "release.py"), "prod", "registry.example/igemoji", "1.2.3"]
    command = [*release, "--kubectl", tool("kubectl"), "--inspect", str(inspect)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    images = {
        container["image"]
        for pod in pods(list(yaml.safe_load_all(done.stdout))).values()
        for container in containers(pod)
        if "registry.example" in container["image"]
    }
    assert len(images) == 6
    assert all(re.fullmatch(r"registry\.example/igemoji/[\w-]+@sha256:[0-9a-f]{64}", image) for image in images)


def test_hadolint_finds_no_fault() -> None:
    dockerfiles = [
        *ROOT.glob("deploy/docker/*.Dockerfile"),
        *ROOT.glob("services/*/Dockerfile"),
        ROOT / "web/Dockerfile",
    ]
    assert len(dockerfiles) == 3
    done = subprocess.run([tool("hadolint"), *map(str, dockerfiles)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="session")
def secrets_made() -> dict[str, set[str]]:
    """Return the keys of every secret that make_secrets.py makes, by name of the secret."""
    command = [sys.executable, str(K8S / "make_secrets.py"), "igemoji-test"]
    made = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {name_of(secret): set(secret["stringData"]) for secret in made["items"]}


@EACH
def test_references_of_custom_resources_exist(manifests: list[Manifest], secrets_made: dict[str, set[str]]) -> None:
    services = {name_of(found) for found in of_kind(manifests, "Service")}
    for route in of_kind(manifests, "HTTPRoute", "GRPCRoute"):
        assert {backend["name"] for rule in route["spec"]["rules"] for backend in rule["backendRefs"]} <= services
    issuers = {name_of(found) for found in of_kind(manifests, "Issuer")}
    for certificate in of_kind(manifests, "Certificate"):
        assert certificate["spec"]["issuerRef"]["name"] in issuers
        if not certificate["spec"].get("isCA"):
            assert certificate["spec"]["dnsNames"] == [f"{name_of(certificate)}.igemoji.internal"]
            assert certificate["spec"]["secretName"] in secrets_made
    authentications = {name_of(found): found for found in of_kind(manifests, "TriggerAuthentication")}
    for scaled in of_kind(manifests, "ScaledObject"):
        for trigger in scaled["spec"]["triggers"]:
            (target,) = authentications[trigger["authenticationRef"]["name"]]["spec"]["secretTargetRef"]
            assert target["key"] in secrets_made[target["name"]]
    from igemoji_inference.adapters.queue import celery_app

    queues = {t["metadata"]["queueName"] for s in of_kind(manifests, "ScaledObject") for t in s["spec"]["triggers"]}
    assert queues in (set(), {celery_app.SMALL, celery_app.LARGE})
