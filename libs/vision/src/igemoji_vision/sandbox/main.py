"""Program of a sandbox process: take requests from standard input and answer each (see `protocol`).

    python -m igemoji_vision.sandbox.main OPTIONS

It decodes files of strangers, so it has nothing that they could want: no credentials, no address, and it opens no file
but the models. Photos and pictures come to it over the pipe, and results go back the same way. It ends when its input
does, so none outlives its parent.
"""

import contextlib
import importlib
import os
import signal
import sys
import traceback
from functools import partial
from typing import BinaryIO

# Before numpy and onnxruntime are imported: one process a core, one thread a process.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from igemoji_vision.errors import EngineMissing, ModelDamaged, PhotoError, PictureUnfit
from igemoji_vision.memory import is_out_of_memory
from igemoji_vision.pictures import normalize, thumbnail
from igemoji_vision.sandbox import limits, protocol
from igemoji_vision.sandbox.program import Program
from igemoji_vision.sandbox.protocol import Frame, Report, Work

PLUGINS = ("Jpeg", "Mpo", "Png", "Tiff", "WebP")
"""Modules that Pillow imports with the first file of a format (TIFF: the form of EXIF)."""


class Cancelled(Exception):
    """The parent does not wait for this request any more."""


def main() -> None:
    """Serve until the input ends."""
    program = Program.from_json(sys.argv[1])
    # Ctrl-C in a terminal reaches the whole group; the parent decides when its processes end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The pipes to the parent are kept from libraries that print: what they write goes to standard error.
    requests, answers = os.dup(0), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limits.confine(program.limits.niceness)
    # The parent may be gone before an answer is read: then there is nobody left to answer.
    with contextlib.suppress(BrokenPipeError):
        try:
            work = _load(program)
        except (ModelDamaged, EngineMissing) as error:
            protocol.write(answers, {"kind": "broken", "message": str(error)})
            return
        limits.limit_resources(program.limits)
        protocol.write(answers, {"kind": "ready"})
        while (frame := protocol.read(requests)) is not None:
            if frame["kind"] == "cancel":  # it came after the end of its request
                continue
            limits.limit_cpu(program.limits.cpu_seconds)
            report = partial(_report, requests, answers, frame.get("id", ""))
            protocol.write(answers, *_serve(work, frame, report))


def _serve(work: Work, frame: Frame, report: Report) -> tuple[Frame, list[bytes]]:
    """Do one request; return the frame that ends it, and its blobs."""
    try:
        if None in frame["blobs"]:
            raise MemoryError
        done, result = work(frame, report)
        return {"kind": "done", **done}, [result]
    except Cancelled:
        failed = protocol.CANCELLED, ""
    except PhotoError as error:
        failed = error.reason, str(error)
    except PictureUnfit as error:
        failed = protocol.PICTURE_UNFIT, str(error)
    except BrokenPipeError:
        raise
    except Exception as error:  # a fault of ours with one file must not end the work on the others
        if is_out_of_memory(error):
            failed = protocol.LIMIT, protocol.LIMIT_MESSAGE
        else:
            traceback.print_exc()
            failed = protocol.INTERNAL, f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
    reason, message = failed
    return {"kind": "failed", "reason": reason, "message": message}, []


def _report(requests: int, answers: BinaryIO, request_id: str, step: Frame) -> None:
    """Send a progress frame. Raises Cancelled if the parent has cancelled the request, or is gone."""
    while protocol.waiting(requests):
        incoming = protocol.read(requests)
        if incoming is None or (incoming["kind"] == "cancel" and incoming["id"] == request_id):
            raise Cancelled
    protocol.write(answers, {"kind": "progress", **step})


def _load(program: Program) -> Work:
    # Pillow imports these lazily: once memory is limited, an import could fail, and with it a whole format.
    for plugin in PLUGINS:
        importlib.import_module(f"PIL.{plugin}ImagePlugin")
    if program.models is None:
        return _picture
    from igemoji_vision.sandbox import photo_requests  # the program for pictures has none of its packages

    return photo_requests.load(program.models, program.engine)


def _picture(frame: Frame, _report: Report) -> tuple[Frame, bytes]:
    """Do a `normalize` or `thumbnail` request. Raises PictureUnfit."""
    (picture,) = frame["blobs"]
    if frame["kind"] == "thumbnail":
        return {}, thumbnail(picture, frame["width"])
    return {}, normalize(picture, frame["keep_background"])


if __name__ == "__main__":
    main()
