"""Throughput of `igemoji photo` relative to bare pipelines, and its memory over time.

usage: python bench/photo/bench.py [--count 200 | --photos FOLDER] [--workers 2] [--rounds 2] [--results bench/results]

Both are timed from the start of their first process to the end of their last, alternately. Writes photo.md and
photo.png.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import skimage.data
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
GOAL = 0.85
SIZES = ((640, 480), (800, 1000), (1280, 960), (1600, 1200), (1080, 1800))
EXTENSIONS = (".jpg", ".jpg", ".jpg", ".png", ".webp")
FACELESS = 0.1
SAMPLE_SECONDS = 0.25
MIB = 2**20


@dataclass
class Run:
    """One run over all photos."""

    seconds: float = 0
    cpu_seconds: float = 0
    """Processor time of all processes; on a shared machine it is more reliable than wall time."""
    first_seconds: float = 0
    """Time of the first finished photo."""
    faces: int = 0
    times: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    """Resident memory of the process tree at `times`, in MiB."""

    def quarter(self, number: int) -> float:
        """Return the median memory of a quarter (0 to 3) of the time from the first finished photo to the end."""
        length = (self.seconds - self.first_seconds) / 4
        low = self.first_seconds + length * number
        inside = [mib for at, mib in zip(self.times, self.memory, strict=True) if low <= at <= low + length]
        return statistics.median(inside) if inside else float("nan")


def make_photos(folder: Path, count: int) -> None:
    """Write photos of a person in front of shapes and noise, of up to 2 MP; a tenth of them without a face."""
    random = np.random.default_rng(3)
    person = Image.fromarray(skimage.data.astronaut())  # type: ignore[no-untyped-call]
    for number in range(count):
        width, height = SIZES[number % len(SIZES)]
        noise = random.integers(0, 60, (height // 8, width // 8, 3), np.uint8) + np.uint8(random.integers(40, 190))
        photo = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
        draw = ImageDraw.Draw(photo)
        for _ in range(12):
            x, y, side = (int(value) for value in random.integers((0, 0, 20), (width, height, 200)))
            draw.ellipse((x, y, x + side, y + side * 0.6), fill=tuple(map(int, random.integers(0, 255, 3))))
        people = 0 if random.random() < FACELESS else int(random.integers(1, 4))
        for place in range(people):
            side = int(min(width / people, height) * random.uniform(0.5, 0.95))
            photo.paste(person.resize((side, side)), (width * place // people, int(random.integers(0, height - side))))
        photo.save(folder / f"{number:04}{random.choice(EXTENSIONS)}")


def measure(command: Sequence[str | Path]) -> Run:
    """Run a command that prints a JSON object with its faces per photo."""
    started, cpu_before = time.perf_counter(), cpu_of_children()
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
        run = Run()
        ended = threading.Event()
        watcher = threading.Thread(target=watch, args=(process.pid, run, started, ended))
        watcher.start()
        assert process.stdout is not None
        for line in process.stdout:
            run.first_seconds = run.first_seconds or time.perf_counter() - started
            faces = json.loads(line).get("faces", 0)
            run.faces += faces if isinstance(faces, int) else len(faces)
        process.wait()
        run.seconds = time.perf_counter() - started
        run.cpu_seconds = cpu_of_children() - cpu_before
        ended.set()
        watcher.join()
    if process.returncode:
        sys.exit(f"{command[0]} ended with code {process.returncode}")
    return run


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def watch(pid: int, run: Run, started: float, ended: threading.Event) -> None:
    while not ended.wait(SAMPLE_SECONDS):
        memory = tree_memory(pid)
        if memory:
            run.times.append(time.perf_counter() - started)
            run.memory.append(memory / MIB)


def tree_memory(pid: int) -> int:
    """Return the resident bytes of a process and its descendants."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    own = next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:")), 0)
    return own + sum(tree_memory(int(child)) for child in children)


def table(photos: int, workers: int, bare: Sequence[Run], command: Sequence[Run]) -> str:
    ratio = sum(run.seconds for run in bare) / sum(run.seconds for run in command)
    lines = [
        "# `igemoji photo` compared with bare pipelines",
        "",
        f"{photos} photos, {workers} processes of one thread each, {len(bare)} alternating rounds. Made by "
        "`make bench-photo`.",
        "",
        "| round | bare pipelines | `igemoji photo` | ratio | CPU | memory, first quarter | memory, last quarter "
        "| faces |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for number, (one, other) in enumerate(zip(bare, command, strict=True), 1):
        cells = [
            str(number),
            f"{photos / one.seconds:.2f} photos/s",
            f"{photos / other.seconds:.2f} photos/s",
            f"{one.seconds / other.seconds:.3f}",
            f"{one.cpu_seconds:.1f} s and {other.cpu_seconds:.1f} s",
            f"{other.quarter(0):.0f} MiB",
            f"{other.quarter(3):.0f} MiB",
            f"{one.faces} and {other.faces}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    verdict = "reached" if ratio >= GOAL else "missed"
    return "\n".join([*lines, "", f"Ratio over all rounds: **{ratio:.3f}** (goal: {GOAL} or more, {verdict}).", ""])


def plot(path: Path, bare: Sequence[Run], command: Sequence[Run]) -> None:
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for runs, name, color in ((bare, "bare pipelines", "tab:gray"), (command, "igemoji photo", "tab:blue")):
        for number, run in enumerate(runs):
            axes.plot(run.times, run.memory, color=color, alpha=0.8, label=None if number else name)
    axes.set(xlabel="seconds", ylabel="resident memory of all processes, MiB", title="Memory over a folder of photos")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=Path, help="folder of photos; default: generated photos")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    workers = str(arguments.workers)
    bare, command = [], []
    with tempfile.TemporaryDirectory() as work:
        folder = arguments.photos or Path(work) / "photos"
        if not arguments.photos:
            folder.mkdir()
            make_photos(folder, arguments.count)
        photos = sum(path.is_file() for path in folder.rglob("*"))
        igemoji = Path(sys.executable).parent / "igemoji"
        for number in range(arguments.rounds):
            bare.append(measure([sys.executable, Path(__file__).with_name("baseline.py"), folder, workers]))
            out = Path(work) / f"out {number}"
            command.append(measure([igemoji, "photo", folder, "-o", out, "--workers", workers, "--json", "-"]))
    arguments.results.mkdir(parents=True, exist_ok=True)
    text = table(photos, arguments.workers, bare, command)
    (arguments.results / "photo.md").write_text(text)
    plot(arguments.results / "photo.png", bare, command)
    print(text)


if __name__ == "__main__":
    main()
