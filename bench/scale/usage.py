"""What processes have cost so far, as Linux tells it in /proc."""

import os
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from igemoji_stack.backends.backend import RealBackends
from igemoji_stack.mesh.mesh import Mesh

TICK = os.sysconf("SC_CLK_TCK")
CLIENT = "this client"


@dataclass(frozen=True)
class Usage:
    """Seconds of a core so far, since their processes began."""

    parts: dict[str, float]
    machine: float
    """Of everything on our cores."""
    at: float

    def since(self, before: "Usage") -> "Usage":
        parts = {part: seconds - before.parts.get(part, 0) for part, seconds in self.parts.items()}
        return Usage(parts, self.machine - before.machine, self.at - before.at)

    @property
    def others(self) -> float:
        """Cores that were busy with something else. What the kernel does for nobody by name is among it, and so is what
        a host takes away from its guest."""
        return max(0.0, self.machine - sum(self.parts.values())) / self.at


def usage(mesh: Mesh) -> Usage:
    """Of every process, by part; the children of each are its own."""
    assert isinstance(mesh.backends, RealBackends)
    roots = {name: process.pid for name, process in mesh.processes.items()}
    for part in mesh.backends.own.values():
        roots |= part.pids
    spent: dict[str, float] = defaultdict(float)
    for name, pid in roots.items():
        if pid is not None:
            kind = "workers" if name.startswith("inference-worker") else name
            spent[kind] += sum(spent_by(each) for each in family(pid))
    spent[CLIENT] = time.process_time()
    return Usage(dict(spent), busy_seconds(os.sched_getaffinity(0)), time.monotonic())


def busy_seconds(cores: set[int]) -> float:
    """How long cores have been busy, with whatever."""
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines()]
    ours = [list(map(int, line[1:9])) for line in lines if line[0] in {f"cpu{core}" for core in cores}]
    # https://man7.org/linux/man-pages/man5/proc_stat.5.html: user nice system idle iowait irq softirq steal
    return sum(sum(line) - line[3] - line[4] for line in ours) / TICK


def family(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [pid, *(each for child in text.split() for each in family(int(child)))]


def spent_by(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK
