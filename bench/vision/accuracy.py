"""Accuracy of expressions from photo to face: the pipeline compared with the fer package.

usage: python bench/vision/accuracy.py PHOTOS.npz [--faces FACES.npz] [--seed 7] [--out bench/results]

PHOTOS.npz has `photos` (N, H, W) uint8 gray with one face each, `labels` (N,), indices into EXPRESSIONS, and, if known,
`roll` in degrees. A face that is not found counts as wrong; of several faces, the largest counts. Intervals are paired
bootstraps over photos. Writes expressions.md and expressions.png.

If the photos were made from FACES.npz, the labeled set that the stack was fitted on, only photos of faces that were
held out of the fit are counted: photo n shows face `RandomState(seed).permutation(len(faces))[n]`, and every third face
was held out (assets/fit_stack.py).
"""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from fer_package import FerPackage
from matplotlib.axes import Axes
from numpy.typing import NDArray

from igemoji_vision.decode import Photo, Pixels
from igemoji_vision.faces import EXPRESSIONS, Face
from igemoji_vision.headers import Format
from igemoji_vision.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
HELD_OUT_EVERY = 3
RESAMPLES = 10_000
ROLLS = (0, 10, 20, 30, 46)

Numbers = NDArray[np.int64]
Right = Mapping[str, NDArray[np.bool_]]
"""Whether the expression is right, by contender and photo."""
NONE = -1


@dataclass(frozen=True)
class Outcome:
    """Labels and guesses of photos, row by row."""

    labels: Numbers
    roll: NDArray[np.float64] | None
    """Absolute roll in degrees."""
    faces: Sequence[Face | None]
    """Faces that the pipeline found."""
    guesses: Mapping[str, Numbers]
    """Guesses by contender; NONE where it found no face."""

    @property
    def right(self) -> Right:
        return {name: guess == self.labels for name, guess in self.guesses.items()}

    @property
    def expressions(self) -> dict[str, NDArray[np.bool_]]:
        """Masks of the photos of each expression."""
        return {name: self.labels == number for number, name in enumerate(EXPRESSIONS)}


def held_out(faces: Path, photos: int, seed: int) -> NDArray[np.intp]:
    """Return the indices of photos of faces that the stack was not fitted on."""
    fitted_on = json.loads((ROOT / "assets" / "stack.json").read_text())["fit"]["faces_sha256"]
    if hashlib.sha256(faces.read_bytes()).hexdigest() != fitted_on:
        raise SystemExit(f"The stack was not fitted on {faces}: leave out --faces, all photos are held out.")
    shown = np.random.RandomState(seed).permutation(len(np.load(faces)["faces"]))[:photos]
    return np.flatnonzero(shown % HELD_OUT_EVERY == 0)


def largest_face(pipeline: Pipeline, gray: Pixels) -> Face | None:
    photo = Photo(np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.uint8), Format.PNG)
    faces, _ = pipeline.find(photo, lambda *_: None)
    return faces[0] if faces else None


def fer_guess(answer: dict[str, Any]) -> int:
    if not answer["faces"]:
        return NONE
    largest = max(answer["faces"], key=lambda face: face["box"][2] * face["box"][3])
    return EXPRESSIONS.index(max(largest["emotions"], key=largest["emotions"].get))


def bootstrap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the 95 % interval of the difference in accuracy (paired bootstrap over photos)."""
    rng = np.random.default_rng(0)
    difference = a.astype(float) - b
    means = [difference[rng.integers(0, len(a), len(a))].mean() for _ in range(RESAMPLES)]
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def comparison(outcome: Outcome) -> list[str]:
    lines = ["| | found | right | pipeline better by | 95 % interval (paired bootstrap) |", "|---|---|---|---|---|"]
    right = outcome.right
    for name, guess in outcome.guesses.items():
        better = " | "
        if name != "pipeline":
            low, high = bootstrap(right["pipeline"], right[name])
            better = f"{right['pipeline'].mean() - right[name].mean():.3f} | {low:.3f} to {high:.3f}"
        lines.append(f"| {name} | {(guess != NONE).mean():.3f} | {right[name].mean():.3f} | {better} |")
    return [*lines, ""]


def breakdown(first: str, parts: Mapping[str, NDArray[np.bool_]], right: Right) -> list[str]:
    """Return a table of the accuracy of each contender, by group of photos."""
    lines = [f"| {first} | photos | {' | '.join(right)} |", "|---|---|" + "---|" * len(right)]
    for name, part in parts.items():
        if part.any():
            shares = " | ".join(f"{rows[part].mean():.3f}" for rows in right.values())
            lines.append(f"| {name} | {part.sum()} | {shares} |")
    return [*lines, ""]


def calibration(outcome: Outcome) -> str:
    """Return a sentence on how reliable the scores of the pipeline are."""
    found = [(face, hit) for face, hit in zip(outcome.faces, outcome.right["pipeline"], strict=True) if face]
    if not found:
        return "The pipeline found no face."
    best = np.mean([face.scores[face.expression] for face, _ in found])
    sure = [hit for face, hit in found if not face.uncertain]
    accuracy = np.mean([hit for _, hit in found])
    return (
        f"The accuracy on the faces that the pipeline finds is {accuracy:.3f}; their best score is {best:.3f} on "
        f"average. It marks {1 - len(sure) / len(found):.3f} of them uncertain; the accuracy on the others is "
        f"{np.mean(sure):.3f}."
    )


def report(outcome: Outcome, fitted: bool) -> str:
    held_out_note = ", of faces that the stack was not fitted on" if fitted else ""
    lines = [
        "# Vision: expressions",
        "",
        f"Made by `make bench-vision` on {len(outcome.labels)} photos of one face each{held_out_note}. "
        "A face that is not found counts as wrong.",
        "",
        *comparison(outcome),
        calibration(outcome),
        "",
        "![Accuracy by expression, differences, and confusion matrix](expressions.png)",
        "",
        *breakdown("expression", outcome.expressions, outcome.right),
    ]
    if (roll := outcome.roll) is not None:
        steps = {f"{low} to {high} degrees": (roll >= low) & (roll < high) for low, high in pairwise(ROLLS)}
        lines += breakdown("rolled by", steps, outcome.right)
    return "\n".join(lines).rstrip() + "\n"


def draw(outcome: Outcome, path: Path) -> None:
    figure, (parts, better, confusion) = plt.subplots(
        1, 3, figsize=(16, 4.8), layout="constrained", width_ratios=(9, 3, 6)
    )
    groups = {"all": np.ones(len(outcome.labels), bool)} | outcome.expressions
    for at, (name, right) in enumerate(outcome.right.items()):
        places = np.arange(len(groups)) + (at - 1) * 0.27
        parts.bar(places, [right[group].mean() if group.any() else 0 for group in groups.values()], 0.27, label=name)
    parts.set_xticks(range(len(groups)), [f"{name}\n{group.sum()}" for name, group in groups.items()])
    parts.set_ylim(0, 1)
    parts.set_title("accuracy, with the number of photos; not found is wrong")
    parts.legend()
    _differences(better, outcome.right)
    _confusion(confusion, outcome.labels, outcome.guesses["pipeline"])
    figure.savefig(path, dpi=110)


def _differences(axes: Axes, right: Right) -> None:
    others = [name for name in right if name != "pipeline"]
    for at, name in enumerate(others):
        middle = right["pipeline"].mean() - right[name].mean()
        low, high = bootstrap(right["pipeline"], right[name])
        axes.errorbar(at, middle, [[middle - low], [high - middle]], fmt="o", capsize=6, color=f"C{at + 1}")
    axes.axhline(0, color="gray", linewidth=1)
    axes.set_xticks(range(len(others)), others)
    axes.set_xlim(-0.5, len(others) - 0.5)
    axes.set_title("pipeline better by\n(95 % interval, paired bootstrap)")


def _confusion(axes: Axes, labels: Numbers, guess: Numbers) -> None:
    """Draw the share of guesses by true expression; a face that was not found is in no column."""
    count = len(EXPRESSIONS)
    table = np.array([[(guess[labels == true] == guessed).sum() for guessed in range(count)] for true in range(count)])
    shares = table / np.maximum(np.bincount(labels, minlength=count), 1)[:, None]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (true, guessed), share in np.ndenumerate(shares):
        axes.text(guessed, true, f"{share:.2f}", ha="center", va="center", color="white" if share > 0.5 else "black")
    axes.set_xticks(range(count), EXPRESSIONS, rotation=45)
    axes.set_yticks(range(count), EXPRESSIONS)
    axes.set_title("guess of the pipeline (columns) by true expression (rows)")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--faces", type=Path, help="set that the photos were made from, if the stack was fitted on it")
    parser.add_argument("--seed", type=int, default=7, help="seed that the photos were made with")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    source = np.load(arguments.photos)
    photos = source["photos"]
    rows = np.arange(len(photos))
    if arguments.faces:
        rows = held_out(arguments.faces, len(photos), arguments.seed)
    pipeline, fer = Pipeline(ROOT / "assets" / "build" / "models"), FerPackage()
    faces = [largest_face(pipeline, photos[row]) for row in rows]
    guesses = {"pipeline": np.array([EXPRESSIONS.index(face.expression) if face else NONE for face in faces])}
    for detector in ("mtcnn", "haar"):
        answers = [fer.detect(detector, arguments.photos.resolve(), int(row)) for row in rows]
        guesses[f"fer {detector}"] = np.array([fer_guess(answer) for answer in answers])
    fer.close()

    roll = np.abs(source["roll"][rows]) if "roll" in source else None
    outcome = Outcome(source["labels"][rows].astype(int), roll, faces, guesses)
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = report(outcome, fitted=bool(arguments.faces))
    (arguments.out / "expressions.md").write_text(text)
    draw(outcome, arguments.out / "expressions.png")
    print(text)


if __name__ == "__main__":
    main()
