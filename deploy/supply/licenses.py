"""List the license of every locked package, and fail if one was not reviewed (make licenses).

usage: python deploy/supply/licenses.py [--report FILE]

Python packages are read from the environment of `make`, which has the packages of uv.lock for this machine; npm
packages from their lock files. The allowed licenses are in licenses.toml.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RULES = Path(__file__).with_name("licenses.toml")
NPM_LOCKS = ("web/package-lock.json", "assets/package-lock.json")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    license: str
    """SPDX expression, or the text of the package if it has none."""
    shipped: bool
    """Part of an image or of the web client; other packages are for builds and tests only."""
    source: str
    """`pypi` or `npm`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path, help="file for the list, as Markdown")
    arguments = parser.parse_args()
    rules = tomllib.loads(RULES.read_text())
    packages = sorted((*python_packages(rules), *npm_packages()), key=lambda package: package.name.lower())
    notice = (ROOT / "assets" / "NOTICE").read_text()
    wrong = [*faults(packages, rules, notice), *bundled_faults(bundled(), rules, notice)]
    if arguments.report:
        arguments.report.parent.mkdir(parents=True, exist_ok=True)
        arguments.report.write_text(report(packages))
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    shipped = sum(package.shipped for package in packages)
    sys.stdout.write(f"{len(packages)} packages, {shipped} of them shipped; {len(wrong)} to review\n")
    sys.exit(1 if wrong else 0)


def faults(packages: list[Package], rules: dict[str, Any], notice: str) -> Iterator[str]:
    """Yield a message for each package whose license is not allowed."""
    for package in packages:
        allowed = {*rules["permissive"], *(() if package.shipped else rules["tools"])}
        accounted = rules["accounted"].get(package.name)
        if accounted is not None:
            if accounted != package.license:
                yield f"{package.name} {package.version}: was {accounted} when it was reviewed, is {package.license}"
            elif package.name not in notice:
                yield f"{package.name} {package.version}: missing in assets/NOTICE ({package.license})"
        elif not may_pass(package.license, allowed):
            yield f"{package.name} {package.version} ({'shipped' if package.shipped else 'a tool'}): {package.license}"


def bundled_faults(found: dict[str, set[str]], rules: dict[str, Any], notice: str) -> Iterator[str]:
    """Yield a message for each native library in a wheel that was not reviewed, or is missing in NOTICE."""
    for package, libraries in sorted(found.items()):
        known = rules["bundled"].get(package, {})
        for library in sorted(libraries):
            terms = known.get(library, UNKNOWN)
            if terms == UNKNOWN:
                yield f"{package} contains {library}, which was not reviewed"
            elif "GPL" in terms and library not in notice:
                yield f"{package} contains {library} ({terms}): missing in assets/NOTICE"


def may_pass(expression: str, allowed: set[str]) -> bool:
    """Return whether an SPDX expression is satisfied by allowed licenses: one of an OR, all of an AND."""
    flat = expression.replace("(", " ").replace(")", " ")
    return any(all(part.strip() in allowed for part in side.split(" AND ")) for side in flat.split(" OR "))


def python_packages(rules: dict[str, Any]) -> Iterator[Package]:
    locked = {package["name"] for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    shipped = shipped_names()
    for found in distributions():
        name = found.metadata["Name"]
        if canonical(name) in locked and not name.startswith("igemoji"):
            terms = rules["looked_up"].get(name) or license_of(found, rules["words"])
            yield Package(name, found.version, terms, canonical(name) in shipped, "pypi")


def shipped_names() -> set[str]:
    """Return the packages in images: the services and their requirements, without tools."""
    command = ["uv", "export", "--frozen", "--quiet", "--all-packages", "--all-extras", "--no-dev", "--no-hashes"]
    command = [str(Path(sys.executable).with_name("uv")), *command[1:], "--no-emit-workspace", "--no-annotate"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603
    return {re.split(r"[=\[ ]", line)[0] for line in listed.splitlines() if line and not line.startswith("#")}


def npm_packages() -> Iterator[Package]:
    for lock in NPM_LOCKS:
        for path, entry in json.loads((ROOT / lock).read_text())["packages"].items():
            if path:
                name = path.rpartition("node_modules/")[2]
                yield Package(name, entry["version"], entry.get("license", UNKNOWN), not entry.get("dev", False), "npm")


def license_of(found: Distribution, words: dict[str, str]) -> str:
    """Return the SPDX expression (PEP 639), else the license of the classifiers, else the first line of its text."""
    if expression := _first(found, "License-Expression"):
        return expression
    classifiers = [
        line.rpartition(" :: ")[2] for line in found.metadata.get_all("Classifier") or () if "License ::" in line
    ]
    known = [words[line] for line in classifiers if line in words]
    if known:
        return " OR ".join(known)
    line = _first(found, "License") or UNKNOWN
    return words.get(line, line)


def _first(found: Distribution, field: str) -> str:
    """Return the first line of a metadata field; empty if there is none."""
    lines = "".join(found.metadata.get_all(field) or ()).strip().splitlines()
    return lines[0] if lines else ""


def bundled() -> dict[str, set[str]]:
    """Return the native libraries of wheels, by package: `libheif-e72ea93c.so.1.23.6` is libheif."""
    folders = {
        path.parent for found in distributions() for path in (found.files or ()) if path.parent.name.endswith(".libs")
    }
    site = Path(str(next(iter(distributions(name="pip"))).locate_file("")))  # any package: all are in one folder
    return {
        folder.name.removesuffix(".libs"): {stem(path.name) for path in (site / folder).iterdir()}
        for folder in sorted(folders)
    }


def stem(file: str) -> str:
    """Return the name of a library without the hash and version that wheel builders append."""
    return re.sub(r"(-r\d+)?(-[0-9a-f]{8}[\d.]*)+$", "", file.partition(".so")[0])


def canonical(name: str) -> str:
    """Return the normalized name of a package (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def report(packages: list[Package]) -> str:
    rows = [
        (package.name, package.version, package.license, package.source, "yes" if package.shipped else "")
        for package in packages
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(("| package | version | license | from | shipped |", "|---|---|---|---|---|", *lines, ""))


if __name__ == "__main__":
    main()
