"""A worker process: takes a job from its standard input, works, and tells how it goes.

    python -m igemoji_inference.queue.child MODELS OBJECT_STORE_URL MEMORY_BYTES TASK_SECONDS ENGINE

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

from igemoji_inference.domain import CANCELLED, Findings
from igemoji_inference.queue import frames
from igemoji_inference.records import findings_from_json, findings_to_json
from igemoji_inference.vision.engines import EngineName
from igemoji_inference.vision.errors import EngineMissing, ModelDamaged, PhotoError
from igemoji_inference.vision.faces import Face
from igemoji_inference.vision.pipeline import Pipeline, Stage
from igemoji_mesh.objects import ObjectMissing, ObjectStore, object_store
from igemoji_mesh.storage import StorageFull

Say = Callable[[dict[str, Any]], None]

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}

LIMIT_MESSAGE = "This photo needs more memory than a photo may take. Try a smaller one."


def main() -> None:
    models, objects_url, memory_bytes, task_seconds, engine = sys.argv[1:]
    # Ctrl-C in a terminal reaches the whole group; the service decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs, say = _take_over_pipes()
    cv2.setNumThreads(1)
    # The service may be gone before an answer is read: then there is nobody left to tell.
    with contextlib.suppress(BrokenPipeError):
        try:
            pipeline = Pipeline(Path(models), EngineName(engine))
        except (ModelDamaged, EngineMissing) as error:
            say({"kind": "broken", "message": str(error)})
            return
        _limit_memory(int(memory_bytes))
        objects = object_store(objects_url)
        say({"kind": "ready"})
        while (frame := frames.read(jobs)) is not None:
            if frame["kind"] == "job":  # a word to cancel that came after the end of its job is passed over
                _limit_processor(float(task_seconds))
                say(work(pipeline, objects, frame, say, lambda task_id: _is_cancelled(jobs, task_id)))


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


def work(
    pipeline: Pipeline, objects: ObjectStore, job: dict[str, Any], say: Say, is_cancelled: Callable[[str], bool]
) -> dict[str, Any]:
    """One job from its photo to its stored result; returns the last frame."""
    try:
        photo = objects.get(job["photo_key"])
        pictures = {expression: objects.get(key) for expression, key in job["pictures"].items()}

        revised = findings_from_json(job["revised"]) if job["revised"] else None

        def report(stage: Stage, percent: float, faces: Sequence[Face]) -> None:
            if is_cancelled(job["task_id"]):
                raise Cancelled
            known = replace(revised or Findings(), faces=tuple(faces))
            findings = findings_to_json(known)
            say({"kind": "progress", "state": stage.value, "percent": round(percent), "findings": findings})

        if revised:
            covered = [number not in revised.uncovered for number in range(len(revised.faces))]
            result = pipeline.revise(photo, revised.faces, covered, pictures, report)
            found = replace(revised, faces=result.faces)
        else:
            result = pipeline.run(photo, pictures, report)
            found = Findings(result.width, result.height, result.faces, result.more_faces)
        key = f"{job['result_key']}.{EXTENSIONS[result.content_type]}"
        if is_cancelled(job["task_id"]):  # or the service is gone: nobody would know of the result
            raise Cancelled
        objects.put(key, result.image, result.content_type)
    except Cancelled:
        return {"kind": "failed", "reason": CANCELLED, "message": ""}
    except StorageFull as error:  # no fault of the photo: the service has it done again
        return {"kind": "failed", "reason": error.reason, "message": error.message}
    except ObjectMissing:
        return {"kind": "failed", "reason": "PHOTO_LOST", "message": "The uploaded photo is not there any more."}
    except PhotoError as error:
        return {"kind": "failed", "reason": error.reason, "message": str(error)}
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.STS_NO_MEM:
            raise
        return {"kind": "failed", "reason": "LIMIT", "message": LIMIT_MESSAGE}
    return {
        "kind": "done",
        "findings": findings_to_json(found),
        "result_key": key,
        "content_type": result.content_type,
    }


def _is_cancelled(jobs: int, task_id: str) -> bool:
    while frames.waiting(jobs):
        frame = frames.read(jobs)
        if frame is None or (frame["kind"] == "cancel" and frame["task_id"] == task_id):
            return True
    return False


def _take_over_pipes() -> tuple[int, Say]:
    """The pipe to the service, kept from libraries that print: what they write goes to standard error."""
    jobs = os.dup(0)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def say(frame: dict[str, Any]) -> None:
        answers.write(frames.encode(frame))
        answers.flush()

    return jobs, say


if __name__ == "__main__":
    main()
