"""Built models, a template, and photos as files."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image
from skimage import data

from igemoji_vision.decode import Pixels
from igemoji_vision.pipeline import Pipeline

ASSETS = Path(__file__).resolve().parents[4] / "assets"

Save = Callable[..., bytes]

# So that `save` can write HEIC.
pillow_heif.register_heif_opener()


@pytest.fixture(scope="session")
def models() -> Path:
    folder = ASSETS / "build" / "models"
    if not (folder / "manifest.json").exists():
        pytest.fail("the models are not built: run `make assets`")
    return folder


@pytest.fixture(scope="session")
def pipeline(models: Path) -> Pipeline:
    return Pipeline(models)


@pytest.fixture(scope="session")
def pictures() -> dict[str, bytes]:
    folder = ASSETS / "build" / "templates" / "classic"
    return {path.stem: path.read_bytes() for path in folder.glob("*.png")}


@pytest.fixture(scope="session")
def group() -> bytes:
    """Return a JPEG of five people that a package ships."""
    return (ASSETS / "node_modules" / "@vladmandic" / "face-api" / "demo" / "sample5.jpg").read_bytes()


@pytest.fixture(scope="session")
def astronaut() -> Pixels:
    """Return one smiling face, `(512, 512, 3)` uint8 RGB; its middle is near (224, 120)."""
    return np.asarray(data.astronaut(), np.uint8)


@pytest.fixture
def save() -> Save:
    """Return a function that encodes pixels or a Pillow image: `save(pixels, "JPEG", quality=95)`."""

    def saved(picture: Pixels | Image.Image, kind: str, **options: Any) -> bytes:
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        out = BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()

    return saved


@pytest.fixture
def scene() -> Pixels:
    """Draw a landscape without a face, `(120, 160, 3)` uint8 RGB, smooth enough for JPEG."""
    y, x = np.mgrid[0:120, 0:160]
    return np.stack([x, 2 * y, 255 - x], axis=2).astype(np.uint8)
