"""Server of the fer package in its own environment, which times each call, for bench/vision/{speed,accuracy}.py.

It reads a line of JSON for each call from standard input, `{"detector": "mtcnn" | "haar", "photo": PATH}`, and answers
with a line: `{"wall": s, "cpu": s, "faces": [{"box": [x, y, w, h], "emotions": {…}}], "peak": bytes}`. The time is that
of detect_emotions alone; the photo is read before. Once it is ready it writes `{"ready": s, "versions": {…}}`.
"""

import contextlib
import json
import logging
import os
import resource
import sys
import time
from functools import lru_cache
from importlib.metadata import version

started = time.perf_counter()
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # keep the output of libraries out of the answers
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from fer.fer import FER  # noqa: E402

logging.disable()


def answer(**fields):
    print(json.dumps(fields), file=answers, flush=True)


def read(path, number):
    """Return a photo as BGR; `number` selects one of an .npz of gray photos."""
    if path.endswith(".npz"):
        return cv2.cvtColor(photos_of(path)[number], cv2.COLOR_GRAY2BGR)
    return cv2.imread(path)


@lru_cache
def photos_of(path):
    return np.load(path)["photos"]


def timed(detector, photo):
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        found = detector.detect_emotions(photo)
    except Exception as error:
        print(f"fer: {error!r}", file=sys.stderr)
        found = []
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    faces = [{"box": [int(value) for value in face["box"]], "emotions": face["emotions"]} for face in found]
    return {"wall": wall, "cpu": cpu, "faces": faces, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


detectors = {"mtcnn": FER(mtcnn=True), "haar": FER()}
answer(ready=time.perf_counter() - started, versions={name: version(name) for name in ("fer", "tensorflow", "torch")})
with contextlib.suppress(BrokenPipeError):
    for line in sys.stdin:
        call = json.loads(line)
        answer(**timed(detectors[call["detector"]], read(call["photo"], call.get("number", 0))))
