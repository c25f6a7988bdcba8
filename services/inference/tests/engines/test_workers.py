"""One photo from its bytes to its result through each engine, in worker processes as the service runs them."""

import asyncio
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from igemoji_inference.adapters.queue.photo_worker import Materials, Worker, WorkerOptions
from igemoji_inference.domain.model import Done, Failure, Job, picture_key
from igemoji_inference.entrypoints.main import compose
from igemoji_inference.entrypoints.settings import Settings
from igemoji_mesh.errors import StartError
from igemoji_mesh.objects.checksums import sha256
from igemoji_mesh.objects.port import FolderObjectStore
from igemoji_mesh.testing.mesh import TestMesh
from igemoji_vision.engines import EngineName
from igemoji_vision.faces import EXPRESSIONS

INSTALLED = find_spec("tensorflow") is not None and find_spec("mtcnn") is not None
ENGINES = [name for name in EngineName if INSTALLED or name is EngineName.ONNX]


async def worked(objects: FolderObjectStore, options: WorkerOptions) -> Done | Failure:
    async def ignore(progress: object) -> None:
        pass

    worker = Worker(options, Materials(objects))
    (picture,) = objects.keys("pictures/")
    job = Job("task", "photos/portrait", "", dict.fromkeys(EXPRESSIONS, picture), "results/task")
    try:
        return await worker.run(job, ignore)
    finally:
        await worker.end()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_photo_leaves_with_its_face_covered(models: Path, portrait: bytes, tmp_path: Path, engine: EngineName):
    objects = FolderObjectStore(tmp_path)
    objects.put("photos/portrait", portrait, "image/jpeg")
    red = BytesIO()
    Image.new("RGBA", (64, 64), (255, 0, 0, 255)).save(red, "PNG")
    objects.put(picture_key(sha256(red.getvalue())), red.getvalue(), "image/png")

    done = asyncio.run(worked(objects, WorkerOptions(models, 1536 << 20, 60, engine)))

    assert isinstance(done, Done)
    (face,) = done.findings.faces
    assert face.expression == "happy"
    assert sum(face.scores.values()) == pytest.approx(1, abs=1e-3)
    pixels = np.asarray(Image.open(BytesIO(objects.get(done.result_key))).convert("RGB"))
    x, y = map(int, face.box.center)
    assert pixels[y, x] == pytest.approx([255, 0, 0], abs=12)


@pytest.mark.skipif(INSTALLED, reason="the group `fer` is installed")
async def test_the_service_does_not_start_with_an_engine_that_is_not_installed(mesh: TestMesh, settings: Settings):
    wanted = settings.model_copy(update={"vision_engine": EngineName.FER_MTCNN})

    with pytest.raises(StartError, match="`uv sync --all-packages --group fer`"):
        await compose(wanted, mesh.verifier)


def test_an_engine_that_does_not_exist_is_told_at_start(mesh: TestMesh):
    with pytest.raises(ValueError, match="fer-haar"):
        mesh.settings(Settings, "inference", vision_engine="yolo")
