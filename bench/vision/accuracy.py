"""How often the right expression is told, from photo to face: the pipeline against the fer package.

usage: python bench/vision/accuracy.py PHOTOS.npz [--faces FACES.npz] [--seed 7] [--out bench/results]

PHOTOS.npz holds `photos` (N, H, W) uint8 gray with one face each and `labels` (N,), indices into EXPRESSIONS. A face
that is not found counts as wrong; of several, the largest counts. The interval is a paired bootstrap's over photos.

When the photos were made of FACES.npz, the labelled set that the stack was fitted on, only those of faces that were
held out of the fit are counted: photo n shows face `RandomState(seed).permutation(len(faces))[n]`, and every third face
was held out (assets/fit_stack.py).
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fer_package import FerPackage
from numpy.typing import NDArray

from igemoji_inference.vision.decode import Photo, Pixels
from igemoji_inference.vision.faces import EXPRESSIONS
from igemoji_inference.vision.headers import Format
from igemoji_inference.vision.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
HELD_OUT_EVERY = 3
RESAMPLES = 10_000

Guesses = NDArray[np.int64]
NONE = -1


def held_out(faces: Path, photos: int, seed: int) -> NDArray[np.intp]:
    """Which photos show a face that the stack was not fitted on."""
    fitted_on = json.loads((ROOT / "assets" / "stack.json").read_text())["fit"]["faces_sha256"]
    if hashlib.sha256(faces.read_bytes()).hexdigest() != fitted_on:
        raise SystemExit(f"The stack was not fitted on {faces}: leave --faces out, every photo is new to it.")
    shown = np.random.RandomState(seed).permutation(len(np.load(faces)["faces"]))[:photos]
    return np.flatnonzero(shown % HELD_OUT_EVERY == 0)


def ours(pipeline: Pipeline, gray: Pixels) -> int:
    photo = Photo(np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.uint8), Format.PNG)
    faces, _ = pipeline.find(photo, lambda *_: None)
    return EXPRESSIONS.index(faces[0].expression) if faces else NONE


def theirs(answer: dict[str, Any]) -> int:
    if not answer["faces"]:
        return NONE
    largest = max(answer["faces"], key=lambda face: face["box"][2] * face["box"][3])
    return EXPRESSIONS.index(max(largest["emotions"], key=largest["emotions"].get))


def paired(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[float, float]:
    """The middle 95 percent of the difference in accuracy, resampling photos."""
    rng = np.random.default_rng(0)
    difference = a.astype(float) - b
    means = [difference[rng.integers(0, len(a), len(a))].mean() for _ in range(RESAMPLES)]
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument(
        "--faces", type=Path, help="the set that the photos were made of, if the stack was fitted on it"
    )
    parser.add_argument("--seed", type=int, default=7, help="that the photos were made with")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    source = np.load(arguments.photos)
    labels, photos = source["labels"].astype(int), source["photos"]
    rows = np.arange(len(labels))
    if arguments.faces:
        rows = held_out(arguments.faces, len(labels), arguments.seed)

    pipeline, fer = Pipeline(ROOT / "assets" / "build" / "models"), FerPackage()
    guesses: dict[str, Guesses] = {"pipeline": np.array([ours(pipeline, photos[row]) for row in rows])}
    for detector in ("mtcnn", "haar"):
        answers = [fer.detect(detector, arguments.photos.resolve(), int(row)) for row in rows]
        guesses[f"fer {detector}"] = np.array([theirs(answer) for answer in answers])
    fer.close()

    right = {name: guess == labels[rows] for name, guess in guesses.items()}
    lines = [
        "# Vision: expressions",
        "",
        f"Made by bench/vision/accuracy.py on {len(rows)} photos of one face each"
        + (", of faces that the stack was not fitted on." if arguments.faces else "."),
        "A face that is not found counts as wrong.",
        "",
        "| | found | right | pipeline better by | 95 % of a paired bootstrap |",
        "|---|---|---|---|---|",
    ]
    for name, guess in guesses.items():
        figures = f"{(guess != NONE).mean():.3f} | {right[name].mean():.3f}"
        better = " | "
        if name != "pipeline":
            low, high = paired(right["pipeline"], right[name])
            better = f"{right['pipeline'].mean() - right[name].mean():.3f} | {low:.3f} to {high:.3f}"
        lines.append(f"| {name} | {figures} | {better} |")
    text = "\n".join(lines) + "\n"
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "expressions.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
