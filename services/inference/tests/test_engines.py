"""Engines by setting: VISION_ENGINE."""

from importlib.util import find_spec

import pytest

from igemoji_inference.entrypoints.settings import Settings
from igemoji_inference.entrypoints.wiring import compose
from igemoji_mesh.errors import StartError
from igemoji_mesh.testing.mesh import TestMesh
from igemoji_vision.engines import EngineName

INSTALLED = find_spec("tensorflow") is not None and find_spec("mtcnn") is not None


@pytest.mark.skipif(INSTALLED, reason="the group `fer` is installed")
async def test_the_service_does_not_start_with_an_engine_that_is_not_installed(mesh: TestMesh, settings: Settings):
    wanted = settings.model_copy(update={"vision_engine": EngineName.FER_MTCNN})

    with pytest.raises(StartError, match="`uv sync --all-packages --group fer`"):
        await compose(wanted, mesh.verifier)


def test_an_unknown_engine_is_refused_by_the_settings(mesh: TestMesh):
    with pytest.raises(ValueError, match="fer-haar"):
        mesh.settings(Settings, "inference", vision_engine="yolo")
