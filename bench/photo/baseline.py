"""Baseline for `igemoji photo`: the bare pipeline in a number of processes.

usage: python bench/photo/baseline.py PHOTOS PROCESSES

Each process has one thread and claims the next photo of the folder when it has finished one. It writes no result.
"""

import json
import multiprocessing
import os
import sys
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets" / "build"


def work(photos: list[Path], taken: "Synchronized[int]") -> None:
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import cv2

    from igemoji_vision.faces import EXPRESSIONS
    from igemoji_vision.pipeline import Pipeline

    cv2.setNumThreads(1)
    pipeline = Pipeline(ASSETS / "models")
    folder = ASSETS / "templates" / "classic"
    pictures = {expression: (folder / f"{expression}.png").read_bytes() for expression in EXPRESSIONS}
    faces = 0
    while True:
        with taken.get_lock():
            number = taken.value
            taken.value += 1
        if number >= len(photos):
            break
        faces += len(pipeline.run(photos[number].read_bytes(), pictures, lambda *_: None).faces)
    print(json.dumps({"faces": faces}), flush=True)


def main() -> None:
    folder, processes = sys.argv[1:]
    photos = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    context = multiprocessing.get_context("spawn")
    taken: Synchronized[int] = context.Value("i", 0)
    started = [context.Process(target=work, args=(photos, taken)) for _ in range(int(processes))]
    for process in started:
        process.start()
    for process in started:
        process.join()
    sys.exit(any(process.exitcode for process in started))


if __name__ == "__main__":
    main()
