"""onnxruntime reports nothing to its maker."""

import subprocess
import sys
from pathlib import Path

import pytest

from igemoji_vision.sandbox.limits import PHOTO
from igemoji_vision.sandbox.program import Program

MODELS = Path(__file__).parents[4] / "assets" / "build" / "models"

LOAD = f"from pathlib import Path; from igemoji_vision.pipeline import Pipeline; Pipeline(Path({str(MODELS)!r}))"
COMMANDS = {"pipeline": [sys.executable, "-c", LOAD], "sandbox": Program(PHOTO, MODELS).arguments()}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_id_of_the_machine_and_no_list_of_events_is_written(tmp_path: Path, name: str) -> None:
    subprocess.run(
        COMMANDS[name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={"HOME": str(tmp_path)},
        check=True,
        timeout=60,
    )
    assert list(tmp_path.rglob("*")) == []
