"""docs/security.md lists every requirement of ASVS 5.0 levels 1 and 2 once and names existing files and tests."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "security.md").read_text()
# Number of requirements of levels 1 and 2 by section; they are numbered first. V10 and V17 do not apply.
ASKED = """
1.1:2 1.2:9 1.3:11 1.4:3 1.5:2
2.1:3 2.2:3 2.3:4 2.4:1
3.2:2 3.3:4 3.4:6 3.5:5 3.7:2
4.1:3 4.2:1 4.3:2 4.4:4
5.1:1 5.2:3 5.3:2 5.4:3
6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4
7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2
8.1:2 8.2:3 8.3:1 8.4:1
9.1:3 9.2:4
11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1
12.1:3 12.2:2 12.3:4
13.1:1 13.2:5 13.3:2 13.4:5
14.1:2 14.2:4 14.3:3
15.1:3 15.2:3 15.3:7
16.1:1 16.2:5 16.3:4 16.4:3 16.5:3
"""
NAMED = sorted(set(re.findall(r"`([\w.\-]+/[\w./\-]+|\w[\w.\-]*\.(?:toml|lock|json))(?:::(test_\w+))?`", DOCUMENT)))


def test_every_requirement_is_listed_once() -> None:
    lines = [line for line in DOCUMENT.splitlines() if line.startswith(("| ", "Not applicable: "))]
    listed = [
        number
        for line in lines
        for number in re.findall(r"\b\d+\.\d+\.\d+\b", line.split("|")[1] if line.startswith("|") else line)
    ]
    sections = dict(entry.split(":") for entry in ASKED.split())
    asked = [f"{section}.{number}" for section, count in sections.items() for number in range(1, int(count) + 1)]
    assert sorted(listed) == sorted(asked)


@pytest.mark.parametrize(("path", "test"), NAMED, ids=lambda name: str(name))
def test_files_and_tests_of_requirements_exist(path: str, test: str) -> None:
    if path.startswith("overlays/"):
        path = f"deploy/k8s/{path}"
    found = ROOT / path
    assert found.exists()
    if test:
        assert f"def {test}(" in found.read_text()


def test_make_targets_in_the_document_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([\w-]+)", DOCUMENT):
        assert f"\n{target}:" in makefile, target
