"""Worker: fetches the photo of a job, has a sandbox process cover its faces, stores the result."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from igemoji_inference.domain.model import Failure, Findings, TaskState, picture_checksum
from igemoji_inference.domain.work import Done, Job, Progress
from igemoji_inference.usecases.ports import WorkerLost, WorkerOverdue
from igemoji_mesh.errors import StartError
from igemoji_mesh.objects import checksums
from igemoji_mesh.objects.checksums import ObjectDamaged
from igemoji_mesh.objects.port import ObjectMissing, ObjectStore
from igemoji_mesh.observability.logging import log
from igemoji_vision.faces import Face
from igemoji_vision.sandbox import protocol
from igemoji_vision.sandbox.process import SandboxBroken, SandboxLost, SandboxOverdue, SandboxProcess
from igemoji_vision.sandbox.program import Program
from igemoji_vision.sandbox.protocol import Frame

NICENESS = 10
"""A photo may take a little longer when the machine is busy; calls for lists may not."""

PICTURES_KEPT = 210
"""Pictures of thirty templates, some 20 MiB."""

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


class Materials:
    """Photos, pictures and results in the object store. A sandbox process has no access to it."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        # Their keys are digests: the object of a key never changes.
        self._picture = lru_cache(PICTURES_KEPT)(self._checked_picture)

    def fetch(self, job: Job) -> tuple[bytes, Mapping[str, bytes]]:
        """Return the photo, and the pictures by expression. Raises ObjectMissing, ObjectDamaged."""
        pictures = {expression: self._picture(key) for expression, key in job.pictures.items()}
        return checksums.get(self._objects, job.photo_key, job.photo_checksum), pictures

    def store(self, job: Job, image: bytes, content_type: str) -> tuple[str, str]:
        """Store a result; return its key and checksum. Raises StorageFull."""
        key = f"{job.result_key}.{EXTENSIONS[content_type]}"
        self._objects.put(key, image, content_type)
        return key, checksums.sha256(image)

    def _checked_picture(self, key: str) -> bytes:
        return checksums.get(self._objects, key, picture_checksum(key))


class Worker:
    """One sandbox process. It is started when it is first needed, and again after it was lost."""

    def __init__(self, program: Program, materials: Materials) -> None:
        self._sandbox = SandboxProcess(program)
        self._materials = materials

    async def start(self) -> None:
        """Return when the process is ready. Raises StartError where it can never be."""
        try:
            await self._sandbox.start()
        except SandboxBroken as error:
            raise StartError(str(error)) from None

    async def run(self, job: Job, on_progress: Callable[[Progress], Any]) -> Done | Failure:
        """Do a job; `on_progress` is awaited at each step.

        Raises WorkerLost, WorkerOverdue, StartError or StorageFull.
        """
        await self.start()
        try:
            photo, pictures = await asyncio.to_thread(self._materials.fetch, job)
        except ObjectMissing:
            return Failure("PHOTO_LOST", "The uploaded photo is not there any more.")
        except ObjectDamaged:
            return Failure("DATA_DAMAGED", "The photo, or the template, was damaged in our store.")

        async def report(frame: Frame) -> None:
            findings = replace(job.revised or Findings(), faces=_faces(frame))
            await on_progress(Progress(TaskState(frame["state"]), frame["percent"], findings))

        answer = await self._answer(protocol.cover(job.task_id, photo, pictures, _marked(job)), report)
        if answer["kind"] == "failed":
            return Failure(answer["reason"], answer["message"])
        (image,) = answer["blobs"]
        key, checksum = await asyncio.to_thread(self._materials.store, job, image, answer["content_type"])
        return Done(_findings(job, answer), key, checksum, answer["content_type"])

    def cancel(self, task_id: str) -> None:
        """Ask the process to stop this job at its next step; the id of another job is ignored."""
        self._sandbox.cancel(task_id)

    async def end(self) -> int | None:
        """Kill the process, whatever it does. Return its exit code; that of a signal is its negative number."""
        pid = self._sandbox.pid
        code = await self._sandbox.end()
        if pid is not None:
            log.info("worker.ended", pid=pid, code=code)
        return code

    @property
    def pid(self) -> int | None:
        """Process id; None while there is no process."""
        return self._sandbox.pid

    async def _answer(self, request: tuple[Frame, list[bytes]], report: Callable[[Frame], Awaitable[None]]) -> Frame:
        try:
            answer = await self._sandbox.request(*request, report)
        except SandboxOverdue:
            raise WorkerOverdue from None
        except SandboxLost as error:
            log.info("worker.lost", how=str(error))
            raise WorkerLost from None
        except SandboxBroken as error:
            raise StartError(str(error)) from None
        if answer["kind"] == "failed" and answer["reason"] == protocol.INTERNAL:
            log.error("worker.failed", error=answer["message"])
            await self.end()  # a fault of ours: the job is tried again in another process
            raise WorkerLost
        return answer


def _marked(job: Job) -> list[tuple[Face, bool]] | None:
    if job.revised is None:
        return None
    return [(face, number not in job.revised.uncovered) for number, face in enumerate(job.revised.faces)]


def _findings(job: Job, done: Frame) -> Findings:
    if job.revised is not None:
        return replace(job.revised, faces=_faces(done))
    return Findings(done["width"], done["height"], _faces(done), done["more_faces"])


def _faces(frame: Frame) -> tuple[Face, ...]:
    return tuple(protocol.face_from_json(face) for face in frame["faces"])
