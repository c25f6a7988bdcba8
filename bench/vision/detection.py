"""Recall and precision of the product's face detection on labeled photos, by rotation, size and pose.

usage: python bench/vision/detection.py PHOTOS [--min-size 16] [--rolls] [--out bench/results]

PHOTOS is a folder of photos with faces.json: for every file name `faces` and `ignore`, lists of boxes [x, y, w, h] in
pixels of the upright photo. A face is found if a box overlaps it by 0.4 (intersection over union); its size is the
shorter side of its box. Boxes on an `ignore` box or on a face below the minimum size are not counted. Writes
detection.md and detection.png.
"""

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from boxes import SAME, Boxes, Change, overlaps, rolling, turning
from matplotlib.axes import Axes
from numpy.typing import NDArray
from pose import POSES, UNKNOWN, pose, poses

from igemoji_vision.decode import Photo, Pixels, decode
from igemoji_vision.engines import EngineName
from igemoji_vision.engines.port import load
from igemoji_vision.headers import Format
from igemoji_vision.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
SIZES = (0, 8, 12, 16, 24, 32, 48, 64, 96, 192)
ROLLS = (-60, -45, -30, -15, 15, 30, 45, 60)
NOTHING, IGNORED = -1, -2


@dataclass(frozen=True)
class Labeled:
    """A labeled face."""

    size: float
    pose: str
    found: bool


@dataclass(frozen=True)
class Found:
    """A box of the detector."""

    size: float
    pose: str
    on: float
    """Size of the face that it matches; 0 for none."""


@dataclass
class Row:
    """Row of a table: a group of labeled faces and a group of boxes of the detector."""

    name: str
    faces: list[Labeled] = field(default_factory=list)
    boxes: list[Found] = field(default_factory=list)

    @property
    def found(self) -> int:
        return sum(face.found for face in self.faces)

    @property
    def right(self) -> int:
        return sum(box.on > 0 for box in self.boxes)

    @property
    def recall(self) -> float:
        return self.found / max(len(self.faces), 1)

    @property
    def precision(self) -> float:
        return self.right / max(len(self.boxes), 1)

    def of_size(self, least: float) -> "Row":
        """Return the row without smaller faces and their boxes; boxes that match no face count at any size."""
        faces = [face for face in self.faces if face.size >= least]
        return Row(self.name, faces, [box for box in self.boxes if box.on >= least or not box.on])


def matches(found: Boxes, faces: Boxes, ignore: Boxes) -> NDArray[np.int64]:
    """Return the face that each box matches, IGNORED or NOTHING; `found` is in order of score, a face counts once."""
    taken = np.zeros(len(faces), bool)
    with_faces, with_ignored = overlaps(found, faces), overlaps(found, ignore)
    on = np.full(len(found), NOTHING)
    for row in range(len(found)):
        free = np.where(taken, 0, with_faces[row])
        if len(free) and free.max() >= SAME:
            on[row] = free.argmax()
            taken[on[row]] = True
        elif len(ignore) and with_ignored[row].max() >= SAME:
            on[row] = IGNORED
    return on


def labeled_photos(folder: Path) -> Iterator[tuple[str, Pixels, Boxes, Boxes]]:
    """Yield every photo: its name, pixels, faces and regions to ignore."""
    for name, truth in json.loads((folder / "faces.json").read_text()).items():
        faces, ignore = (np.array(truth[kind], float).reshape(-1, 4) for kind in ("faces", "ignore"))
        yield name, decode((folder / name).read_bytes()).pixels, faces, ignore


def measure(pipeline: Pipeline, folder: Path, name: str, change: Change, known_poses: dict[str, list[str]]) -> Row:
    """Detect faces in all photos of a folder, each transformed by `change`."""
    row = Row(name)
    for photo, pixels, faces, ignore in labeled_photos(folder):
        pixels, faces, ignore = change(pixels, faces, ignore)
        seen, _ = pipeline.find(Photo(np.ascontiguousarray(pixels), Format.PNG), lambda *_: None)
        by_score = sorted(seen, key=lambda face: -face.detection_score)
        boxes = np.array([[f.box.x, f.box.y, f.box.width, f.box.height] for f in by_score], float).reshape(-1, 4)
        on, sizes = matches(boxes, faces, ignore), faces[:, 2:].min(axis=1)
        row.faces += [Labeled(sizes[at], known_poses[photo][at], at in on) for at in range(len(faces))]
        row.boxes += [
            Found(min(face.box.width, face.box.height), pose(face.landmarks), sizes[at] if at >= 0 else 0.0)
            for face, at in zip(by_score, on, strict=True)
            if at != IGNORED
        ]
    return row


def by_size(whole: Row) -> list[Row]:
    """Group faces by their own size, boxes by theirs."""
    rows = []
    for least, most in zip(SIZES, (*SIZES[1:], math.inf), strict=True):
        faces = [face for face in whole.faces if least <= face.size < most]
        boxes = [box for box in whole.boxes if least <= box.size < most]
        rows.append(Row(f"{least} px", faces, boxes))
    return [row for row in rows if row.faces or row.boxes]


def by_pose(whole: Row) -> list[Row]:
    """Group faces by their pose in a close-up, boxes by the pose of their own landmarks."""
    return [
        Row(name, [f for f in whole.faces if f.pose == name], [b for b in whole.boxes if b.pose == name])
        for name in POSES
    ]


def table(first: str, rows: Sequence[Row]) -> list[str]:
    lines = [f"| {first} | faces | found | recall | boxes | on a face | precision |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        recall = f"{row.recall:.3f}" if row.faces else ""
        precision = f"{row.precision:.3f}" if row.boxes else ""
        lines.append(
            f"| {row.name} | {len(row.faces)} | {row.found} | {recall} | {len(row.boxes)} | {row.right} | {precision} |"
        )
    return [*lines, ""]


def report(views: Sequence[Row], whole: Row, photos: int, least: float) -> str:
    """Return the report; `views` have only faces of the minimum size, `whole` is the upright view with all faces."""
    upright = views[0]
    lines = [
        "# Vision: detection",
        "",
        f"Made by `make bench-vision` on {photos} photos with {len(whole.faces)} labeled faces. The "
        f"{len(upright.faces)} faces with a shorter side of {least:g} px or more count. A face is found if a box "
        f"overlaps it by {SAME} (intersection over union). Boxes on regions to ignore or on smaller faces are "
        "not counted.",
        "",
        f"**Recall {upright.recall:.3f} at a precision of {upright.precision:.3f}.**",
        "",
        "![Recall and precision by size, pose and rotation](detection.png)",
        "",
        "## By rotation of the photo",
        "",
        *table("rotated clockwise by", views),
    ]
    if len(views) > 4:
        lines += [
            "A photo that is rotated by less than a right angle is on a larger canvas. The detector scales its input "
            "to a fixed size, so faces become smaller. "
            "The centers of labels move with the photo; labels keep their size.",
            "",
        ]
    lines += [
        "## By size",
        "",
        "Upright photos, including faces below the minimum size. Each row has the sizes up to the next row; boxes are "
        "grouped by their own size.",
        "",
        *table("from", by_size(whole)),
        "## By pose",
        "",
        f"Upright photos, {least:g} px or more. Labels have no pose: that of a face is estimated from its landmarks in "
        f"a close-up, that of a box from its own landmarks. Half turned is about {POSES['half turned']:.0f} degrees or "
        f"more to the side, profile {POSES['profile']:.0f} or more. The pose of a face that is not found in the "
        f'close-up is "{UNKNOWN}".',
        "",
        *table("", by_pose(upright)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def draw(views: Sequence[Row], whole: Row, least: float, path: Path) -> None:
    figure, (sizes, poses_axes, rotations) = plt.subplots(
        1, 3, figsize=(14, 4.5), layout="constrained", sharey=True, width_ratios=(10, 4, 12)
    )
    _bars(sizes, f"by size from px; below {least:g} px only here", by_size(whole))
    _bars(poses_axes, "by pose", by_pose(views[0]))
    _bars(rotations, "by rotation of the photo", sorted(views, key=lambda row: float(row.name.split()[0])))
    sizes.legend(loc="lower right", framealpha=1)
    figure.savefig(path, dpi=110)


def _bars(axes: Axes, title: str, rows: Sequence[Row]) -> None:
    """Draw recall as bars with the number of faces, and precision as points."""
    names = [row.name.replace(" degrees", "°").replace(" ", "\n") for row in rows]
    bars = axes.bar(names, [row.recall for row in rows], label="recall, with the number of faces")
    axes.bar_label(bars, [str(len(row.faces)) for row in rows], label_type="center", color="white", fontsize=8)
    sure = [row.precision if row.boxes else math.nan for row in rows]
    axes.plot(names, sure, "o", color="C1", label="precision")
    axes.set_ylim(0, 1.05)
    axes.set_title(title)
    axes.tick_params(axis="x", labelsize=8)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--min-size", type=float, default=16)
    parser.add_argument("--rolls", action="store_true", help="also rotate every photo in steps of 15 degrees")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    if not (arguments.photos / "faces.json").exists():
        parser.error(f"no faces.json in {arguments.photos}")
    cv2.setNumThreads(1)
    models = ROOT / "assets" / "build" / "models"
    pipeline, engine = Pipeline(models), load(EngineName.ONNX, models)
    # np.rot90 rotates counterclockwise.
    changes = {f"{90 * turns} degrees": turning(-turns % 4) for turns in range(4)}
    if arguments.rolls:
        changes |= {f"{degrees} degrees": rolling(degrees) for degrees in ROLLS}
    known_poses = {
        name: poses(engine, pixels, faces, arguments.min_size)
        for name, pixels, faces, _ in labeled_photos(arguments.photos)
    }
    rows = [measure(pipeline, arguments.photos, name, change, known_poses) for name, change in changes.items()]
    views = [row.of_size(arguments.min_size) for row in rows]
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = report(views, rows[0], len(known_poses), arguments.min_size)
    (arguments.out / "detection.md").write_text(text)
    draw(views, rows[0], arguments.min_size, arguments.out / "detection.png")
    print(text)


if __name__ == "__main__":
    main()
