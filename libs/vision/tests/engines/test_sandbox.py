"""One photo through each engine, in a sandbox process."""

from dataclasses import replace
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from igemoji_vision.decode import Pixels
from igemoji_vision.engines import EngineName
from igemoji_vision.faces import EXPRESSIONS
from igemoji_vision.sandbox import protocol
from igemoji_vision.sandbox.limits import PHOTO
from igemoji_vision.sandbox.process import SandboxBroken, SandboxProcess
from igemoji_vision.sandbox.program import Program

INSTALLED = find_spec("tensorflow") is not None and find_spec("mtcnn") is not None
ENGINES = [name for name in EngineName if INSTALLED or name is EngineName.ONNX]


def encoded(image: Image.Image, kind: str) -> bytes:
    out = BytesIO()
    image.save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_photo_comes_back_with_its_face_covered(models: Path, astronaut: Pixels, engine: EngineName):
    red = encoded(Image.new("RGBA", (64, 64), (255, 0, 0, 255)), "PNG")
    photo = encoded(Image.fromarray(astronaut), "JPEG")
    sandbox = SandboxProcess(Program(replace(PHOTO, cpu_seconds=60, wall_seconds=60), models, engine))

    try:
        done = await sandbox.request(*protocol.cover("photo", photo, dict.fromkeys(EXPRESSIONS, red)))
    finally:
        await sandbox.end()

    assert done["kind"] == "done"
    (face,) = map(protocol.face_from_json, done["faces"])
    assert face.expression == "happy"
    assert sum(face.scores.values()) == pytest.approx(1, abs=1e-3)
    pixels = np.asarray(Image.open(BytesIO(done["blobs"][0])).convert("RGB"))
    x, y = map(int, face.box.center)
    assert pixels[y, x] == pytest.approx([255, 0, 0], abs=12)


@pytest.mark.skipif(INSTALLED, reason="the group `fer` is installed")
async def test_a_sandbox_does_not_start_with_an_engine_that_is_not_installed(models: Path):
    with pytest.raises(SandboxBroken, match="`uv sync --all-packages --group fer`"):
        await SandboxProcess(Program(PHOTO, models, EngineName.FER_MTCNN)).start()
