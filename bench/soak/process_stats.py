"""Memory, open files and threads of every process of a mesh over time, from /proc."""

import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from igemoji_stack.mesh.mesh import Mesh

FLAT = 1.10
"""A process is flat if the last quarter is at most 10 % above the second: in the first, caches and arenas fill."""


@dataclass
class ProcessStats:
    """Samples by process: (seconds since the start, memory in MiB, open files, threads)."""

    rows: dict[str, list[tuple[float, float, int, int]]] = field(default_factory=lambda: defaultdict(list))
    processes: list[tuple[float, int]] = field(default_factory=list)

    def take(self, mesh: Mesh, started: float) -> None:
        now = time.monotonic() - started
        count = 0
        for name, process in mesh.processes.items():
            if process.pid is None:
                continue
            for number, pid in enumerate([process.pid, *children(process.pid)]):
                reading = read(pid)
                if reading:
                    self.rows[name if number == 0 else f"{name} worker {number}"].append((now, *reading))
                    count += 1
        self.processes.append((now, count))


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def read(pid: int) -> tuple[float, int, int] | None:
    """Return (anonymous memory in MiB, open files, threads) of a process, or None if it has ended.

    Anonymous memory that forks share is divided among them (Pss_Anon). File pages are not counted: other processes of
    the machine share them, and a process's part of them grows when the others end.
    """
    root = Path(f"/proc/{pid}")
    try:
        rollup = (root / "smaps_rollup").read_text()
        own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss_Anon:"))
        return own / 1024, len(list((root / "fd").iterdir())), len(list((root / "task").iterdir()))
    except (OSError, StopIteration):
        return None


def table(stats: ProcessStats) -> tuple[list[str], bool]:
    """Return the medians of the second and the last quarter as Markdown lines, and whether all processes are flat."""
    lines = ["| process | memory, MiB | ratio | open files | threads |", "|---|---|---|---|---|"]
    flat = True
    for name, rows in stats.rows.items():
        early, late = quarter(rows, 1), quarter(rows, 3)
        memory, files, threads = ([median(part, column) for part in (early, late)] for column in (1, 2, 3))
        ratio = memory[1] / memory[0]
        flat &= ratio <= FLAT and files[1] <= files[0] * FLAT + 2 and threads[1] <= threads[0] + 1
        lines.append(
            f"| {name} | {memory[0]:.1f} → {memory[1]:.1f} | {ratio:.2f} "
            f"| {files[0]:.0f} → {files[1]:.0f} | {threads[0]:.0f} → {threads[1]:.0f} |"
        )
    counts = [count for _, count in stats.processes]
    lines += ["", f"Processes: {min(counts)} to {max(counts)}. {'Flat.' if flat else 'NOT flat.'}"]
    return lines, flat


def quarter(rows: list[tuple[float, float, int, int]], number: int) -> list[tuple[float, float, int, int]]:
    size = max(len(rows) // 4, 1)
    return rows[number * size : (number + 1) * size] or rows[-1:]


def median(rows: list[tuple[float, float, int, int]], column: int) -> float:
    return statistics.median(row[column] for row in rows)


def plot(stats: ProcessStats, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 8), layout="constrained")
    draw(stats, figure.subplots(3, 1, sharex=True))
    figure.savefig(path, dpi=110)


def draw(stats: ProcessStats, axes: Any) -> None:
    """Draw memory, open files and threads on three axes of matplotlib."""
    for column, (axis, label) in enumerate(zip(axes, ("memory, MiB", "open files", "threads"), strict=True), start=1):
        for name, rows in stats.rows.items():
            axis.plot([row[0] for row in rows], [row[column] for row in rows], label=name, linewidth=1.2)
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    axes[-1].set_xlabel("seconds")
    axes[0].legend(ncols=4, fontsize=8)
