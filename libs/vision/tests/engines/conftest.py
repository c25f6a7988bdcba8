"""Photos of people that packages ship."""

from pathlib import Path

import numpy as np
import pytest
from skimage import data

from igemoji_vision.decode import Pixels, decode

ASSETS = Path(__file__).resolve().parents[4] / "assets"


@pytest.fixture(scope="session")
def models() -> Path:
    folder = ASSETS / "build" / "models"
    if not (folder / "manifest.json").exists():
        pytest.fail("The models are not built: run `make assets`.")
    return folder


@pytest.fixture(scope="session")
def astronaut() -> Pixels:
    """Return one smiling face, `(512, 512, 3)` uint8 RGB; its middle is near (224, 120)."""
    return np.asarray(data.astronaut(), np.uint8)


@pytest.fixture(scope="session")
def group() -> Pixels:
    """Return a photo of five people."""
    return decode((ASSETS / "node_modules" / "@vladmandic" / "face-api" / "demo" / "sample5.jpg").read_bytes()).pixels
