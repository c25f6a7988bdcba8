"""A worker process as the service runs it, with the whole pipeline in it, shared by all hostile files."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageDraw
from skimage import data

from igemoji_inference.adapters.queue.photo_worker import Materials, Worker, WorkerLost, WorkerOptions, WorkerOverdue
from igemoji_inference.domain.model import Done, Failure, Job, picture_key
from igemoji_mesh.ids import new_id
from igemoji_mesh.objects.checksums import sha256
from igemoji_mesh.objects.folder import FolderObjectStore
from igemoji_vision.decode import Pixels
from igemoji_vision.errors import PhotoError
from igemoji_vision.faces import EXPRESSIONS
from igemoji_vision.headers import inspect

MIB = 1 << 20
MOST_BYTES = 800 * MIB
"""No file makes the worker hold more; 40 megapixels in a PNG come near it."""

# So that `save` can write HEIC.
pillow_heif.register_heif_opener()


@dataclass
class Workbench:
    """One worker, and what became of the photos it was given."""

    folder: Path
    worker: Worker
    objects: FolderObjectStore
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    losses: int = 0

    def work(self, photo: bytes) -> Done | Failure | None:
        """How the photo ended; None where it took its worker with it."""
        self.objects.put("photos/photo", photo, "")
        task = new_id()
        pictures = dict.fromkeys(EXPRESSIONS, picture_key(sha256(disc())))
        job = Job(task, "photos/photo", sha256(photo), pictures, f"results/{task}")

        async def ignore(progress: object) -> None:
            pass

        try:
            return self.loop.run_until_complete(self.worker.run(job, ignore))
        except WorkerLost:
            self.losses += 1
            return None
        except WorkerOverdue:
            return Failure("LIMIT", "This photo takes longer than a photo may take.")

    def result(self, done: Done) -> bytes:
        return self.objects.get(done.result_key)

    def peak_bytes(self) -> int:
        """The most memory that the worker held since forget_peak()."""
        status = Path(f"/proc/{self.worker.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024

    def forget_peak(self) -> None:
        self.loop.run_until_complete(self.worker.start())
        Path(f"/proc/{self.worker.pid}/clear_refs").write_text("5")

    def close(self) -> None:
        self.loop.run_until_complete(self.worker.end())
        self.loop.close()


MakeWorkbench = Callable[..., Workbench]
Outcome = Callable[[bytes], str]
Save = Callable[..., bytes]


@pytest.fixture(scope="session")
def make_workbench(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeWorkbench]:
    made = []

    def make(memory_bytes: int = 1536 * MIB, task_seconds: float = 20) -> Workbench:
        folder = tmp_path_factory.mktemp("worker")
        objects = FolderObjectStore(folder)
        objects.put(picture_key(sha256(disc())), disc(), "image/png")
        options = WorkerOptions(models, memory_bytes, task_seconds)
        made.append(Workbench(folder, Worker(options, Materials(objects)), objects))
        return made[-1]

    yield make
    for workbench in made:
        workbench.close()


@pytest.fixture(scope="session")
def workbench(make_workbench: MakeWorkbench) -> Workbench:
    return make_workbench()


@pytest.fixture(scope="session")
def face() -> Pixels:
    """A smiling face, `(200, 160, 3)` uint8 RGB."""
    return np.ascontiguousarray(data.astronaut()[20:220, 140:300])


@pytest.fixture(scope="session")
def save(face: Pixels) -> Save:
    """The face, or what is given, as a file: `save("JPEG", quality=95)`, `save("PNG", picture)`."""

    def saved(kind: str, picture: Pixels | Image.Image | None = None, **options: Any) -> bytes:
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(face if picture is None else picture)
        out = BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()

    return saved


@pytest.fixture
def outcome(workbench: Workbench) -> Outcome:
    """Has a file worked on and returns `DONE` or the reason why not; whatever it is, this much holds."""

    def outcome_of(photo: bytes) -> str:
        workbench.forget_peak()
        worker = workbench.worker.pid
        ended = workbench.work(photo)

        assert ended is not None, "the worker was lost"
        assert workbench.worker.pid == worker
        assert workbench.peak_bytes() < MOST_BYTES
        refused = refusal(photo)
        if isinstance(ended, Done):
            assert refused is None
            with Image.open(BytesIO(workbench.result(ended))) as image:
                image.load()
                assert image.size == (ended.findings.width, ended.findings.height)
            return "DONE"
        # What the header tells is told at the upload already, in the same words.
        assert refused in (None, (ended.reason, ended.message))
        assert ended.message.endswith(".")
        return ended.reason

    return outcome_of


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
