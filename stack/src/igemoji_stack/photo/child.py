"""A worker process of `igemoji photo`: takes photo after photo from its standard input and tells what became of each.

    python -m igemoji_stack.photo.child MODELS MEMORY_BYTES

Both sides say JSON objects, one a line. The first that it reads holds the template's pictures, `{expression: base64}`;
then come jobs, `{"photo", "output"}`. It says `{"kind": "ready"}` or `{"kind": "broken", "message"}`, and for each job
`done` with what was found, `failed` with a reason and a message, or `full` where the disk is. It ends when its input
does.
"""

import base64
import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

# Before numpy and onnxruntime are imported: one process a core, one thread a process.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2

from igemoji_stack.photo.errors import DISK_FULL
from igemoji_vision.errors import ModelDamaged, PhotoError
from igemoji_vision.faces import Face
from igemoji_vision.memory import keep_freed_memory
from igemoji_vision.pipeline import Pipeline, Result

Say = Callable[[dict[str, Any]], None]

LIMIT_MESSAGE = "This photo needs more memory than a photo may take. Try a smaller one."


def main() -> None:
    models, memory_bytes = sys.argv[1:]
    # Ctrl-C in a terminal reaches the whole group; the command decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs, say = _take_over_pipes()
    cv2.setNumThreads(1)
    keep_freed_memory()
    with contextlib.suppress(BrokenPipeError):
        pictures = {name: base64.b64decode(text) for name, text in json.loads(jobs.readline()).items()}
        try:
            pipeline = Pipeline(Path(models))
        except ModelDamaged as error:
            say({"kind": "broken", "message": str(error)})
            return
        resource.setrlimit(resource.RLIMIT_DATA, (int(memory_bytes), int(memory_bytes)))
        say({"kind": "ready"})
        output = None
        for line in jobs:
            job = json.loads(line)
            output = Path(job["output"])
            _answer(work(pipeline, pictures, Path(job["photo"]), output), output, say)
        if output is not None:
            # The command ended. A result that it had taken has its name by now; one that it had not is left over.
            output.unlink(missing_ok=True)


def work(pipeline: Pipeline, pictures: Mapping[str, bytes], photo: Path, output: Path) -> dict[str, Any]:
    """One photo from its file to the file of its result; returns what is said of it."""
    try:
        data = photo.read_bytes()
    except OSError as error:
        return _failed("FILE_UNREADABLE", f"The file can't be read: {error.strerror}.")
    except MemoryError:
        return _failed("LIMIT", LIMIT_MESSAGE)
    try:
        result = pipeline.run(data, pictures, lambda *_: None)
    except PhotoError as error:
        return _failed(error.reason, str(error))
    except Exception as error:  # a fault of ours with one photo must not end the work on the others
        return _failed("LIMIT", LIMIT_MESSAGE) if _is_out_of_memory(error) else _internal(error)
    try:
        _write(output, result.image)
    except OSError as error:
        output.unlink(missing_ok=True)
        if error.errno in DISK_FULL:
            return {"kind": "full", "message": error.strerror}
        return _failed("RESULT_UNWRITABLE", f"The result can't be written: {error.strerror}.")
    return {"kind": "done", "findings": findings(result)}


def findings(result: Result) -> dict[str, Any]:
    """What is told of a photo: its size, and its faces in pixels of the upright photo."""
    found = {"width": result.width, "height": result.height, "faces": [_face(face) for face in result.faces]}
    return {**found, "more_faces": True} if result.more_faces else found


def _face(face: Face) -> dict[str, Any]:
    return {
        "box": [round(side, 2) for side in (face.box.x, face.box.y, face.box.width, face.box.height)],
        "roll": round(face.roll, 2),
        "landmarks": [[round(x, 2), round(y, 2)] for x, y in face.landmarks],
        "expression": face.expression,
        "uncertain": face.uncertain,
        "scores": {expression: round(score, 5) for expression, score in face.scores.items()},
    }


def _write(output: Path, image: bytes) -> None:
    """Returns when the bytes are on the disk: a name that is given later never stands for half a file."""
    with output.open("wb") as file:
        file.write(image)
        file.flush()
        os.fsync(file.fileno())


def _answer(answer: dict[str, Any], output: Path, say: Say) -> None:
    """Where nobody is left to take a result, it is removed."""
    try:
        say(answer)
    except BrokenPipeError:
        output.unlink(missing_ok=True)
        raise


def _failed(reason: str, message: str) -> dict[str, Any]:
    return {"kind": "failed", "reason": reason, "message": message}


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, cv2.error):
        return bool(error.code == cv2.Error.STS_NO_MEM)
    # onnxruntime has no class of errors for it.
    return isinstance(error, MemoryError) or "allocate memory" in str(error) or "bad_alloc" in str(error)


def _internal(error: Exception) -> dict[str, Any]:
    text = str(error).partition("\n")[0][:200]
    return _failed("INTERNAL", f"An error of igemoji ({type(error).__name__}: {text}).")


def _take_over_pipes() -> tuple[BinaryIO, Say]:
    """The pipe to the command, kept from libraries that print: what they write goes to standard error."""
    jobs = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()

    return jobs, say


if __name__ == "__main__":
    main()
