"""Fit the logistic stack that weighs both expression networks, and report its accuracy on held-out faces.

usage: python assets/fit_stack.py --faces FACES.npz [--out assets/stack.json]

FACES.npz holds `faces` (N, S, S) uint8 gray, framed as in FER-2013, and `labels` (N,), indices into `classes` (the
seven expressions in the order of EXPRESSIONS). Every third face is held out for the report, so that later measurements
have faces that the stack was not fitted on. Run assets/build.py first.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from igemoji_vision.classify import FRAME_SIDE, FRAME_UP, Classifier, Stack, crop
from igemoji_vision.engines.onnx import session
from igemoji_vision.faces import EXPRESSIONS, Box

HERE = Path(__file__).resolve().parent
MODELS = HERE / "build" / "models"
HELD_OUT_EVERY = 3
FOLDS = 5
COPIES = 3
"""Copies of each face: one as framed, the others jittered like the boxes of a detector."""
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
UNCERTAIN_BELOW = 0.5
"""The scores are calibrated: below one half the best guess is more likely wrong than right."""

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def features(faces: NDArray[np.uint8], seed: int) -> Floats:
    """Return log-probabilities `(COPIES, N, 14)` of both networks on faces cropped as the product crops them."""
    classifier = Classifier(
        session((MODELS / "fer.onnx").read_bytes()),
        session((MODELS / "face_api.onnx").read_bytes()),
        Stack(np.zeros((14, 7), np.float32), np.zeros(7, np.float32), 0),
    )
    rng = np.random.default_rng(seed)
    side = faces.shape[1]
    copies = []
    for copy in range(COPIES):
        shaken = float(copy > 0)
        crops = []
        for face in faces:
            size = side / FRAME_SIDE * (1 + shaken * rng.normal(0, 0.08))
            x, y = side / 2 + shaken * rng.normal(0, 0.04 * side, 2)
            box = Box(x - size / 2, y + FRAME_UP * side - size / 2, size, size)
            crops.append(crop(cv2.cvtColor(face, cv2.COLOR_GRAY2RGB), box, shaken * rng.normal(0, 8)))
        batches = [classifier.features(np.stack(crops[at : at + 32])) for at in range(0, len(crops), 32)]
        copies.append(np.concatenate(batches))
    return np.stack(copies).astype(np.float64)


def prior() -> Floats:
    """Return the target of the penalty `(15, 7)`: equal weight for both networks, no mixing of expressions."""
    return np.concatenate([np.eye(7), np.eye(7), np.zeros((1, 7))]) / 2


def probabilities(x: Floats, weights: Floats) -> Floats:
    """Return the softmax `(N, 7)` of the stack on features `(N, 14)`."""
    logits = x @ weights[:-1] + weights[-1]
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


def fit(x: Floats, labels: Labels, penalty: float) -> Floats:
    """Minimize the cross-entropy plus `penalty / 2` times the squared distance from the prior.

    Returns weights and bias `(15, 7)`. Newton's method with step halving; the problem is convex and has 105 unknowns.
    """
    design = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    truth = np.eye(7)[labels]
    start = prior()

    def loss(weights: Floats) -> float:
        penalized = penalty / 2 * float(((weights - start) ** 2).sum())
        return cross_entropy(probabilities(x, weights), labels) * len(x) + penalized

    weights = start.copy()
    for _ in range(50):
        p = probabilities(x, weights)
        slope = design.T @ (p - truth) + penalty * (weights - start)
        curvature = np.zeros((15, 7, 15, 7))
        for a in range(7):
            for b in range(7):
                share = p[:, a] * (float(a == b) - p[:, b])
                curvature[:, a, :, b] = design.T @ (design * share[:, None])
        step = np.linalg.solve(curvature.reshape(105, 105) + penalty * np.eye(105), slope.ravel()).reshape(15, 7)
        before = loss(weights)
        while loss(weights - step) > before and np.abs(step).max() > 1e-9:
            step /= 2
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    return weights


def cross_entropy(p: Floats, labels: Labels) -> float:
    """Return the mean negative log-probability of the labels."""
    return float(-np.log(np.maximum(p[np.arange(len(labels)), labels], 1e-12)).mean())


def best_penalty(x: Floats, labels: Labels) -> float:
    """Choose the penalty by cross-validation; all copies of a face are in one fold. `x` is `(COPIES, N, 14)`."""
    folds = np.arange(x.shape[1]) % FOLDS
    losses = {}
    for penalty in PENALTIES:
        parts = []
        for fold in range(FOLDS):
            seen = folds != fold
            weights = fit(x[:, seen].reshape(-1, 14), np.tile(labels[seen], COPIES), penalty)
            parts.append(cross_entropy(probabilities(x[0, ~seen], weights), labels[~seen]))
        losses[penalty] = float(np.mean(parts))
        print(f"penalty {penalty:6g}: cross-entropy {losses[penalty]:.4f}")
    return min(losses, key=losses.__getitem__)


def calibration_error(p: Floats, labels: Labels) -> float:
    """Return the mean distance between score and accuracy over ten bins of the best score, weighted by faces."""
    best, right = p.max(axis=1), p.argmax(axis=1) == labels
    bins = np.minimum((best * 10).astype(int), 9)
    return float(sum(abs(best[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins)))


def report(x: Floats, labels: Labels, weights: Floats) -> dict[str, Any]:
    """Return the metrics on one copy `(N, 14)` of held-out faces."""
    p = probabilities(x, weights)
    right = p.argmax(axis=1) == labels
    weak = p.max(axis=1) < UNCERTAIN_BELOW
    return {
        "faces": len(labels),
        "accuracy": round(float(right.mean()), 4),
        "accuracy_fer_alone": round(float((x[:, :7].argmax(axis=1) == labels).mean()), 4),
        "accuracy_face_api_alone": round(float((x[:, 7:].argmax(axis=1) == labels).mean()), 4),
        "cross_entropy": round(cross_entropy(p, labels), 4),
        "calibration_error": round(calibration_error(p, labels), 4),
        "recall": {name: round(float(right[labels == i].mean()), 3) for i, name in enumerate(EXPRESSIONS)},
        "uncertain": round(float(weak.mean()), 3),
        "accuracy_when_certain": round(float(right[~weak].mean()), 4),
        "accuracy_when_uncertain": round(float(right[weak].mean()), 4),
    }


def main() -> None:
    """Fit the stack on `--faces` and write it to `--out`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=HERE / "stack.json")
    arguments = parser.parse_args()
    source = np.load(arguments.faces)
    if "classes" in source and tuple(map(str, source["classes"])) != EXPRESSIONS:
        parser.error(f"the classes of {arguments.faces} are not {EXPRESSIONS}")
    labels = source["labels"].astype(np.int64)
    x = features(source["faces"], seed=1)
    held_out = np.arange(len(labels)) % HELD_OUT_EVERY == 0

    penalty = best_penalty(x[:, ~held_out], labels[~held_out])
    weights = fit(x[:, ~held_out].reshape(-1, 14), np.tile(labels[~held_out], COPIES), penalty)
    figures = report(x[0, held_out], labels[held_out], weights)
    print(json.dumps(figures, indent=2))
    stack = {
        "expressions": EXPRESSIONS,
        "weights": np.round(weights[:-1], 5).tolist(),
        "bias": np.round(weights[-1], 5).tolist(),
        "uncertain_below": UNCERTAIN_BELOW,
        "fit": {
            "faces_sha256": hashlib.sha256(arguments.faces.read_bytes()).hexdigest(),
            "fitted_on": int((~held_out).sum()),
            "held_out": f"every {HELD_OUT_EVERY}rd face, the first one included",
            "penalty": penalty,
            "on_held_out_faces": figures,
        },
    }
    arguments.out.write_text(json.dumps(stack, indent=1) + "\n")


if __name__ == "__main__":
    main()
