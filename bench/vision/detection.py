"""Recall and precision of the detector on labelled photos, by size, turn and roll, as the product finds faces.

usage: python bench/vision/detection.py PHOTOS [--models assets/build/models] [--min-size 16] [--rolls] [--json OUT]

PHOTOS is a folder of pictures with faces.json: for every file name `faces` and `ignore`, lists of boxes [x, y, w, h] in
pixels of the upright photo. A face is found when a box overlaps it by 0.4 (intersection over union); its size is the
shorter side of its box. What lies on an `ignore` box, or on a face under the minimum size, counts neither way.
"""

import argparse
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from igemoji_inference.vision.decode import Photo, Pixels, decode
from igemoji_inference.vision.headers import Format
from igemoji_inference.vision.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
SAME = 0.4
SIZES = (8, 12, 16, 24, 32, 48, 64, 96, 192)
ROLLS = (-60, -45, -30, -15, 15, 30, 45, 60)

Boxes = NDArray[np.float64]


@dataclass
class Tally:
    """What was found of what there is."""

    faces: int = 0
    hits: int = 0
    false: int = 0
    seconds: float = 0.0
    by_size: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    @property
    def recall(self) -> float:
        return self.hits / max(self.faces, 1)

    @property
    def precision(self) -> float:
        return self.hits / max(self.hits + self.false, 1)


def overlaps(a: Boxes, b: Boxes) -> Boxes:
    """Intersection over union of boxes `(N, 4)` and `(M, 4)`: `(N, M)`."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    areas = a[:, 2:].prod(axis=1)[:, None] + b[:, 2:].prod(axis=1)[None]
    return np.asarray(common / np.maximum(areas - common, 1e-9))


def count(tally: Tally, found: Boxes, faces: Boxes, ignore: Boxes, min_size: float) -> None:
    """Adds one photo; `found` has its surest box first."""
    taken = np.zeros(len(faces), bool)
    with_faces, with_ignored = overlaps(found, faces), overlaps(found, ignore)
    for row in range(len(found)):
        free = np.where(taken, 0, with_faces[row])
        if len(free) and free.max() >= SAME:
            taken[free.argmax()] = True
        elif not (len(ignore) and with_ignored[row].max() >= SAME):
            tally.false += 1
    sizes = faces[:, 2:].min(axis=1)
    counted = sizes >= min_size
    tally.faces += int(counted.sum())
    tally.hits += int((taken & counted).sum())
    for size, hit in zip(sizes, taken, strict=True):
        step = max((limit for limit in SIZES if limit <= size), default=0)
        tally.by_size[step][0] += int(hit)
        tally.by_size[step][1] += 1


def find(pipeline: Pipeline, pixels: Pixels, tally: Tally) -> Boxes:
    started = time.perf_counter()
    faces, _ = pipeline.find(Photo(np.ascontiguousarray(pixels), Format.PNG), lambda *_: None)
    tally.seconds += time.perf_counter() - started
    surest = sorted(faces, key=lambda face: -face.detection_score)
    return np.array([[f.box.x, f.box.y, f.box.width, f.box.height] for f in surest], float).reshape(-1, 4)


def quarter_turns(boxes: Boxes, turns: int, width: int, height: int) -> Boxes:
    """Where boxes lie after np.rot90(photo, turns)."""
    for turn in range(turns):
        across = height if turn % 2 else width
        x, y, w, h = boxes.T
        boxes = np.stack([y, across - x - w, h, w], axis=1)
    return boxes


def rolled(pixels: Pixels, boxes: Boxes, degrees: float) -> tuple[Pixels, Boxes]:
    """The photo turned clockwise on a canvas that holds it; boxes keep their size and follow with their middle."""
    height, width = pixels.shape[:2]
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    size = np.ceil(np.abs(turn) @ [width, height]).astype(int)
    shift = size / 2 - turn @ [width / 2, height / 2]
    canvas = cv2.warpAffine(pixels, np.column_stack([turn, shift]), (int(size[0]), int(size[1])))
    middles = (boxes[:, :2] + boxes[:, 2:] / 2) @ turn.T + shift
    return np.asarray(canvas, np.uint8), np.concatenate([middles - boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)


Change = Callable[[Pixels, Boxes, Boxes], tuple[Pixels, Boxes, Boxes]]


def turning(turns: int) -> Change:
    def change(pixels: Pixels, faces: Boxes, ignore: Boxes) -> tuple[Pixels, Boxes, Boxes]:
        height, width = pixels.shape[:2]
        both = [quarter_turns(boxes, turns, width, height) for boxes in (faces, ignore)]
        return np.ascontiguousarray(np.rot90(pixels, turns)), both[0], both[1]

    return change


def rolling(degrees: float) -> Change:
    def change(pixels: Pixels, faces: Boxes, ignore: Boxes) -> tuple[Pixels, Boxes, Boxes]:
        canvas, placed = rolled(pixels, faces, degrees)
        return canvas, placed, rolled(pixels, ignore, degrees)[1]

    return change


def measure(pipeline: Pipeline, folder: Path, change: Change, min_size: float) -> Tally:
    tally = Tally()
    for name, truth in json.loads((folder / "faces.json").read_text()).items():
        pixels = decode((folder / name).read_bytes()).pixels
        faces, ignore = (np.array(truth[kind], float).reshape(-1, 4) for kind in ("faces", "ignore"))
        pixels, faces, ignore = change(pixels, faces, ignore)
        count(tally, find(pipeline, pixels, tally), faces, ignore, min_size)
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--models", type=Path, default=ROOT / "assets" / "build" / "models")
    parser.add_argument("--min-size", type=float, default=16)
    parser.add_argument("--rolls", action="store_true", help="also turn every photo by steps of 15 degrees")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    pipeline = Pipeline(arguments.models)
    views = {f"turned by {90 * turns} degrees": turning(turns) for turns in range(4)}
    if arguments.rolls:
        views |= {f"rolled by {degrees} degrees": rolling(degrees) for degrees in ROLLS}
    figures = {}
    for name, change in views.items():
        tally = measure(pipeline, arguments.photos, change, arguments.min_size)
        print(
            f"{name:24} recall {tally.recall:.3f}  precision {tally.precision:.3f}  faces {tally.faces}  "
            f"false {tally.false}  {tally.seconds:.1f} s"
        )
        figures[name] = {"recall": tally.recall, "precision": tally.precision, "faces": tally.faces}
        if name == "turned by 0 degrees":
            for step in sorted(tally.by_size):
                hits, faces = tally.by_size[step]
                print(f"  from {step:3} px: {hits} of {faces}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
