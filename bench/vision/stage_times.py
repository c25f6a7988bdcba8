"""Print the CPU milliseconds of each stage of the pipeline by photo, the best of several rounds, and peak memory.

usage: python bench/vision/stage_times.py PHOTOS [--rounds 7] [--template assets/build/templates/classic]

PHOTOS is a folder of photos. CPU time depends less on other processes than wall time.
"""

import argparse
import resource
import time
from pathlib import Path

import cv2
import numpy as np

from igemoji_vision.compose import Emojis, cover
from igemoji_vision.decode import decode
from igemoji_vision.encode import encode
from igemoji_vision.memory import keep_freed_memory
from igemoji_vision.pipeline import Pipeline, Stage

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "build"
STAGES = ("decode", "detect", "classify", "compose", "encode")


def one_round(pipeline: Pipeline, emojis: Emojis, data: bytes, pictures: dict[str, bytes]) -> tuple[int, list[float]]:
    """Return the number of faces, and the milliseconds of each of STAGES."""
    marks = [time.process_time()]
    photo = decode(data)
    marks.append(time.process_time())
    found_at: dict[Stage, float] = {}
    faces, _ = pipeline.find(photo, lambda stage, *_: found_at.__setitem__(stage, time.process_time()))
    marks += [found_at[Stage.CLASSIFYING], time.process_time()]
    cover(photo.pixels, faces, pictures, None, emojis)
    marks.append(time.process_time())
    encode(photo)
    marks.append(time.process_time())
    return len(faces), [1000 * float(step) for step in np.diff(marks)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--template", type=Path, default=ASSETS / "templates" / "classic")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    keep_freed_memory()
    pipeline, emojis = Pipeline(ASSETS / "models"), Emojis()
    pictures = {path.stem: path.read_bytes() for path in arguments.template.glob("*.png")}
    print(f"{'photo':20} faces " + " ".join(f"{step:>9}" for step in (*STAGES, "all")))
    for path in sorted(arguments.photos.glob("*.jpg")):
        data = path.read_bytes()
        rounds = [one_round(pipeline, emojis, data, pictures) for _ in range(arguments.rounds)]
        best = np.min([steps for _, steps in rounds], axis=0)
        print(f"{path.name:20} {rounds[0][0]:5} " + " ".join(f"{value:9.1f}" for value in (*best, best.sum())))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")


if __name__ == "__main__":
    main()
