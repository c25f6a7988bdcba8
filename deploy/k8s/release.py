"""Print the manifests of an overlay with the digests of the pushed images.

usage: python deploy/k8s/release.py OVERLAY REGISTRY TAG [--kubectl COMMAND] [--inspect COMMAND] | kubectl apply -f -

The digest of each image REGISTRY/NAME:TAG comes from the registry (`skopeo inspect`, or another command that takes
`docker://IMAGE` and prints JSON with a Digest). The overlay itself is not changed.
"""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from os.path import relpath
from pathlib import Path

HERE = Path(__file__).resolve().parent
IMAGES = ("auth", "emoji-catalog", "ranking", "inference", "gateway", "web")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overlay", choices=sorted(path.name for path in (HERE / "overlays").iterdir()))
    parser.add_argument("registry")
    parser.add_argument("tag")
    parser.add_argument("--kubectl", default="kubectl", type=shlex.split)
    parser.add_argument("--inspect", default="skopeo inspect", type=shlex.split)
    arguments = parser.parse_args()
    names = {image: f"{arguments.registry.rstrip('/')}/{image}" for image in IMAGES}
    digests = {image: digest(arguments.inspect, f"{name}:{arguments.tag}") for image, name in names.items()}
    with tempfile.TemporaryDirectory(dir=HERE) as folder:
        Path(folder, "kustomization.yaml").write_text(
            json.dumps(kustomization(arguments.overlay, names, digests, folder))
        )
        done = subprocess.run([*arguments.kubectl, "kustomize", folder], check=False)  # noqa: S603
    sys.exit(done.returncode)


def kustomization(overlay: str, names: dict[str, str], digests: dict[str, str], folder: str) -> dict[str, object]:
    images = [
        {"name": f"igemoji/{image}", "newName": names[image], "digest": found} for image, found in digests.items()
    ]
    base = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return {**base, "resources": [relpath(HERE / "overlays" / overlay, folder)], "images": images}


def digest(command: list[str], image: str) -> str:
    done = subprocess.run([*command, f"docker://{image}"], check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        sys.exit(f"{image} has no digest: {done.stderr.strip() or 'it was not found'}")
    found: str = json.loads(done.stdout)["Digest"]
    return found


if __name__ == "__main__":
    main()
