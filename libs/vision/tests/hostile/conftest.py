"""Every door by which files of strangers come in, with a sandbox behind it that all hostile files share.

The service's worker and the command `igemoji photo` take photos; the catalog takes pictures of templates.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageDraw
from skimage import data

from igemoji_inference.adapters.queue.photo_worker import NICENESS, Materials, Worker
from igemoji_inference.domain import model
from igemoji_inference.domain.model import picture_key
from igemoji_inference.domain.work import Job
from igemoji_inference.usecases.ports import WorkerLost, WorkerOverdue
from igemoji_mesh.ids import new_id
from igemoji_mesh.objects.checksums import sha256
from igemoji_mesh.objects.folder import FolderObjectStore
from igemoji_stack.photo.errors import Failure
from igemoji_stack.photo.local import LocalWorker
from igemoji_vision.decode import Pixels
from igemoji_vision.errors import PhotoError, PictureUnfit
from igemoji_vision.faces import EXPRESSIONS, Face
from igemoji_vision.headers import inspect
from igemoji_vision.sandbox.limits import PICTURE, photo_limits
from igemoji_vision.sandbox.pictures import PictureSandbox
from igemoji_vision.sandbox.process import SandboxProcess
from igemoji_vision.sandbox.program import Program
from igemoji_vision.sandbox.protocol import face_from_json

MODELS = Path(__file__).resolve().parents[4] / "assets" / "build" / "models"

MIB = 1 << 20
MOST_BYTES = 800 * MIB
"""No photo makes a sandbox hold more; 40 megapixels in a PNG come near it."""
MOST_PICTURE_BYTES = 300 * MIB

# So that `save` can write HEIC.
pillow_heif.register_heif_opener()


@dataclass(frozen=True)
class Done:
    """A finished photo."""

    width: int
    height: int
    faces: list[Face]
    image: bytes

    @property
    def content_type(self) -> str:
        with Image.open(BytesIO(self.image)) as image:
            return f"image/{(image.format or '').lower()}"


class Door(Protocol):
    """Worker behind one of the doors."""

    @property
    def sandbox(self) -> SandboxProcess: ...

    async def work(self, photo: bytes) -> Done | Failure | None:
        """Return how the photo ended; None where it ended its process."""


class ServiceDoor:
    """Worker of the inference service."""

    def __init__(self, folder: Path, models: Path, memory_bytes: int, seconds: float) -> None:
        self._objects = FolderObjectStore(folder)
        self._objects.put(picture_key(sha256(disc())), disc(), "image/png")
        self._worker = Worker(Program(photo_limits(memory_bytes, seconds, NICENESS), models), Materials(self._objects))
        self.sandbox = self._worker._sandbox

    async def work(self, photo: bytes) -> Done | Failure | None:
        self._objects.put("photos/photo", photo, "")
        pictures = dict.fromkeys(EXPRESSIONS, picture_key(sha256(disc())))
        job = Job(new_id(), "photos/photo", sha256(photo), pictures, f"results/{new_id()}")

        async def ignore(progress: object) -> None:
            pass

        try:
            ended = await self._worker.run(job, ignore)
        except WorkerLost:
            return None
        except WorkerOverdue:
            return Failure("LIMIT", "This photo takes longer than a photo may take.")
        if isinstance(ended, model.Failure):
            return Failure(ended.reason, ended.message)
        found = ended.findings
        return Done(found.width, found.height, list(found.faces), self._objects.get(ended.result_key))


class CommandDoor:
    """Worker of `igemoji photo`."""

    def __init__(self, folder: Path, models: Path, memory_bytes: int, seconds: float) -> None:
        self._photo = folder / "photo"
        self._worker = LocalWorker(models, dict.fromkeys(EXPRESSIONS, disc()), photo_limits(memory_bytes, seconds))
        self.sandbox = self._worker._sandbox

    async def work(self, photo: bytes) -> Done | Failure | None:
        self._photo.write_bytes(photo)
        ended = await self._worker.work(self._photo)
        if isinstance(ended, Failure):
            return None if ended.reason == "WORKER_LOST" else ended
        found = ended.findings
        faces = [face_from_json({**face, "detection_score": 1.0}) for face in found["faces"]]
        return Done(found["width"], found["height"], faces, ended.image)


DOORS = {"service": ServiceDoor, "command": CommandDoor}


@dataclass
class Workbench:
    """One door, and how the photos ended that came in by it."""

    door: Door
    loop: asyncio.AbstractEventLoop
    losses: int = 0

    def work(self, photo: bytes) -> Done | Failure | None:
        ended = self.loop.run_until_complete(self.door.work(photo))
        self.losses += ended is None
        return ended

    @property
    def pid(self) -> int | None:
        return self.door.sandbox.pid

    def peak_bytes(self) -> int:
        """Return the most memory that the process held since `forget_peak`."""
        return peak_bytes(self.pid)

    def forget_peak(self) -> None:
        self.loop.run_until_complete(self.door.sandbox.start())
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


MakeWorkbench = Callable[..., Workbench]
Outcome = Callable[[bytes], str]
Save = Callable[..., bytes]


@pytest.fixture(scope="session")
def models() -> Path:
    if not (MODELS / "manifest.json").is_file():
        pytest.fail("The models are not built: run `make assets`.")
    return MODELS


@pytest.fixture(scope="session", params=DOORS)
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def make_workbench(
    models: Path, tmp_path_factory: pytest.TempPathFactory, door: str, loop: asyncio.AbstractEventLoop
) -> Iterator[MakeWorkbench]:
    made = []

    def make(memory_bytes: int = 1536 * MIB, seconds: float = 20) -> Workbench:
        opened: Any = DOORS[door](tmp_path_factory.mktemp("worker"), models, memory_bytes, seconds)
        made.append(Workbench(opened, loop))
        return made[-1]

    yield make
    for workbench in made:
        loop.run_until_complete(workbench.door.sandbox.end())


@pytest.fixture(scope="session")
def workbench(make_workbench: MakeWorkbench) -> Workbench:
    return make_workbench()


@pytest.fixture(scope="session")
def picture_sandbox(loop: asyncio.AbstractEventLoop) -> Iterator[PictureSandbox]:
    """Sandbox of the catalog, with time enough for a busy machine."""
    sandbox = PictureSandbox(1, replace(PICTURE, wall_seconds=20))
    yield sandbox
    loop.run_until_complete(sandbox.close())


@pytest.fixture(scope="session")
def face() -> Pixels:
    """Return a smiling face, `(200, 160, 3)` uint8 RGB."""
    return np.ascontiguousarray(data.astronaut()[20:220, 140:300])


@pytest.fixture(scope="session")
def save(face: Pixels) -> Save:
    """Return a function that encodes the face, or a picture: `save("JPEG", quality=95)`, `save("PNG", picture)`."""

    def saved(kind: str, picture: Pixels | Image.Image | None = None, **options: Any) -> bytes:
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(face if picture is None else picture)
        out = BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()

    return saved


@pytest.fixture
def outcome(
    workbench: Workbench, door: str, picture_sandbox: PictureSandbox, loop: asyncio.AbstractEventLoop
) -> Outcome:
    """Return a function that processes a file and returns `DONE` or the reason why not; checks what holds for all."""

    def outcome_of(photo: bytes) -> str:
        workbench.forget_peak()
        process = workbench.pid
        ended = workbench.work(photo)

        assert ended is not None, "the process was lost"
        assert workbench.pid == process
        assert workbench.peak_bytes() < MOST_BYTES
        if door == "service":
            check_as_picture(picture_sandbox, photo, loop)
        refused = refusal(photo)
        if isinstance(ended, Done):
            assert refused is None
            with Image.open(BytesIO(ended.image)) as image:
                image.load()
                assert image.size == (ended.width, ended.height)
            return "DONE"
        # The upload is refused with the same words where the header tells it.
        assert refused in (None, (ended.reason, ended.message))
        assert ended.message.endswith(".")
        return ended.reason

    return outcome_of


def check_as_picture(sandbox: PictureSandbox, file: bytes, loop: asyncio.AbstractEventLoop) -> None:
    """Check that the file as a picture of a template is normalized or refused, in the same process."""
    (process,) = sandbox._all
    loop.run_until_complete(process.start())
    pid = process.pid
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    with suppress(PictureUnfit):
        png = loop.run_until_complete(sandbox.normalize(file, keep_background=len(file) % 2 == 0))
        with Image.open(BytesIO(png)) as image:
            image.load()
            assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (512, 512))
    assert process.pid == pid
    assert peak_bytes(pid) < MOST_PICTURE_BYTES


def peak_bytes(pid: int | None) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def refusal(photo: bytes) -> tuple[str, str] | None:
    try:
        inspect(photo)
    except PhotoError as error:
        return error.reason, str(error)
    return None


def disc() -> bytes:
    image = Image.new("RGBA", (128, 128))
    ImageDraw.Draw(image).ellipse((4, 4, 124, 124), fill=(255, 90, 0, 255))
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
