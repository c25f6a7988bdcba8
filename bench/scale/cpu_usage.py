"""Processor time of the processes of a mesh, from /proc."""

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
class CpuUsage:
    """Processor time in seconds of a core, since the processes started."""

    servers: dict[str, float]
    machine: float
    """Processor time of everything on the cores of the benchmark."""
    at: float

    def since(self, before: "CpuUsage") -> "CpuUsage":
        servers = {name: seconds - before.servers.get(name, 0) for name, seconds in self.servers.items()}
        return CpuUsage(servers, self.machine - before.machine, self.at - before.at)

    @property
    def others(self) -> float:
        """Cores busy with other processes, including work of the kernel itself and time stolen by the host."""
        return max(0.0, self.machine - sum(self.servers.values())) / self.at


def cpu_usage(mesh: Mesh) -> CpuUsage:
    """Return the usage of every process with its children, by server."""
    assert isinstance(mesh.backends, RealBackends)
    roots = {name: process.pid for name, process in mesh.processes.items()}
    for server in mesh.backends.own.values():
        roots |= server.pids
    spent: dict[str, float] = defaultdict(float)
    for name, pid in roots.items():
        if pid is not None:
            kind = "workers" if name.startswith("inference-worker") else name
            spent[kind] += sum(cpu_seconds(each) for each in process_tree(pid))
    spent[CLIENT] = time.process_time()
    return CpuUsage(dict(spent), busy_seconds(os.sched_getaffinity(0)), time.monotonic())


def busy_seconds(cores: set[int]) -> float:
    """Return the time in seconds that these cores have been busy."""
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines()]
    ours = [list(map(int, line[1:9])) for line in lines if line[0] in {f"cpu{core}" for core in cores}]
    # https://man7.org/linux/man-pages/man5/proc_stat.5.html: user nice system idle iowait irq softirq steal
    return sum(sum(line) - line[3] - line[4] for line in ours) / TICK


def process_tree(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [pid, *(each for child in text.split() for each in process_tree(int(child)))]


def cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK
