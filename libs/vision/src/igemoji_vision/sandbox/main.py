"""Program of a sandbox process: take requests from standard input and answer each (see `protocol`).

    python -m igemoji_vision.sandbox.main OPTIONS

It decodes files of strangers, so it has nothing that they could want: no credentials, no address, and it opens no file
but the models. Photos and pictures come to it over the pipe, and results go back the same way. It ends when its input
does, so none outlives its parent.
"""

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Protocol

# Before numpy and onnxruntime are imported: one process a core, one thread a process.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from igemoji_vision.errors import EngineMissing, ModelDamaged, PhotoError, PictureUnfit
from igemoji_vision.memory import is_out_of_memory
from igemoji_vision.sandbox import limits, protocol
from igemoji_vision.sandbox.program import Program
from igemoji_vision.sandbox.protocol import Frame
from igemoji_vision.sandbox.requests import Context, Work, load_decoders


class Cancelled(Exception):
    """The parent does not wait for this request any more."""


class Send(Protocol):
    """Sends a frame to the parent."""

    def __call__(self, frame: Frame, blobs: Sequence[bytes] = ()) -> None:
        """Return when the pipe has taken it. Raises BrokenPipeError."""


class _Request:
    def __init__(self, requests: int, send: Send, request_id: str) -> None:
        self._requests = requests
        self._send = send
        self._id = request_id

    def report(self, frame: Frame) -> None:
        while protocol.waiting(self._requests):
            incoming = protocol.read(self._requests)
            if incoming is None or (incoming["kind"] == "cancel" and incoming["id"] == self._id):
                raise Cancelled
        self._send({"kind": "progress", **frame})


def main() -> None:
    """Serve until the input ends."""
    program = Program.from_json(sys.argv[1])
    # Ctrl-C in a terminal reaches the whole group; the parent decides when its processes end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, send = _take_over_pipes()
    limits.confine(program.limits.niceness)
    # The parent may be gone before an answer is read: then there is nobody left to answer.
    with contextlib.suppress(BrokenPipeError):
        try:
            work = _load(program)
        except (ModelDamaged, EngineMissing) as error:
            send({"kind": "broken", "message": str(error)})
            return
        limits.limit_resources(program.limits)
        send({"kind": "ready"})
        while (frame := protocol.read(requests)) is not None:
            if frame["kind"] == "cancel":  # it came after the end of its request
                continue
            limits.limit_cpu(program.limits.cpu_seconds)
            send(*serve(work, frame, _Request(requests, send, frame.get("id", ""))))


def serve(work: Work, frame: Frame, context: Context) -> tuple[Frame, list[bytes]]:
    """Do one request; return the frame that ends it, and its blobs."""
    try:
        if None in frame["blobs"]:
            raise MemoryError
        done, result = work(frame, context)
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


def _load(program: Program) -> Work:
    load_decoders()
    if program.models is None:
        from igemoji_vision.sandbox import picture_requests

        return picture_requests.work
    from igemoji_vision.sandbox import photo_requests

    return photo_requests.load(program.models, program.engine)


def _take_over_pipes() -> tuple[int, Send]:
    """Pipes to the parent, kept from libraries that print: what they write goes to standard error."""
    requests = os.dup(0)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def send(frame: Frame, blobs: Sequence[bytes] = ()) -> None:
        for piece in protocol.pieces(frame, blobs):  # not joined: memory may be short
            answers.write(piece)
        answers.flush()

    return requests, send


if __name__ == "__main__":
    main()
