"""Print the build arguments that pin the base images of a Dockerfile to the digests of today.

usage: docker build $(python deploy/images/bases.py web/Dockerfile) -f web/Dockerfile .

Each `ARG NAME=IMAGE:TAG` before the first FROM of a Dockerfile is a base image. Its digest comes from the registry
(`skopeo inspect`, or another command that takes `docker://IMAGE` and prints JSON with a Digest). A label of the image
records it, so that an image tells its base.
"""

import argparse
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

_BASE = re.compile(r"^ARG (\w+)=(\S+):([\w.-]+)$", re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dockerfile", type=Path)
    parser.add_argument("--inspect", default="skopeo inspect", type=shlex.split)
    arguments = parser.parse_args()
    options = []
    for name, image, tag in bases(arguments.dockerfile.read_text()):
        pinned = f"{image}:{tag}@{digest(arguments.inspect, f'{image}:{tag}')}"
        options += [f"--build-arg={name}={pinned}", f"--label=org.igemoji.base.{name.lower()}={pinned}"]
    sys.stdout.write(" ".join(options) + "\n")


def bases(dockerfile: str) -> list[tuple[str, str, str]]:
    """Return name of the argument, image and tag of each base image."""
    return _BASE.findall(dockerfile.partition("\nFROM ")[0])


def digest(command: list[str], image: str) -> str:
    done = subprocess.run([*command, f"docker://{image}"], check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        sys.exit(f"{image} has no digest: {done.stderr.strip() or 'it was not found'}")
    found: str = json.loads(done.stdout)["Digest"]
    return found


if __name__ == "__main__":
    main()
