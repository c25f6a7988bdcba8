"""Speed of the whole pipeline compared with detect_emotions of the fer package, in alternating calls.

usage: python bench/vision/speed.py PHOTOS [--rounds 5] [--out bench/results]

PHOTOS is a folder of JPEGs. The pipeline decodes, detects, classifies, composes and encodes on one thread; fer only
detects and classifies, in a photo that was read before, on all cores. Writes vision.md and vision.png.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import time
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
from igemoji_vision.sandbox import limits, protocol
from igemoji_vision.sandbox.process import SandboxProcess
from igemoji_vision.sandbox.program import Program

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STAGES = ("DECODING", "DETECTING", "CLASSIFYING", "COMPOSING", "ENCODING")
CONTENDERS = ("pipeline", "mtcnn", "haar")
LOOP_SECONDS = 15
SETTLE_SECONDS = 0.5
"""Pause after a call of fer: its threads spin for another 0.2 s (default of OpenMP) on the cores of the next call."""
MIB = 1 << 20

Row = dict[str, Any]


class PipelineProcess:
    """Process of bench/vision/pipeline_server.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "pipeline_server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.answer()

    def send(self, **call: Any) -> None:
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


def measure(photos: list[Path], rounds: int, ours: PipelineProcess, fer: FerPackage) -> list[Row]:
    """Return a row for each photo, with medians over the rounds.

    Each call is made twice and the second one counts: after the other contender, the processor's caches are cold.
    """
    calls: dict[tuple[Path, str], list[dict[str, Any]]] = {(p, c): [] for p in photos for c in CONTENDERS}
    for number in range(rounds):
        for photo in photos:
            for _ in range(2):
                ours.send(photo=str(photo))
                timing = ours.answer()
            calls[photo, "pipeline"].append(timing)
            for name in ("mtcnn", "haar"):
                for _ in range(2):
                    timing = fer.detect(name, photo)
                calls[photo, name].append(timing)
                time.sleep(SETTLE_SECONDS)
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
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
    # Ratios of consecutive calls: other processes disturb both alike.
    for kind in ("wall", "cpu"):
        pairs = zip(calls["mtcnn"], calls["pipeline"], strict=True)
        row[f"{kind}_ratio"] = median(theirs[kind] / ours[kind] for theirs, ours in pairs)
    row["stages"] = {stage: median(timing["stages"][stage] for timing in calls["pipeline"]) for stage in STAGES}
    return row


def throughput(photos: list[Path], processes: int) -> float:
    """Return the photos per second of a number of concurrent processes."""
    pipelines = [PipelineProcess() for _ in range(processes)]
    for process in pipelines:
        process.send(photos=[str(photo) for photo in photos], seconds=LOOP_SECONDS)
    answers = [process.answer() for process in pipelines]
    for process in pipelines:
        process.close()
    return float(sum(answer["photos"] / answer["seconds"] for answer in answers))


async def measure_worker(photo: bytes) -> dict[str, float]:
    """Return the start time in seconds and the memory in MiB of a worker's sandbox process that does ten photos."""
    program = Program(limits.PHOTO, ROOT / "assets" / "build" / "models")
    template = ROOT / "assets" / "build" / "templates" / "classic"
    pictures = {expression: (template / f"{expression}.png").read_bytes() for expression in EXPRESSIONS}
    sandbox, started = SandboxProcess(program), time.perf_counter()
    await sandbox.start()
    ready = time.perf_counter() - started
    try:
        for _ in range(10):
            answer = await sandbox.request(*protocol.cover("t", photo, pictures))
            assert answer["kind"] == "done", answer
        status = Path(f"/proc/{sandbox.pid}/status").read_text().splitlines()  # noqa: ASYNC240 - nothing else runs
    finally:
        await sandbox.end()
    resident, peak = (
        int(next(line for line in status if line.startswith(kind)).split()[1]) / 1024 for kind in ("VmRSS", "VmHWM")
    )
    return {"ready": ready, "resident": resident, "peak": peak}


def used_by_others(seconds: float = 5.0) -> float:
    """Return the cores that other processes use now. The load average would include processes that have ended."""

    def idle() -> float:
        _, _, _, _, idle, waiting, *_ = Path("/proc/stat").read_text().split(maxsplit=7)
        return (int(idle) + int(waiting)) / os.sysconf("SC_CLK_TCK")

    before, started = idle(), time.monotonic()
    time.sleep(seconds)
    return float(max((os.cpu_count() or 1) - (idle() - before) / (time.monotonic() - started), 0.0))


def table(
    rows: list[Row], rates: dict[int, float], sandbox: dict[str, float], fer: FerPackage, rounds: int, others: float
) -> str:
    ms = 1000
    # fer's threads wait for each other by spinning: other processes slow it down more than a single thread.
    busy = "**The machine was busy: do not trust these figures.** " if others > 0.3 else ""
    lines = [
        "# Vision: speed",
        "",
        f"{busy}Made by `make bench-vision`, {datetime.now(UTC):%Y-%m-%d}, on {_processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}. Other processes used {others:.2f} cores. Medians of {rounds} rounds.",
        "The pipeline decodes, detects, classifies, composes and encodes, on one thread. "
        f"fer {fer.versions['fer']} (tensorflow {fer.versions['tensorflow']}, torch {fer.versions['torch']}) detects "
        "and classifies, on all cores. Ratios are relative to `FER(mtcnn=True)`, in alternating calls.",
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
        f"Throughput over all photos: one process {rates[1]:.2f} photos/s, two {rates[2]:.2f} photos/s "
        f"({rates[2] / rates[1]:.2f} times). The mean time of a photo corresponds to {1 / mean:.2f}.",
        "",
        f"A worker process: ready after {sandbox['ready']:.2f} s; peak memory {sandbox['peak']:.0f} MiB, "
        f"{sandbox['resident']:.0f} MiB after ten photos of the largest size. "
        f"The fer package: ready after {fer.cold_start:.1f} s.",
        "",
        "![Speed by photo](vision.png)",
    ]
    return "\n".join(lines) + "\n"


def draw(rows: list[Row], path: Path) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    names = [row["photo"] for row in rows]
    for at, (name, label) in enumerate(zip(CONTENDERS, ("pipeline", "fer mtcnn", "fer haar"), strict=True)):
        places = [row + (at - 1) * 0.27 for row in range(len(rows))]
        left.bar(places, [row[name]["wall"] * 1000 for row in rows], 0.27, label=label)
    left.set_yscale("log")
    left.set_ylabel("ms per photo (logarithmic)")
    left.set_title("wall time: the whole pipeline, fer without composing")
    below = [0.0] * len(rows)
    for stage in STAGES:
        heights = [row["stages"][stage] * 1000 for row in rows]
        right.bar(names, heights, bottom=below, label=stage.lower())
        below = [low + height for low, height in zip(below, heights, strict=True)]
    right.set_ylabel("ms per photo")
    right.set_title("stages of the pipeline")
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
        parser.error(f"no .jpg file in {arguments.photos}")
    others = used_by_others()
    fer, ours = FerPackage(), PipelineProcess()
    rows = measure(photos, arguments.rounds, ours, fer)
    fer.close()
    ours.close()
    rows.sort(key=lambda row: (round(row["megapixels"], 1), row["pipeline"]["faces"]))
    rates = {processes: throughput(photos, processes) for processes in (1, 2)}
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = table(rows, rates, asyncio.run(measure_worker(photos[-1].read_bytes())), fer, arguments.rounds, others)
    (arguments.out / "vision.md").write_text(text)
    draw(rows, arguments.out / "vision.png")
    print(text)


if __name__ == "__main__":
    main()
