"""How often the product tells the right expression, from photo to face: a face that is not found counts as wrong.

usage: python bench/vision/expressions.py PHOTOS.npz [--models assets/build/models]

PHOTOS.npz holds `photos` (N, H, W) uint8 gray with one face each, `labels` (N,), indices into EXPRESSIONS, and, if
known, `roll` in degrees. Faces that the stack was fitted on flatter it: see assets/fit_stack.py.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from igemoji_inference.vision.decode import Photo
from igemoji_inference.vision.faces import EXPRESSIONS
from igemoji_inference.vision.headers import Format
from igemoji_inference.vision.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
RESAMPLES = 2000


def spread(right: NDArray[np.bool_]) -> tuple[float, float]:
    """The middle 95 percent of the accuracy under resampling of the photos."""
    rng = np.random.default_rng(0)
    means = [right[rng.integers(0, len(right), len(right))].mean() for _ in range(RESAMPLES)]
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--models", type=Path, default=ROOT / "assets" / "build" / "models")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    pipeline = Pipeline(arguments.models)
    source = np.load(arguments.photos)
    labels = source["labels"].astype(int)
    guesses, best, doubts = np.full(len(labels), -1), np.zeros(len(labels)), np.zeros(len(labels), bool)
    for row, gray in enumerate(source["photos"]):
        faces, _ = pipeline.find(Photo(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), Format.PNG), lambda *_: None)
        if faces:
            guesses[row] = EXPRESSIONS.index(faces[0].expression)
            best[row], doubts[row] = faces[0].scores[faces[0].expression], faces[0].uncertain
    right, found = guesses == labels, guesses >= 0
    low, high = spread(right)
    print(f"photos {len(labels)}  found {found.mean():.3f}  right {right.mean():.3f} ({low:.3f} to {high:.3f})")
    print(f"uncertain {doubts[found].mean():.3f}  right when certain {right[found & ~doubts].mean():.3f}")
    print(f"mean best score {best[found].mean():.3f}  right when found {right[found].mean():.3f}")
    for number, name in enumerate(EXPRESSIONS):
        print(f"  {name:9} {right[labels == number].mean():.3f} of {(labels == number).sum()}")
    if "roll" in source:
        for low_roll, high_roll in ((0, 10), (10, 20), (20, 30), (30, 46)):
            rows = (np.abs(source["roll"]) >= low_roll) & (np.abs(source["roll"]) < high_roll)
            if rows.any():
                figures = f"found {found[rows].mean():.3f}  right {right[rows].mean():.3f}"
                print(f"  rolled {low_roll}-{high_roll} degrees: {figures}")


if __name__ == "__main__":
    main()
