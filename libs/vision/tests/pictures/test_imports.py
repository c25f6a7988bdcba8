"""The catalog installs igemoji-vision without the extra `models`."""

import subprocess
import sys

import pytest

HEAVY = ("numpy", "cv2", "onnxruntime", "simplejpeg", "pillow_heif")
FAIL = f"import sys; sys.modules.update(dict.fromkeys({HEAVY}))"  # importing them raises ImportError from now on


@pytest.mark.parametrize(
    "module",
    [
        "igemoji_vision.errors",
        "igemoji_vision.faces",
        "igemoji_vision.pictures",
        "igemoji_vision.sandbox.main",
        "igemoji_vision.sandbox.pictures",
    ],
)
def test_pictures_need_pillow_alone(module):
    subprocess.run([sys.executable, "-c", f"{FAIL}; import {module}"], check=True, timeout=60)


def test_the_parent_of_a_sandbox_imports_no_decoder():
    code = f"{FAIL}; sys.modules['PIL'] = None; import igemoji_vision.sandbox.pictures"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
