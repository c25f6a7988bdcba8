"""Server of the product's pipeline in a process of its own, on one thread like a worker, for bench/vision/speed.py.

It reads requests from standard input and answers each, all as lines of JSON: `{"photo": PATH}` with wall and CPU
seconds, stages, faces and peak memory; `{"photos": [PATH…], "seconds": s}` with the number of photos in that time.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2

from igemoji_vision import pipeline as pipeline_module
from igemoji_vision.decode import Photo
from igemoji_vision.faces import Face
from igemoji_vision.memory import keep_freed_memory
from igemoji_vision.pipeline import Pipeline, Stage

ROOT = Path(__file__).resolve().parents[2]
ENCODING = "ENCODING"


class Stopwatch:
    """Start time of each stage. Encoding, which is part of a step for users, is a stage of its own here."""

    def __init__(self) -> None:
        self.starts: list[tuple[str, float]] = []
        encode = pipeline_module.encode  # type: ignore[attr-defined]

        def timed(photo: Photo) -> tuple[bytes, str]:
            self.starts.append((ENCODING, time.perf_counter()))
            file: tuple[bytes, str] = encode(photo)
            return file

        pipeline_module.encode = timed  # type: ignore[attr-defined]

    def report(self, stage: Stage, _percent: float, _faces: Sequence[Face]) -> None:
        self.starts.append((stage.value, time.perf_counter()))

    def seconds(self, end: float) -> dict[str, float]:
        ends = [at for _, at in self.starts[1:]] + [end]
        return {stage: until - at for (stage, at), until in zip(self.starts, ends, strict=True)}


def peak_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def timed(pipeline: Pipeline, watch: Stopwatch, photo: bytes, pictures: dict[str, bytes]) -> dict[str, Any]:
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    watch.starts.clear()
    wall, cpu = time.perf_counter(), time.process_time()
    result = pipeline.run(photo, pictures, watch.report)
    ended = time.perf_counter()
    return {
        "wall": ended - wall,
        "cpu": time.process_time() - cpu,
        "stages": watch.seconds(ended),
        "faces": len(result.faces),
        "peak": peak_bytes(),
    }


def looped(pipeline: Pipeline, photos: list[bytes], pictures: dict[str, bytes], seconds: float) -> dict[str, float]:
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < seconds or done % len(photos):
        pipeline.run(photos[done % len(photos)], pictures, lambda *_: None)
        done += 1
    return {"photos": done, "seconds": time.perf_counter() - started}


def main() -> None:
    cv2.setNumThreads(1)
    keep_freed_memory()
    watch = Stopwatch()
    pipeline = Pipeline(ROOT / "assets" / "build" / "models")
    templates = ROOT / "assets" / "build" / "templates" / "classic"
    pictures = {path.stem: path.read_bytes() for path in templates.glob("*.png")}
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        call = json.loads(line)
        if "photo" in call:
            answer = timed(pipeline, watch, Path(call["photo"]).read_bytes(), pictures)
        else:
            photos = [Path(path).read_bytes() for path in call["photos"]]
            answer = looped(pipeline, photos, pictures, call["seconds"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
