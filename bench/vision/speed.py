"""The whole pipeline against the fer package's detect_emotions, call by call in turn, in one run.

usage: python bench/vision/speed.py PHOTOS [--rounds 5] [--out bench/results]

PHOTOS is a folder of JPEGs. The pipeline decodes, finds, classifies, composes and encodes on one thread; fer only finds
and classifies a photo that was read before, on as many threads as it likes. Writes vision.md and vision.png.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from fer_package import FerPackage
from PIL import Image

from igemoji_vision.faces import EXPRESSIONS
from igemoji_vision.sandbox import protocol
from igemoji_vision.sandbox.limits import PHOTO
from igemoji_vision.sandbox.program import Program

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STAGES = ("DECODING", "DETECTING", "CLASSIFYING", "COMPOSING", "ENCODING")
CONTENDERS = ("pipeline", "mtcnn", "haar")
LOOP_SECONDS = 15
SETTLE_SECONDS = 0.5
"""After a call of fer: its threads go on spinning for 0.2 s (OpenMP's default) on the cores that are measured next."""
MIB = 1 << 20

Row = dict[str, Any]


class Contender:
    """A process of bench/vision/contender.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "contender.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.answer()

    def ask(self, **call: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def measured(photos: list[Path], rounds: int, ours: Contender, fer: FerPackage) -> list[Row]:
    """A row for each photo, with medians over the rounds.

    Each call is made twice and the second one counts: the one before leaves a processor's caches full of its own.
    """
    calls: dict[tuple[Path, str], list[dict[str, Any]]] = {(p, c): [] for p in photos for c in CONTENDERS}
    for turn in range(rounds):
        for photo in photos:
            for _ in range(2):
                ours.ask(photo=str(photo))
                timing = ours.answer()
            calls[photo, "pipeline"].append(timing)
            for name in ("mtcnn", "haar"):
                for _ in range(2):
                    timing = fer.detect(name, photo)
                calls[photo, name].append(timing)
                time.sleep(SETTLE_SECONDS)
        print(f"round {turn + 1} of {rounds}", file=sys.stderr)
    return [_row(photo, {name: calls[photo, name] for name in CONTENDERS}) for photo in photos]


def _row(photo: Path, calls: dict[str, list[dict[str, Any]]]) -> Row:
    with Image.open(photo) as image:
        row: Row = {"photo": photo.stem, "megapixels": image.width * image.height / 1e6}
    for name, timings in calls.items():
        found = timings[0]["faces"]
        row[name] = {
            "wall": median(timing["wall"] for timing in timings),
            "cpu": median(timing["cpu"] for timing in timings),
            "faces": found if isinstance(found, int) else len(found),
            "peak": max(timing["peak"] for timing in timings),
        }
    # Of calls that followed each other, so that both met the same neighbours on the machine.
    for kind in ("wall", "cpu"):
        pairs = zip(calls["mtcnn"], calls["pipeline"], strict=True)
        row[f"{kind}_ratio"] = median(theirs[kind] / ours[kind] for theirs, ours in pairs)
    row["stages"] = {stage: median(timing["stages"][stage] for timing in calls["pipeline"]) for stage in STAGES}
    return row


def throughput(photos: list[Path], processes: int) -> float:
    """Photos a second of so many processes at a time."""
    contenders = [Contender() for _ in range(processes)]
    for contender in contenders:
        contender.ask(photos=[str(photo) for photo in photos], seconds=LOOP_SECONDS)
    answers = [contender.answer() for contender in contenders]
    for contender in contenders:
        contender.close()
    return float(sum(answer["photos"] / answer["seconds"] for answer in answers))


def worker(photo: Path) -> dict[str, float]:
    """A worker process as the service starts it: seconds until it is ready, and memory after ten photos."""
    models = ROOT / "assets" / "build" / "models"
    started = time.perf_counter()
    program = Program(replace(PHOTO, cpu_seconds=60), models)
    with subprocess.Popen(program.arguments(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        protocol.read(process.stdout.fileno())
        ready = time.perf_counter() - started
        template = ROOT / "assets" / "build" / "templates" / "classic"
        pictures = {expression: (template / f"{expression}.png").read_bytes() for expression in EXPRESSIONS}
        request = protocol.encode(*protocol.cover("photo", photo.read_bytes(), pictures))
        frame: dict[str, Any] | None
        for _ in range(10):
            process.stdin.write(request)
            process.stdin.flush()
            while (frame := protocol.read(process.stdout.fileno())) and frame["kind"] == "progress":
                pass
            assert frame is not None
            assert frame["kind"] == "done", frame
        status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        held, peak = (
            int(next(line for line in status if line.startswith(kind)).split()[1]) / 1024 for kind in ("VmRSS", "VmHWM")
        )
        process.stdin.close()
    return {"ready": ready, "held": held, "peak": peak}


def used_by_others(seconds: float = 5.0) -> float:
    """Cores that others use at this moment. The load average would still count who has just ended."""

    def idle() -> float:
        _, _, _, _, idle, waiting, *_ = Path("/proc/stat").read_text().split(maxsplit=7)
        return (int(idle) + int(waiting)) / os.sysconf("SC_CLK_TCK")

    before, started = idle(), time.monotonic()
    time.sleep(seconds)
    return float(max((os.cpu_count() or 1) - (idle() - before) / (time.monotonic() - started), 0.0))


def table(
    rows: list[Row], rates: dict[int, float], child: dict[str, float], fer: FerPackage, rounds: int, others: float
) -> str:
    ms = 1000
    # fer's threads wait for each other by spinning: neighbours cost it more than they cost one thread.
    busy = "**The machine was busy: do not trust these figures.** " if others > 0.3 else ""
    lines = [
        "# Vision: speed",
        "",
        f"{busy}Made by `make bench-vision`, {datetime.now(UTC):%Y-%m-%d}, on {_processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {others:.2f} of them in use before; medians of {rounds} rounds.",
        "The pipeline decodes, finds, classifies, composes and encodes, on one thread. "
        f"fer {fer.versions['fer']} (tensorflow {fer.versions['tensorflow']}, torch {fer.versions['torch']}) finds and "
        "classifies, on all cores. Ratios are against `FER(mtcnn=True)`, call by call in turn.",
        "",
        "| photo | MP | faces: pipeline, mtcnn, haar | pipeline ms | mtcnn ms | haar ms | wall ratio | CPU ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        faces = ", ".join(str(row[name]["faces"]) for name in CONTENDERS)
        walls = " | ".join(f"{row[name]['wall'] * ms:.0f}" for name in CONTENDERS)
        ratios = f"{row['wall_ratio']:.1f} | {row['cpu_ratio']:.1f}"
        lines.append(f"| {row['photo']} | {row['megapixels']:.1f} | {faces} | {walls} | {ratios} |")
    lines += ["", f"| photo | {' | '.join(stage.lower() + ' ms' for stage in STAGES)} | peak MiB | fer peak MiB |"]
    lines.append("|" + "---|" * (len(STAGES) + 3))
    for row in rows:
        stages = " | ".join(f"{row['stages'][stage] * ms:.1f}" for stage in STAGES)
        peaks = f"{row['pipeline']['peak'] / MIB:.0f} | {row['mtcnn']['peak'] / MIB:.0f}"
        lines.append(f"| {row['photo']} | {stages} | {peaks} |")
    mean = sum(sum(row["stages"].values()) for row in rows) / len(rows)
    lines += [
        "",
        f"All photos in turn: one process {rates[1]:.2f} photos/s, two {rates[2]:.2f} photos/s "
        f"({rates[2] / rates[1]:.2f} times). The sum of the stages allows {1 / mean:.2f} to one process.",
        "",
        f"A worker process: ready after {child['ready']:.2f} s, {child['peak']:.0f} MiB at most and "
        f"{child['held']:.0f} MiB held after ten photos of the largest size. "
        f"The fer package: ready after {fer.cold_start:.1f} s.",
        "",
        "![speed by photo](vision.png)",
    ]
    return "\n".join(lines) + "\n"


def draw(rows: list[Row], path: Path) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    names = [row["photo"] for row in rows]
    for at, (name, label) in enumerate(zip(CONTENDERS, ("pipeline", "fer mtcnn", "fer haar"), strict=True)):
        places = [row + (at - 1) * 0.27 for row in range(len(rows))]
        left.bar(places, [row[name]["wall"] * 1000 for row in rows], 0.27, label=label)
    left.set_yscale("log")
    left.set_ylabel("ms a photo (logarithmic)")
    left.set_title("wall time: all of the pipeline, fer without composing")
    below = [0.0] * len(rows)
    for stage in STAGES:
        heights = [row["stages"][stage] * 1000 for row in rows]
        right.bar(names, heights, bottom=below, label=stage.lower())
        below = [low + height for low, height in zip(below, heights, strict=True)]
    right.set_ylabel("ms a photo")
    right.set_title("where the pipeline's time goes")
    left.set_xticks(range(len(rows)), names)
    for axes in (left, right):
        axes.tick_params(axis="x", rotation=45)
        axes.legend()
    figure.savefig(path, dpi=110)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    photos = sorted(arguments.photos.glob("*.jpg"), key=lambda path: path.stat().st_size)
    if not photos:
        parser.error(f"there is no .jpg in {arguments.photos}")
    others = used_by_others()
    fer, ours = FerPackage(), Contender()
    rows = measured(photos, arguments.rounds, ours, fer)
    fer.close()
    ours.close()
    rows.sort(key=lambda row: (round(row["megapixels"], 1), row["pipeline"]["faces"]))
    rates = {processes: throughput(photos, processes) for processes in (1, 2)}
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = table(rows, rates, worker(photos[-1]), fer, arguments.rounds, others)
    (arguments.out / "vision.md").write_text(text)
    draw(rows, arguments.out / "vision.png")
    print(text)


if __name__ == "__main__":
    main()
