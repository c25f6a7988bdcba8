"""The commands of the README work as written."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
ADDRESS = "http://127.0.0.1:8080"


def blocks(language: str) -> str:
    """Return all code blocks of a kind, joined."""
    found = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert found
    return "\n".join(found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that looks like the clone; files that the commands write stay out of the clone."""
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    return tmp_path


def test_photos_without_a_server(folder):
    run(["bash", "-euo", "pipefail"], folder, blocks("sh photo"))
    lines = [json.loads(line) for line in (folder / "faces.jsonl").read_text().splitlines()]
    assert [len(line["faces"]) for line in lines] == [3, 3, 3, 4, 5, 4]
    assert size_of(folder / "hidden" / "sample1.jpg") == (1920, 1280)


def json_values(text: str) -> list[dict[str, Any]]:
    """Return the JSON objects in a text: curl prints them without a separator, event streams after `data:`."""
    decoder, values = json.JSONDecoder(), []
    while (start := text.find("{")) >= 0:
        value, end = decoder.raw_decode(text[start:])
        values.append(value)
        text = text[start + end :]
    return values


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def run(command: list[str], folder: Path, text: str) -> str:
    done = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, timeout=100, env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_round_trip_with_curl_and_python(mesh, folder, eventually):
    if shutil.which("curl") is None:
        assert "CI" not in os.environ, "curl is missing"
        pytest.skip("needs curl: apt-get install curl")
    script = blocks("sh round-trip").replace(ADDRESS, mesh.url)
    printed = run(["bash", "-euo", "pipefail"], folder, script)

    registered, *events, my_page, _ = json_values(printed)
    assert registered["alias"] == "민지"
    assert events[-1]["task"]["state"] == "TASK_STATE_DONE"
    assert my_page["results"][0]["faces"] == 3
    # A use reaches the ranking a moment after the photo is done, so the last command is repeated.
    ask = script.strip().splitlines()[-1].replace("$API", f"{mesh.url}/api/v1")
    eventually(lambda: "My little zoo" in run(["bash", "-euo", "pipefail"], folder, ask))
    assert size_of(folder / "result.jpg") == (1920, 1280)

    (folder / "result.jpg").unlink()
    script = blocks("python grpc").replace(ADDRESS.removeprefix("http://"), mesh.url.removeprefix("http://"))
    printed = run([sys.executable, "-"], folder, script)
    assert "100 TASK_STATE_DONE 3 faces" in printed
    assert size_of(folder / "result.jpg") == (1920, 1280)
