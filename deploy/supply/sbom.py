"""Write the bill of materials as CycloneDX 1.5 (make sbom): one file for Python, one for the web client.

usage: python deploy/supply/sbom.py FOLDER

Packages, versions and hashes come from the lock files; licenses are read as in `make licenses`.
"""

import base64
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from licenses import ROOT, RULES, canonical, python_packages

BIN = Path(sys.executable).parent


def main() -> None:
    (folder,) = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in (("python", python()), ("web", web())):
        path = folder / f"{name}.cdx.json"
        path.write_text(json.dumps(document, indent=2) + "\n")
        sys.stdout.write(f"{path}: {len(document['components'])} components\n")


def python() -> dict[str, Any]:
    """Return the packages in the images of the services and the gateway."""
    document = _json(
        *(str(BIN / "uv"), "export", "--frozen", "--quiet", "--all-packages", "--all-extras", "--no-dev"),
        *("--format", "cyclonedx1.5", "--preview-features", "sbom-export"),
    )
    licenses = {canonical(found.name): found.license for found in python_packages(tomllib.loads(RULES.read_text()))}
    for component in document["components"]:
        if component["name"] in licenses:
            component["licenses"] = [_license(licenses[component["name"]])]
    return document


def web() -> dict[str, Any]:
    """Return the packages of the web client. Not with `npm sbom`: npm 11 leaves out peer dependencies."""
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text())
    shipped = {path: entry for path, entry in lock["packages"].items() if path and not entry.get("dev")}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": lock["name"], "bom-ref": lock["name"]}},
        "components": [_of_npm(path.rpartition("node_modules/")[2], path, shipped[path]) for path in sorted(shipped)],
    }


def _of_npm(name: str, path: str, entry: dict[str, Any]) -> dict[str, Any]:
    algorithm, _, digest = entry["integrity"].partition("-")
    return {
        "type": "library",
        "bom-ref": path,
        "name": name,
        "version": entry["version"],
        "purl": f"pkg:npm/{name.replace('@', '%40', 1)}@{entry['version']}",
        "hashes": [{"alg": f"SHA-{algorithm.removeprefix('sha')}", "content": base64.b64decode(digest).hex()}],
        "licenses": [_license(entry["license"])],
    }


def _license(expression: str) -> dict[str, Any]:
    if " " in expression:
        return {"expression": expression}
    return {"license": {"id": expression}}


def _json(*command: str) -> dict[str, Any]:
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        sys.exit(done.stderr.strip() or done.stdout.strip())
    document: dict[str, Any] = json.loads(done.stdout)
    return document


if __name__ == "__main__":
    main()
