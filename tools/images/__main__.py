"""Build every image and test it.

Usage (`make test-images`): PYTHONPATH=tests python -m tools.images [podman|docker]

Checks sizes, users, labels and leftovers of the build. Then the end-to-end suite runs against a mesh of the images,
with embedded backends, without privileges and with a read-only root file system. With --play, podman also runs the dev
manifests with the real backends that they name, and the suite runs against them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from igemoji_mesh.auth.ca import CertificateAuthority
from igemoji_mesh.testing.free_ports import HOST, free_ports

from .containers import Containers
from .play import played

ROOT = Path(__file__).parents[2]
PYTHON = "docker.io/library/python:3.11-slim-bookworm"
NGINX = "docker.io/nginxinc/nginx-unprivileged:1.29-alpine"
MB = 10**6
SKIPPED_FILES = ("test_command.py", "test_replicas.py")
"""End-to-end tests that start their own mesh, or need replicas."""
SELECTION = "not is_not_logged and not on_the_data_folder"
"""Deselects tests that look inside a mesh."""
SERVICES = ("auth", "emoji-catalog", "ranking", "inference")


@dataclass(frozen=True)
class Image:
    """Expectations of an image."""

    max_mb: int
    """Size of all layers above the base."""
    base: str = PYTHON


IMAGES = {
    "auth": Image(150),
    "emoji-catalog": Image(150),
    "ranking": Image(150),
    "inference": Image(380),
    "gateway": Image(130),
    "web": Image(150, NGINX),
}
START_SECONDS = 120
BUILD_TOOLS = ("gcc", "cc", "strip", "uv", "npm", "node")


def main() -> None:
    """Build and test the images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", default="podman", choices=["podman", "docker"])
    parser.add_argument("--pull", action="store_true", help="pull newer base images first")
    parser.add_argument("--built", action="store_true", help="use images that are already built")
    parser.add_argument("--play", action="store_true", help="also run the dev manifests with podman 4")
    arguments = parser.parse_args()
    if arguments.play and arguments.command != "podman":
        parser.error("--play needs podman")
    containers = Containers(arguments.command)
    for name, image in IMAGES.items():
        if not arguments.built:
            _build(containers, name, pull=arguments.pull)
        _inspect(containers, name, image)
    with _mesh(containers) as url:
        suite(url, f"{arguments.command} exec igemoji-test-auth igemoji-auth")
    if arguments.play:
        with played(containers) as (url, operate):
            suite(url, operate)
    print("every image was built and tested")


def _build(containers: Containers, name: str, *, pull: bool) -> None:
    started = time.monotonic()
    build = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text())["services"][name]["build"]
    options = ["--network=host", "--build-arg=VERSION=test", f"--pull={str(pull).lower()}"]
    options += [f"--build-arg={key}={value}" for key, value in build.get("args", {}).items()]
    containers("build", *options, "--file", str(ROOT / build["dockerfile"]), "--tag", f"igemoji/{name}", str(ROOT))
    print(f"{name}: built in {time.monotonic() - started:.0f} s", flush=True)


def _inspect(containers: Containers, name: str, image: Image) -> None:
    found = containers.inspect(f"igemoji/{name}")
    above = (found["Size"] - containers.inspect(image.base)["Size"]) / MB
    assert above <= image.max_mb, f"{name}: {above:.0f} MB above its base, at most {image.max_mb}"
    labels = found["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == f"igemoji-{name}"
    assert labels["org.opencontainers.image.version"]
    user = found["Config"]["User"]
    assert user.partition(":")[0].isdigit(), name
    assert user.partition(":")[0] != "0", name
    search = (
        f"for tool in {' '.join(BUILD_TOOLS)}; do command -v $tool; done; ls -A /root/.cache /src /var/lib/apt/lists"
    )
    left = containers("run", "--rm", "--entrypoint=/bin/sh", "--user=0", f"igemoji/{name}", "-c", search, check=False)
    assert [line for line in left.splitlines() if line and not line.endswith(":")] == [], f"{name}: {left}"
    print(f"{name}: {above:.0f} MB above its base", flush=True)


@contextmanager
def _mesh(containers: Containers) -> Iterator[str]:
    network = f"igemoji-test-{os.getpid()}"
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory() as folder:
        _certificates(Path(folder))
        containers("network", "create", network)
        try:
            for name in SERVICES:
                _run(containers, network, name, Path(folder), environment=_addresses())
            _run(containers, network, "web", None)
            gateway = ["--web=web:8080", "--rate-factor=100", "--drain-seconds=1"]
            _run(containers, network, "gateway", Path(folder), publish=f"{HOST}:{port}:8080", arguments=gateway)
            url = f"http://{HOST}:{port}"
            containers.until_it_answers(url, [f"igemoji-test-{name}" for name in IMAGES], START_SECONDS)
            yield url
            _stop(containers)
        finally:
            containers("rm", "--force", "--volumes", *(f"igemoji-test-{name}" for name in IMAGES), check=False)
            containers("network", "rm", network, check=False)


def _run(
    containers: Containers,
    network: str,
    name: str,
    certificates: Path | None,
    *,
    environment: dict[str, str] | None = None,
    publish: str = "",
    arguments: list[str] | None = None,
) -> None:
    options = [f"--name=igemoji-test-{name}", f"--network={network}", f"--network-alias={name}", "--detach"]
    closed = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--tmpfs=/tmp:mode=1777"]
    if name in SERVICES:
        closed.append("--volume=/data")
    if certificates is not None:
        closed.append(f"--volume={certificates / name}:/tls:ro")
    variables = [f"--env={key}={value}" for key, value in (environment or {}).items()]
    published = [f"--publish={publish}"] if publish else []
    containers("run", *options, *closed, *variables, *published, f"igemoji/{name}", *(arguments or []))


def _addresses() -> dict[str, str]:
    addresses = {f"{name.replace('-', '_').upper()}_ADDRESS": f"{name}:50051" for name in SERVICES}
    return {**addresses, "ADDRESS_FACTOR": "100", "WORKERS": "2"}


def _certificates(folder: Path) -> None:
    authority = CertificateAuthority.create()
    for name in (*SERVICES, "gateway"):
        certificate, key = authority.issue(name)
        (folder / name).mkdir()
        for file, pem in (("tls.crt", certificate), ("tls.key", key), ("ca.crt", authority.certificate_pem)):
            (folder / name / file).write_bytes(pem)
    folder.chmod(0o755)


def suite(url: str, operate: str) -> None:
    """Run the end-to-end tests against a mesh; `operate` is the command that runs its `igemoji-auth`."""
    ignored = [f"--ignore={ROOT / 'tests' / 'e2e' / name}" for name in SKIPPED_FILES]
    environment = {**os.environ, "IGEMOJI_E2E_URL": url, "IGEMOJI_E2E_AUTH": operate}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", SELECTION, *ignored, "tests/e2e"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def _stop(containers: Containers) -> None:
    """Stop the containers; each must exit with 0."""
    for name in ("gateway", *SERVICES, "web"):
        containers("stop", "--time=40", f"igemoji-test-{name}")
        code = containers("inspect", "--format={{.State.ExitCode}}", f"igemoji-test-{name}")
        assert code == "0", f"{name} ended with {code}"


if __name__ == "__main__":
    main()
