"""Runs the fer package in its own environment and times each call itself; bench/vision/speed.py and accuracy.py ask.

It reads a line of JSON for each call from standard input, `{"detector": "mtcnn" | "haar", "photo": PATH}`, and answers
with a line: `{"wall": s, "cpu": s, "faces": [{"box": [x, y, w, h], "emotions": {…}}], "peak": bytes}`. The time is that
of detect_emotions alone; the photo is read before. Before the first call it says `{"ready": s, "versions": {…}}`.
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
os.dup2(2, 1)  # what libraries print is no answer
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from fer.fer import FER  # noqa: E402

logging.disable()


def say(**answer):
    print(json.dumps(answer), file=answers, flush=True)


def read(path, number):
    """BGR, as cv2 reads it; one photo of many where the path is an .npz of gray photos."""
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
say(ready=time.perf_counter() - started, versions={name: version(name) for name in ("fer", "tensorflow", "torch")})
with contextlib.suppress(BrokenPipeError):
    for line in sys.stdin:
        call = json.loads(line)
        say(**timed(detectors[call["detector"]], read(call["photo"], call.get("number", 0))))
