"""The service's side of one worker process."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from igemoji_inference.adapters.db.codec import findings_from_json, findings_to_json
from igemoji_inference.domain.model import Done, Failure, Job, Progress, TaskState, picture_checksum
from igemoji_mesh.errors import StartError
from igemoji_mesh.objects import checksums
from igemoji_mesh.objects.checksums import ObjectDamaged
from igemoji_mesh.objects.port import ObjectMissing, ObjectStore
from igemoji_mesh.observability.logging import log
from igemoji_vision.engines import EngineName
from igemoji_vision.sandbox import protocol

START_SECONDS = 180
"""Loading the models takes about a second, tensorflow (VISION_ENGINE=fer-…) ten, on a busy machine many times that."""

FRAME_BYTES = 16 * 2**20

PICTURES_KEPT = 210
"""Of thirty templates, some 20 MiB."""

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


class WorkerLost(Exception):
    """The process ended in mid-job."""


class WorkerOverdue(Exception):
    """The job took too long; the process was ended."""


@dataclass(frozen=True)
class WorkerOptions:
    models: Path
    memory_bytes: int
    task_seconds: float
    engine: EngineName = EngineName.ONNX


class Materials:
    """Photos, pictures and results in the object store, for worker processes that have no key to it."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        # Their keys are digests: what stands under one never changes.
        self._picture = lru_cache(PICTURES_KEPT)(self._checked_picture)

    async def fetch(self, job: Job) -> tuple[bytes, Mapping[str, bytes]]:
        """The photo, and the pictures by expression. Raises ObjectMissing, ObjectDamaged."""
        return await asyncio.to_thread(self._fetch, job)

    async def store(self, job: Job, image: bytes, content_type: str) -> tuple[str, str]:
        """Returns the key of the result, and its checksum. Raises StorageFull."""
        return await asyncio.to_thread(self._store, f"{job.result_key}.{EXTENSIONS[content_type]}", image, content_type)

    def _fetch(self, job: Job) -> tuple[bytes, Mapping[str, bytes]]:
        pictures = {expression: self._picture(key) for expression, key in job.pictures.items()}
        return checksums.get(self._objects, job.photo_key, job.photo_checksum), pictures

    def _checked_picture(self, key: str) -> bytes:
        return checksums.get(self._objects, key, picture_checksum(key))

    def _store(self, key: str, image: bytes, content_type: str) -> tuple[str, str]:
        self._objects.put(key, image, content_type)
        return key, checksums.sha256(image)


class Worker:
    """One process. It is started when it is first needed, and again after it was lost."""

    def __init__(self, options: WorkerOptions, materials: Materials) -> None:
        self._options = options
        self._materials = materials
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns when the process is ready. Raises StartError where it can never be."""
        if self._process is not None and self._process.returncode is None:
            return
        options = self._options
        limits = [str(options.memory_bytes), str(options.task_seconds)]
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "igemoji_vision.sandbox.main"),
            *(str(options.models), *limits, options.engine),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=FRAME_BYTES,
            env=_environment(),
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                first = await self._read()
        except TimeoutError:
            await self.end()
            raise StartError(f"A worker process was not ready after {START_SECONDS} s.") from None
        if first is None or first["kind"] != "ready":
            await self.end()
            raise StartError(first["message"] if first else "A worker process ended while it started.")

    async def run(self, job: Job, on_progress: Callable[[Progress], Any]) -> Done | Failure:
        """Has a job done; `on_progress` is awaited at each stage. Raises WorkerLost, WorkerOverdue or StorageFull."""
        await self.start()
        try:
            photo, pictures = await self._materials.fetch(job)
        except ObjectMissing:
            return Failure("PHOTO_LOST", "The uploaded photo is not there any more.")
        except ObjectDamaged:
            return Failure("DATA_DAMAGED", "The photo, or the template, was damaged in our store.")
        last = await self._last_frame(_frame_of(job, list(pictures)), [photo, *pictures.values()], on_progress)
        if last["kind"] == "failed":
            return Failure(last["reason"], last["message"])
        (image,) = last["blobs"]
        key, checksum = await self._materials.store(job, image, last["content_type"])
        return Done(findings_from_json(last["findings"]), key, checksum, last["content_type"])

    def cancel(self, task_id: str) -> None:
        """Asks the process to stop this job at its next stage; a word for another job is passed over."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(protocol.encode({"kind": "cancel", "task_id": task_id}))

    async def end(self) -> int | None:
        """Ends the process, whatever it does. Returns how it ended: a signal is its negative number."""
        if self._process is None:
            return None
        # Not its own kill(): that may reap a process that has just died, before asyncio's watcher does.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
        code = await self._process.wait()
        log.info("worker ended", pid=self._process.pid, code=code)
        self._process = None
        return code

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise WorkerLost
        return self._process

    async def _last_frame(
        self, job: dict[str, Any], blobs: Sequence[bytes], on_progress: Callable[[Progress], Any]
    ) -> dict[str, Any]:
        """Tells the process of a job, and how it goes; returns what the process says in the end."""
        process = self._running()
        assert process.stdin is not None  # noqa: S101 - it was opened as a pipe
        with contextlib.suppress(ConnectionError):
            process.stdin.write(protocol.encode(job, blobs))
            await process.stdin.drain()
        try:
            async for frame in self._frames_of_a_job():
                if frame["kind"] != "progress":
                    return frame
                await on_progress(_progress(frame))
        except BaseException:  # a job that is not waited for any more must not answer the next one
            await self.end()
            raise
        if await self.end() == -signal.SIGXCPU:
            raise WorkerOverdue
        raise WorkerLost

    async def _frames_of_a_job(self) -> AsyncIterator[dict[str, Any]]:
        until = time.monotonic() + self._options.task_seconds
        while True:
            try:
                async with asyncio.timeout(max(0.0, until - time.monotonic())):
                    frame = await self._read()
            except TimeoutError:
                raise WorkerOverdue from None
            if frame is None:
                return
            yield frame

    async def _read(self) -> dict[str, Any] | None:
        process = self._running()
        assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
        return await protocol.read_async(process.stdout)


def _frame_of(job: Job, expressions: list[str]) -> dict[str, Any]:
    return {
        "kind": "job",
        "task_id": job.task_id,
        "expressions": expressions,
        "revised": findings_to_json(job.revised) if job.revised else None,
    }


def _progress(frame: dict[str, Any]) -> Progress:
    return Progress(TaskState(frame["state"]), frame["percent"], findings_from_json(frame["findings"]))


def _environment() -> dict[str, str]:
    """A worker needs no secret: it gets the variables that Python and the loader use, and no other."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH")
    return {name: os.environ[name] for name in kept if name in os.environ}
