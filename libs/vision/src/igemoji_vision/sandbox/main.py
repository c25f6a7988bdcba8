"""A worker process: takes a job from its standard input, works, and tells how it goes.

    python -m igemoji_vision.sandbox.main MODELS MEMORY_BYTES TASK_SECONDS ENGINE

It reads photos of strangers, so it has nothing that they could want: no credentials, no address, no file but the
models. Photos and pictures come to it over the pipe, and the finished photo goes back the same way.

It ends when its input does, so none outlives the service. The kernel holds it to its limits (docs/adr/0016): memory
beyond them is refused, and a job that takes too much of the processor ends it with SIGXCPU, whatever the service does.
"""

import contextlib
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

# Before numpy and onnxruntime are imported: one process a core, one thread a process.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np

from igemoji_inference.adapters.db.codec import findings_from_json, findings_to_json
from igemoji_inference.domain.model import CANCELLED, Findings
from igemoji_vision.engines import EngineName
from igemoji_vision.errors import EngineMissing, ModelDamaged, PhotoError
from igemoji_vision.faces import Face
from igemoji_vision.memory import keep_freed_memory
from igemoji_vision.pipeline import Pipeline, Stage
from igemoji_vision.sandbox import protocol

Say = Callable[..., None]
"""A frame, and the bytes that go with it."""

NICE = 10
"""A photo may take a little longer where others ask at the same time; who reads a list waits for it."""

LIMIT_MESSAGE = "This photo needs more memory than a photo may take. Try a smaller one."


def main() -> None:
    models, memory_bytes, task_seconds, engine = sys.argv[1:]
    # Ctrl-C in a terminal reaches the whole group; the service decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs, say = _take_over_pipes()
    cv2.setNumThreads(1)
    os.nice(NICE)
    keep_freed_memory()
    # The service may be gone before an answer is read: then there is nobody left to tell.
    with contextlib.suppress(BrokenPipeError):
        try:
            pipeline = Pipeline(Path(models), EngineName(engine))
        except (ModelDamaged, EngineMissing) as error:
            say({"kind": "broken", "message": str(error)})
            return
        _limit_memory(int(memory_bytes))
        say({"kind": "ready"})
        while (frame := protocol.read(jobs)) is not None:
            if frame["kind"] == "job":  # a word to cancel that came after the end of its job is passed over
                _limit_processor(float(task_seconds))
                work(pipeline, frame, say, lambda task_id: _is_cancelled(jobs, task_id))


def _limit_memory(limit: int) -> None:
    """What is allocated beyond it fails, and the photo with it. A crash writes no core: it would hold a photo."""
    # OpenBLAS takes its buffer when it is first used, and ends the process where it gets none.
    np.ones((256, 256), np.float32) @ np.ones((256, 256), np.float32)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_processor(seconds: float) -> None:
    """From now on; it counts whole seconds of the whole process."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + seconds), most))


class Cancelled(Exception):
    """Nobody waits for this job any more."""


def work(pipeline: Pipeline, job: dict[str, Any], say: Say, is_cancelled: Callable[[str], bool]) -> None:
    """One job, from its photo to its result."""
    photo, *pngs = job["blobs"]
    pictures = dict(zip(job["expressions"], pngs, strict=True))
    revised = findings_from_json(job["revised"]) if job["revised"] else None

    def report(stage: Stage, percent: float, faces: Sequence[Face]) -> None:
        if is_cancelled(job["task_id"]):
            raise Cancelled
        known = replace(revised or Findings(), faces=tuple(faces))
        findings = findings_to_json(known)
        say({"kind": "progress", "state": stage.value, "percent": round(percent), "findings": findings})

    try:
        if revised:
            covered = [number not in revised.uncovered for number in range(len(revised.faces))]
            result = pipeline.revise(photo, revised.faces, covered, pictures, report)
            found = replace(revised, faces=result.faces)
        else:
            result = pipeline.run(photo, pictures, report)
            found = Findings(result.width, result.height, result.faces, result.more_faces)
    except Cancelled:
        say({"kind": "failed", "reason": CANCELLED, "message": ""})
    except PhotoError as error:
        say({"kind": "failed", "reason": error.reason, "message": str(error)})
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.STS_NO_MEM:
            raise
        say({"kind": "failed", "reason": "LIMIT", "message": LIMIT_MESSAGE})
    else:
        done = {"kind": "done", "findings": findings_to_json(found), "content_type": result.content_type}
        say(done, [result.image])


def _is_cancelled(jobs: int, task_id: str) -> bool:
    while protocol.waiting(jobs):
        frame = protocol.read(jobs)
        if frame is None or (frame["kind"] == "cancel" and frame["task_id"] == task_id):
            return True
    return False


def _take_over_pipes() -> tuple[int, Say]:
    """The pipe to the service, kept from libraries that print: what they write goes to standard error."""
    jobs = os.dup(0)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def say(frame: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
        answers.write(protocol.encode(frame, blobs))
        answers.flush()

    return jobs, say


if __name__ == "__main__":
    main()
